"""The laws of the lockers, held against what the building sees and what is on the disk then.

Who holds what is known from what the records say, read as the contract says, and from what was
asked: of the daemon's own state only its rows are read, to be held against that.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from edged.core.events import stamp_text
from hil.people import Observation
from hil.simulation.witness import Cause, Witness
from hil.site.lockers import READER
from policy.locker_model import Locker, LockerState, Progress

ENDINGS: Final = frozenset({"force_end", "return", "move"})
_PULSING: Final = ENDINGS | {"open", "staff_open"}
_FRESH_MS: Final = 1_500
"""A pulse comes so shortly behind its record."""
_CAME_MS: Final = 20_000
"""A code that was shown is decided within this: those before it are looked up first."""
_FREED: Final = {"forced_end": "force_end", "returned": "return", "moved_to": "move"}
"""The words that free a locker which was seen open, and what had to be asked for."""
_HELD: Final = ("IN_USE", "WAITING")


@dataclass(frozen=True, slots=True)
class Stand:
    """How a locker stands, in the words of the contract; being released is not told there."""

    state: str = "OUT_OF_ORDER"
    use: str | None = None
    member: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order asks for, of which use of a locker."""

    do: str
    locker: str
    use: str | None


@dataclass(slots=True)
class Hatch:
    """One locker as it was seen. `served`: what its newest pulse was for, and at which moment.

    `seen_open`: its door was open at that pulse, or since.
    """

    open: bool = False
    served: str = ""
    served_ms: int = 0
    seen_open: bool = False
    causes: list[tuple[Cause, Mapping[str, Any]]] = field(default_factory=list)


