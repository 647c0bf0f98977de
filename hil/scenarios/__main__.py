"""`python -m hil.scenarios`: list scenarios, list their words, run them on a bench (README.md)."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from hil.machine.qemu import Machine
from hil.machine.site import make, started
from hil.scenarios.junit import junit
from hil.scenarios.page import page
from hil.scenarios.play import BENCHES, Played, Scenario, play, scenarios
from hil.scenarios.words import PHRASES

_ALL: Final = ("virtual", "process")
"""Those that need nothing but this computer."""


def main() -> int:
    """Do what is asked; 1 if a scenario was not seen as it must be."""
    parser = argparse.ArgumentParser(prog="python -m hil.scenarios", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all scenarios, and the benches that can show each")
    commands.add_parser("words", help="the phrases that scenarios are written in")
    run = commands.add_parser("run", help="play some, or all")
    run.add_argument("names", nargs="*", metavar="NAME")
    run.add_argument("--bench", choices=(*BENCHES, "all"), default="virtual")
    run.add_argument("--work", type=_place, default=".run", help="of bench machine; kept")
    run.add_argument("--json", action="store_true", help="one JSON object a scenario")
    run.add_argument("--page", type=Path, help="write an HTML page of what happened")
    run.add_argument("--junit", type=Path, help="write JUnit's XML, for a machine that collects it")
    asked = parser.parse_args()
    if asked.command == "list":
        for each in scenarios():
            print(f"{each.name:24} {' '.join(each.benches):24} {each.says}")
            if hindrance := each.hindrance("machine"):
                print(f"{'':24} no machine can do: {hindrance}")
        return 0
    if asked.command == "words":
        for phrase in PHRASES:
            only = "" if len(phrase.benches) > 1 else f"   ({', '.join(phrase.benches)} only)"
            print(f"{'do' if phrase.does else 'see':4} {phrase.text}{only}")
        return 0
    known = {each.name: each for each in scenarios()}
    if strange := [name for name in asked.names if name not in known]:
        parser.error(f"there is no scenario {strange[0]}")
    chosen = [known[name] for name in asked.names] or list(known.values())
    played = []
    disks = make(asked.work) if asked.bench == "machine" else None
    for each, bench in _plan(chosen, asked.bench):
        with nullcontext() if disks is None else started(disks) as machine:
            played.append(_run(each, bench, machine, as_json=asked.json))
    if asked.page is not None:
        asked.page.write_text(page(played), encoding="utf-8")
    if asked.junit is not None:
        asked.junit.write_text(junit(played), encoding="utf-8")
    failed = sum(one.failed is not None for one in played)
    print(f"{len(played)} played, {failed} failed", file=sys.stderr)
    return 1 if failed or not played else 0


def _plan(chosen: list[Scenario], bench: str) -> Iterator[tuple[Scenario, str]]:
    for each in chosen:
        for one in _ALL if bench == "all" else (bench,):
            if one in each.benches:
                yield each, one
            elif bench != "all":
                print(f"{each.name}: can't be shown on the {one} bench", file=sys.stderr)


def _run(each: Scenario, bench: str, machine: Machine | None, *, as_json: bool) -> Played:
    began_s = time.monotonic()
    played = play(each, bench, _progress, machine)
    played.took_s = took_s = round(time.monotonic() - began_s, 2)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    if as_json:
        facts = {"name": played.name, "bench": bench, "failed": played.failed, "took_s": took_s}
        print(json.dumps(facts), flush=True)
    else:
        verdict = "ok" if played.failed is None else f"FAILED: {played.failed}"
        print(f"{played.name:24} {bench:8} {took_s:6.2f} s  {verdict}", flush=True)
    return played


def _place(text: str) -> Path:
    return Path(text).resolve()


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
