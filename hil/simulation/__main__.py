"""`python -m hil.simulation [door|chain|rare]`: days on virtual time, from a seed (README.md)."""

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict

from hil.simulation import aimed, life, saga
from hil.simulation.life import Lived
from hil.simulation.saga import Saga
from hil.simulation.story import EVERY_S, written


def main() -> int:
    """Live; 1 if a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m hil.simulation", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("door", "chain", "rare"), default="door")
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--every-s", type=float, default=EVERY_S, help="between events of a chain")
    parser.add_argument("--times", type=int, default=100, help="how often each rare state")
    parser.add_argument("--enough", type=int, default=0, help="or so many; the others a tenth")
    parser.add_argument("--shrink", action="store_true", help="tell the shortest failing story")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args()
    if asked.what == "door":
        lived = life.live(round(asked.days), asked.seed, _progress)
        return _told(lived, _days, as_json=asked.json)
    if asked.what == "rare":
        often = aimed.often(asked.times, asked.seed, _happened, enough=asked.enough)
        return _told(often, _saga, as_json=asked.json)
    events = written(asked.seed, 24 * asked.days, asked.every_s)
    told = saga.tell(asked.seed, events, _happened)
    if asked.shrink and told.violations:
        told.story = saga.shortest(told, events, _shorter)
    return _told(told, _saga, as_json=asked.json)


def _told(lived: Lived | Saga, first: Callable[..., str], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(asdict(lived)))
        return 1 if lived.violations else 0
    print(f"{first(lived)}\ntrace {lived.trace}")
    for state, times in sorted(lived.reached.items(), key=lambda one: one[1]):
        print(f"  {times:6} {state}")
    for violation in lived.violations:
        print(f"VIOLATED: {violation}")
    for sentence in lived.story if isinstance(lived, Saga) else ():
        print(sentence)
    return 1 if lived.violations else 0


def _days(lived: Lived) -> str:
    per_s = round(lived.events / lived.took_s) if lived.took_s else 0
    return (
        f"seed {lived.seed}: {lived.days} days in {lived.took_s} s, {lived.acts} acts, "
        f"{lived.events} observations ({per_s} a second), {lived.pulses} pulses, "
        f"{lived.records} records, {len(lived.violations)} violations"
    )


def _saga(lived: Saga) -> str:
    return (
        f"seed {lived.seed}: {lived.hours} hours of three devices in {lived.took_s} s, "
        f"{lived.happened} events, {lived.pulses} pulses, {lived.records} records, "
        f"{len(lived.violations)} violations"
    )


def _progress(lived: Lived) -> None:
    _line(f"{lived.days} days, {lived.events} observations")


def _happened(lived: Saga) -> None:
    _line(f"{lived.hours} hours, {lived.happened} events")


def _shorter(events: int) -> None:
    _line(f"{events} events break it still")


def _line(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
