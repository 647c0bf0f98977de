"""What a decision costs, beside other engines on the part of the rules that they can express.

`python -m hil.perf.decisions [--json] [--rounds N] [--bands N]`. Each time is that of one request
from what a host has at hand (member, instant, a year of uses) to the answer; ours with every check
in its trace. Nothing is timed before all engines gave the same answers.
"""

import argparse
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from statistics import median

from hil.perf.club import Club, Host, Request, common_club, whole_club
from hil.perf.peers import PEERS, Answer, Band, Facts, Plans, engine
from hil.perf.plot import Bar, bars, keep
from hil.perf.stopwatch import Laps, Times, each, race
from policy.ahead import prepare
from policy.entry import decide
from policy.model import Decision, Rules, Verdict

REQUESTS = 2_000
"""A round's calls of each engine: its p99 stands on 20 of them."""
YARDSTICKS = ("cedarpy", "zen-engine")
SAME, ALL, FIRST = "edged", "edged, all rules in use", "edged, first of plan"
OURS = {
    SAME: "the same questions, and says why",
    ALL: "what no other is asked: all rules",
    FIRST: "the same, first of a plan today",
}
QUESTIONS = """
All but two rows answer one question: not suspended, a band open on a ticked weekday, and uses left
in it or one today. The others say yes or no; edged decides by all of its rules and says why. The
two are asked by a club that no other engine was given: bands over midnight, tolerances, holidays,
closed days, several contracts, pauses, tickets, bookings, exemptions, notices, anti-passback.
Their ratios compare our whole with the others' part. Nobody is asked the same twice."""


class Disagreement(Exception):
    """An engine gave another answer than ours, so its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """An engine's times in microseconds, and how often it takes those of the yardsticks.

    None: the engine, or the yardstick, is not installed.
    """

    engine: str
    decides: str
    p50_us: float | None = None
    p99_us: float | None = None
    to_cedarpy: float | None = None
    to_zen: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, and what our own answers to the compared requests were, by reason."""

    rows: list[Row]
    answers: Counter[str]


class PeerHost:
    """Does what another engine leaves to its host: the calendar and the counters.

    It keeps the uses of a year as a mask of days for each month and band, as we do.
    """

    def __init__(self, club: Club) -> None:
        self._tz = club.rules.stores[club.device.store].tz
        self._none: dict[str, list[int]] = {}
        self._masks: dict[tuple[str, int, int], list[int]] = {}
        for request in club.requests:
            (contract,) = request.member.contracts
            bands = club.rules.plans[contract.plan].bands
            places = {grant.kind: place for place, grant in enumerate(bands)}
            self._none[contract.id] = [0] * len(bands)
            for key in club.keys[request.member.id]:
                day = key.service_date
                month = (contract.id, day.year, day.month)
                masks = self._masks.setdefault(month, [0] * len(bands))
                masks[places[key.band]] |= 1 << day.day

    def facts(self, request: Request) -> Facts:
        """Say what the engine can't find out."""
        member = request.member
        contract = member.contracts[0]
        local = request.at.astimezone(self._tz)
        masks = self._masks.get((contract.id, local.year, local.month)) or self._none[contract.id]
        today = 1 << local.day
        return Facts(
            contract.plan,
            member.suspended,
            local.weekday(),
            60 * local.hour + local.minute,
            [mask.bit_count() for mask in masks],
            [mask & today > 0 for mask in masks],
        )


def plans_of(club: Club) -> Plans:
    """Put the plans as the peers take them."""
    hours = club.rules.stores[club.device.store].bands
    return {
        plan.id: tuple(
            Band(
                hours[grant.kind].start_min,
                hours[grant.kind].end_min,
                grant.days.weekdays,
                grant.limit,
            )
            for grant in plan.bands
        )
        for plan in club.rules.plans.values()
    }


def ours(club: Club) -> Callable[[Request], Decision]:
    """Decide, as the daemon does whose timetables are made ahead of each day."""
    host, rules = Host(club), replace(club.rules)
    for day in {request.at.date(): request.at for request in club.requests}.values():
        deque(prepare(rules, club.device, day), 0)
    return lambda request: decide(rules, club.device, request.member, host.scene(request))


