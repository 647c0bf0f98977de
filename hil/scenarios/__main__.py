"""`python -m hil.scenarios`: list scenarios, list their words, run them on a bench (README.md)."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from hil.machine.qemu import Disks
from hil.machine.site import machine_site, make, started
from hil.rig.bench import BadBench, read_bench
from hil.rig.site import rig_site
from hil.scenarios.junit import junit
from hil.scenarios.page import page
from hil.scenarios.play import BENCHES, Away, Played, Scenario, play, scenarios
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
    run.add_argument("--rig", type=Path, default="rig.toml", help="of bench rig: hil/rig/README.md")
    run.add_argument("--json", action="store_true", help="one JSON object a scenario")
    run.add_argument("--page", type=Path, help="write an HTML page of what happened")
    run.add_argument("--junit", type=Path, help="write JUnit's XML, for a machine that collects it")
    asked = parser.parse_args()
    if asked.command == "list":
        _list()
        return 0
    if asked.command == "words":
        _words()
        return 0
    known = {each.name: each for each in scenarios()}
    if strange := [name for name in asked.names if name not in known]:
        parser.error(f"there is no scenario {strange[0]}")
    chosen = [known[name] for name in asked.names] or list(known.values())
    try:
        played = _play_all(chosen, asked)
    except BadBench as error:
        parser.error(str(error))
    if asked.page is not None:
        asked.page.write_text(page(played), encoding="utf-8")
    if asked.junit is not None:
        asked.junit.write_text(junit(played), encoding="utf-8")
    failed = sum(one.failed is not None for one in played)
    print(f"{len(played)} played, {failed} failed", file=sys.stderr)
    return 1 if failed or not played else 0


def _list() -> None:
    for each in scenarios():
        print(f"{each.name:24} {' '.join(each.benches):27} {each.says}")
        for bench in ("machine", "rig"):
            if hindrance := each.hindrance(bench):
                print(f"{'':24} no {bench} can do: {hindrance}")


def _words() -> None:
    for phrase in PHRASES:
        only = "" if len(phrase.benches) > 1 else f"   ({', '.join(phrase.benches)} only)"
        print(f"{'do' if phrase.does else 'see':4} {phrase.text}{only}")


def _play_all(chosen: list[Scenario], asked: argparse.Namespace) -> list[Played]:
    """Play them, each at a device of its own. Raises BadBench."""
    device, played = _device(asked), list[Played]()
    for each, bench in _plan(chosen, asked.bench):
        with device() as away:
            played.append(_run(each, bench, away, as_json=asked.json))
    return played


def _device(asked: argparse.Namespace) -> Callable[[], AbstractContextManager[Away | None]]:
    """Make what a bench needs once; the result has a device a scenario. Raises BadBench."""
    if asked.bench == "machine":
        disks = make(asked.work)
        return lambda: _machine(disks)
    if asked.bench == "rig":
        return partial(nullcontext, partial(rig_site, bench=read_bench(asked.rig)))
    return nullcontext


@contextmanager
def _machine(disks: Disks) -> Iterator[Away]:
    with started(disks) as machine:
        yield partial(machine_site, machine=machine)


def _plan(chosen: list[Scenario], bench: str) -> Iterator[tuple[Scenario, str]]:
    for each in chosen:
        for one in _ALL if bench == "all" else (bench,):
            if one in each.benches:
                yield each, one
            elif bench != "all":
                print(f"{each.name}: can't be shown on the {one} bench", file=sys.stderr)


def _run(each: Scenario, bench: str, away: Away | None, *, as_json: bool) -> Played:
    began_s = time.monotonic()
    played = play(each, bench, _progress, away)
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