class LockerWitness:
    """Watches the bank of a device. `channels`: its lockers, each with its channel.

    `orders`: what was asked, by the id of the command. `members`: whose each use is.
    """

    def __init__(self, witness: Witness, channels: Mapping[str, int]) -> None:
        self.orders: dict[str, Ordered] = {}
        self.members: dict[str, str] = {}
        self.stands = {name: Stand() for name in channels}
        self.hatches = {name: Hatch() for name in channels}
        self.pulses = 0
        self._witness = witness
        self._names = {channel: name for name, channel in channels.items()}
        self._came: dict[str, deque[int]] = {}
        self._done: set[str] = set()

    def came(self, member: str) -> None:
        """Note that a member's code is shown now."""
        self._came.setdefault(member, deque()).append(_now_ms())

    def owes(self) -> bool:
        """Tell whether something is on the disk that has given no pulse yet."""
        at_ms = _now_ms()
        return any(
            cause.lasts(at_ms, _FRESH_MS)
            for one in self.hatches.values()
            for cause, _ in one.causes
        )

    # --- what the building sees

    def sees(self, seen: Observation) -> None:
        """Take what the building saw, at the moment when it happens."""
        match seen["what"]:
            case "pulse":
                self._pulsed(self._names[seen["channel"]], seen["at_ms"])
            case "locker":
                hatch = self.hatches[self._names[seen["channel"]]]
                hatch.open = seen["open"]
                hatch.seen_open = hatch.seen_open or hatch.open
            case _:
                pass

    def _pulsed(self, name: str, at_ms: int) -> None:
        """Hold a pulse against the record that it is for, each record once."""
        self.pulses += 1
        self._witness.read()
        hatch = self.hatches[name]
        hatch.causes = [one for one in hatch.causes if one[0].lasts(at_ms, _FRESH_MS)]
        if not hatch.causes:
            self._witness.violate(f"{name} was released, and nothing on the disk says why")
            return
        _, record = hatch.causes.pop(0)
        hatch.served, hatch.served_ms, hatch.seen_open = record["verb"], at_ms, hatch.open
        use, stand = record["occupancy"], self.stands[name]
        if use != stand.use:
            self._witness.violate(f"{name} is {stand.use}'s, and was released for {use}")
        if record["verb"] == "open" and record["by"] not in {"pin", self.members.get(use)}:
            self._witness.violate(f"{name} was opened for {record['by']}, who does not hold it")

    # --- what comes to the disk

    def hears(self, record: Mapping[str, Any]) -> None:
        """Take the next record."""
        match record["kind"]:
            case "locker_command" if record["result"] == "OK":
                self._carried_out(record)
            case "locker_command" if record["locker"] in self.hatches:
                hatch = self.hatches[record["locker"]]  # what was too late at its turn has no pulse
                hatch.causes = [
                    one for one in hatch.causes if one[1]["command"] != record["command"]
                ]
            case "locker":
                self._happened(record["locker"], record["word"], record)
            case _:
                pass

    def _carried_out(self, record: Mapping[str, Any]) -> None:
        name, verb, command = record["locker"], record["verb"], record["command"]
        if command in self._done:
            self._witness.violate(f"{command}: {verb} of {name} was carried out twice")
        self._done.add(command)
        if not self._was_asked(record):
            self._witness.violate(f"{name}: nobody asked for {verb} by {record['by']}")
        stand = self.stands[name]
        if verb in _PULSING:
            self.hatches[name].causes.append((Cause(verb, _now_ms()), record))
        elif verb == "assign":
            if stand.state != "FREE":
                self._witness.violate(f"{name} was given away while it was {stand.state}")
            who = record["occupancy"], record["member"], record["end"]
            self.stands[name] = Stand("IN_USE", *who)
        elif verb == "extend":
            state = "IN_USE" if stand.state in _HELD else stand.state
            self.stands[name] = replace(stand, state=state, end=record["end"])

    def _was_asked(self, record: Mapping[str, Any]) -> bool:
        """Tell whether somebody asked for just this; a code that was shown asks once."""
        if record["device"] == READER:
            came = self._came.get(record["by"], deque())
            while came and _now_ms() - came[0] > _CAME_MS:
                came.popleft()
            return bool(came) and came.popleft() > 0
        asked = self.orders.get(record["command"])
        return asked is not None and (
            (asked.do, asked.locker) == (record["verb"], record["locker"])
            and (asked.use == record["occupancy"] or asked.do in {"confirm_empty", "assign"})
        )

    def _happened(self, name: str, word: str, record: Mapping[str, Any]) -> None:
        stand, hatch = self.stands[name], self.hatches[name]
        match word:
            case "expired":
                self.stands[name] = replace(stand, state="WAITING")
            case "stuck" | "set_aside":
                self.stands[name] = replace(stand, state="OUT_OF_ORDER")
            case "confirmed_empty":
                self.stands[name] = Stand("FREE")
            case "moved_from":
                if stand.state != "FREE":
                    self._witness.violate(f"a use was moved to {name} while it was {stand.state}")
                self.stands[name] = replace(self.stands[record["about"]], state="IN_USE")
            case "forced_end" | "returned" | "moved_to":
                if hatch.served != _FREED[word] or not hatch.seen_open:
                    self._witness.violate(f"{name} is free, and nobody saw it open: {word}")
                self.stands[name] = Stand("FREE")
            case _:
                pass

    # --- at any moment

    def hold(self, kept: Mapping[str, Locker]) -> None:
        """Hold the daemon's rows against what the records say; read at the same moment."""
        for name, stand in self.stands.items():
            row = kept.get(name, Locker(name, LockerState.OUT_OF_ORDER))
            for wrong in _wrong(row, stand):
                self._witness.violate(f"{name}: {wrong}")


def _wrong(row: Locker, stand: Stand) -> Iterator[str]:
    held, release, state = row.occupancy, row.release, row.state.value
    if release is not None:
        stuck = release.progress is Progress.STUCK
        state = "OUT_OF_ORDER" if stuck else release.back.value
        if held is not None and (held.pin_hash is None) is (release.progress is Progress.RESETTING):
            yield f"the PIN of {held.id} at {release.progress.name}"
    elif state in _HELD and (held is None or held.pin_hash is None):
        yield f"{state}, and its PIN is gone"
    use = (None, None, None) if held is None else (held.id, held.member, stamp_text(held.end))
    if Stand(state, *use) != stand:
        yield f"the records say {stand}, the daemon {Stand(state, *use)}"


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1_000)
