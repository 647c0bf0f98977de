"""One schedule: a true time, a machine's clocks and sources, and somebody who turns them.

What may be turned: the time of day by anything; NTP's word once the cloud has been heard; the
cloud's word may be withheld and delayed, and can't be forged. Restarts keep what the journal
keeps. A crystal drifts by up to 90 ppm.
"""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from edged.core import access, time_sense
from edged.core.time_sense import Instant, TimeSense, Told
from edged.credentials.claims import MemberCode
from edged.readers import scene
from edged.readers.scene import Arrival
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from policy.model import Decision, Member, Rules, Verdict

BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)
S, H, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
_MS: Final = timedelta(milliseconds=1)
MOMENTS: Final = 24
POLICIES: Final = ("deny", "members")


class Betrayed(Exception):
    """Somebody was let in, and nobody owns up to a doubt."""


@dataclass(frozen=True, slots=True)
class House:
    """The rules of a door with hours in the evening, and its one member."""

    rules: Rules
    member: Member


def house(policy: str) -> House:
    """Build the rules, with this `clock_policy`."""
    document = {
        "format": "edged-rules/1", "tenant": "acme", "version": 1,
        "issued_at": BEGIN.isoformat(),
        "keys": {"1": {"role": "member", "public": "ab" * 32}},
        "settings": {"clock_policy": policy, "rules_max_age_h": 8_760},
        "stores": {"S1": {"tz": "UTC", "bands": {"EVENING": "17:00-21:30"}}},
        "plans": {"P": {"bands": [{"kind": "EVENING"}], "early_min": 10}},
        "doors": {"front": {"store": "S1"}},
        "devices": {"front-in": {"store": "S1", "door": "front", "side": "IN"}},
        "members": {
            "aiko": {
                "handle": "61" * 8,
                "contracts": [{"id": "C", "plan": "P", "start": "2025-01-01"}],
            }
        },
    }  # fmt: skip
    found = rules_file.read(json.dumps(document).encode())
    if not isinstance(found, RuleSet):
        raise TypeError(str(found))
    return House(found.rules, found.members["aiko"])


class Schedule:
    """One device through `MOMENTS` moments. Raises Betrayed where the law is broken.

    `allowed` and `doubted` count those who were let in, and those of them who are to be settled.
    """

    def __init__(self, seed: int, place: House) -> None:
        self._dice = random.Random(seed)
        self._place = place
        self._true = BEGIN + self._dice.randrange(0, 86_400 * 60) * S
        self._tick_ms, self._ppm = 0.0, self._dice.uniform(-90, 90)
        self._off = self._dice.choice((0 * S, -3 * H, 40 * S, -20 * 365 * DAY))
        self._ntp, self._lie = False, 0 * S
        self._sense = TimeSense(needs_cloud=True)
        self._issued = self._true
        self.allowed = self.doubted = 0

    def run(self) -> None:
        """Live through it."""
        for _ in range(MOMENTS):
            self._happen()
            self._present()

    def _happen(self) -> None:
        dice = self._dice
        match dice.randrange(9):
            case 0 | 1:
                self._wait(dice.choice((1 * S, 59 * S, 30 * 60 * S, 6 * H, DAY)))
            case 2 | 3:
                self._to_an_edge()
            case 4:
                self._off = dice.choice((0 * S, 1 * S, -1 * S, 3 * H, -3 * H, 400 * DAY))
            case 5:
                self._ntp = dice.random() < 0.6
                heard = self._sense.cloud is not None
                self._lie = dice.choice((0 * S, 20 * S, 2 * H, -2 * H)) if heard else 0 * S
            case 6 | 7:
                self._hear(dice.choice((0.05, 0.4, 3.0)))
            case _:
                self._restart()

    def _wait(self, time: timedelta) -> None:
        self._true += time
        self._tick_ms += time / _MS * (1 + self._ppm / 1e6)

    def _to_an_edge(self) -> None:
        """Come close to where an answer changes: the hours' begin and end, a code's end."""
        midnight = self._true.replace(hour=0, minute=0, second=0, microsecond=0)
        edges = (
            midnight + 16 * H + 50 * 60 * S,
            midnight + 21.5 * H,
            self._issued + 30 * 60 * S,
        )
        edge = self._dice.choice(edges) + self._dice.choice((-2, -1, 0, 1, 2)) * S
        if edge > self._true:
            self._wait(edge - self._true)

    def _hear(self, round_trip_s: float) -> None:
        """Hear the cloud's time: it was made somewhere within the round trip."""
        made = self._true + self._dice.random() * round_trip_s * S
        self._wait(round_trip_s * S)
        middle = round_trip_s / 2 * S
        at = made + middle  # what the link takes it to be at the end of the round trip
        self._sense = time_sense.hear(self._sense, at, middle + 0.01 * S, int(self._tick_ms))

    def _restart(self) -> None:
        """Lose what is in memory; the journal has the time that was last seen and trusted."""
        now = self._read()
        kept = now.at if now.trusted else self._sense.floor
        self._wait(self._dice.choice((20 * S, 5 * H)))
        self._tick_ms, self._ntp = 0.0, False
        self._sense = time_sense.observe(TimeSense(needs_cloud=True), kept, 0)
        self._off = self._dice.choice((0 * S, -5 * H, -20 * 365 * DAY))

    def _read(self) -> Instant:
        told = Told(
            self._true + (self._lie if self._ntp else self._off),
            int(self._tick_ms),
            0.25 if self._ntp else None,
        )
        self._sense, now = time_sense.read(self._sense, told)
        return now

    def _present(self) -> None:
        """Hold a code before the reader: a fresh one, or the last one again."""
        if self._dice.random() < 0.5:
            self._issued = self._true.replace(microsecond=0)
        code = MemberCode(1, self._place.member.handle, self._issued, 30, 7)
        now = self._read()
        if not now.trusted:  # as a reader does: a verified code is not made in the future
            self._sense = time_sense.observe(self._sense, self._issued, int(self._tick_ms))
            now = self._read()
        decision = self._decide(code, now)
        if decision.verdict is not Verdict.ALLOW:
            return
        self.allowed += 1
        self.doubted += decision.unsettled
        truth = self._decide(code, Instant(self._true, self._true, self._true, now.state.SYNCED))
        if truth.verdict is not Verdict.ALLOW and not decision.unsettled:
            raise Betrayed(f"at {self._true} by {now}: {decision.reason}, truly {truth.reason}")

    def _decide(self, code: MemberCode, now: Instant) -> Decision:
        rules = self._place.rules
        arrival = Arrival("e", rules, rules.devices["front-in"], code, now, 0)
        return access.decide_entry(scene.request(arrival, self._place.member))


def places() -> list[House]:
    """Both answers to a doubt."""
    return [house(policy) for policy in POLICIES]