def ours_unprepared(club: Club, rounds: int) -> Laps:
    """Decide each request as the first of its plan on its day: with nothing worked out yet."""
    host = Host(club)

    def decided(asked: tuple[Rules, Request]) -> Decision:
        rules, request = asked
        return decide(rules, club.device, request.member, host.scene(request))

    def laps() -> Sequence[int]:
        return each(
            decided, [(replace(club.rules), request) for request in club.requests[::rounds]]
        )()

    return laps


def installed(plans: Plans) -> dict[str, Answer]:
    """Prepare every engine that is installed."""
    engines = {}
    for package in PEERS:
        try:
            engines[package] = engine(package, plans)
        except PackageNotFoundError:
            continue
    return engines


def compared(club: Club, engines: Mapping[str, Answer]) -> Counter[str]:
    """Ask everyone every request, and count our answers by reason.

    Raises:
        Disagreement: An engine would let in whom we refuse, or the other way round.
    """
    decided, host = ours(club), PeerHost(club)
    reasons: Counter[str] = Counter()
    for request in club.requests:
        decision, facts = decided(request), host.facts(request)
        reasons[decision.reason.value] += 1
        for name, answer in engines.items():
            if answer(facts) is not (decision.verdict is Verdict.ALLOW):
                raise Disagreement(f"{name}: not {decision.reason} for {facts}")
    return reasons


def table(rounds: int, bands: int, requests: int) -> Table:
    """Compare the engines, then time them in turn: each round with requests of its own."""
    common, whole = (club(bands, requests * rounds) for club in (common_club, whole_club))
    engines = installed(plans_of(common))
    answers = compared(common, engines)
    host = PeerHost(common)

    def asked(answer: Answer, request: Request) -> bool:
        return answer(host.facts(request))

    contestants = {
        SAME: each(ours(common), common.requests, rounds),
        ALL: each(ours(whole), whole.requests, rounds),
        FIRST: ours_unprepared(whole, rounds),
        **{
            name: each(partial(asked, peer), common.requests, rounds)
            for name, peer in engines.items()
        },
    }
    times = race(contestants, rounds)
    return Table(
        [_row(name, OURS.get(name, "the common part"), times) for name in (*OURS, *PEERS)],
        answers,
    )


def _row(name: str, decides: str, times: Mapping[str, Times]) -> Row:
    if name not in times:
        return Row(name, "not installed")
    own = times[name]
    cedarpy, zen = (
        round(own.ratio(times[yardstick]), 3) if yardstick in times else None
        for yardstick in YARDSTICKS
    )
    return Row(name, decides, round(median(own.p50), 2), round(median(own.p99), 2), cedarpy, zen)


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"


def picture(rows: Sequence[Row]) -> str:
    """Draw what a decision costs; engines that are not installed are left out."""
    return bars(
        "A decision, from what a host has at hand to the answer (p50)",
        "us",
        [
            Bar(
                row.engine,
                row.p50_us,
                f"{row.p50_us:.3g} us",
                ours=row.engine.startswith("edged"),
            )
            for row in rows
            if row.p50_us
        ],
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=int, default=9, help="at least 5 (default: %(default)s)")
    parser.add_argument("--bands", type=int, default=8, help="bands of a plan (default: 8)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it too, as SVG")
    asked = parser.parse_args()
    if asked.rounds < 5 or asked.bands < 1:
        parser.error("at least 5 rounds, and a band")
    made = table(asked.rounds, asked.bands, REQUESTS)
    if asked.plot:
        keep(asked.plot, picture(made.rows))
    if asked.json:
        for row in made.rows:
            print(json.dumps(asdict(row)))
        return
    print(
        f"{'engine':27} {'decides':30} {'p50 us':>8} {'p99 us':>8} {'x cedarpy':>10} {'x zen':>8}"
    )
    for row in made.rows:
        print(
            f"{row.engine:27} {row.decides:30} {_shown(row.p50_us):>8} {_shown(row.p99_us):>8}"
            f" {_shown(row.to_cedarpy):>10} {_shown(row.to_zen):>8}"
        )
    print(QUESTIONS)
    said = ", ".join(f"{count} {reason}" for reason, count in made.answers.most_common())
    print(f"\n{asked.bands} bands, {asked.rounds} rounds; all engines agreed on: {said}")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
