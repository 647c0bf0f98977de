"""`python -m hil.kills.lockers`: a forced termination, killed at each of its waits and writes.

strace kills the daemon with SIGKILL as it enters its Nth call that waits or writes to the disk,
counted from the order on, for N from 1 until the termination is over before. So there is no
await between the order and its end, and no write, at which it was not killed once (README.md).
"""

import argparse
import asyncio
import json
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from edged.control.client import DaemonUnreachable, ask
from edged.control.wire import Verb
from hil.people import Observation, People
from hil.site.lockers import BANK, add_boards, confirm_empty, write_pepper
from hil.site.site import Site

POINTS: Final[Mapping[str, str]] = {
    "waits": "epoll_wait,epoll_pwait,epoll_pwait2",
    "disk": "pwrite64,fsync,fdatasync,ftruncate,unlink",
    "sends": "write,sendto,sendmsg",
}
"""The system calls at which the daemon is killed: each pass of its loop, each write to the disk,
each to a board or a client. strace counts each thread by itself, and each row is one thread's."""
LOCKER, CHANNEL, STAFF = "L1", 1, "S9"
_PIN = "907431"
_SOON_S = 60.0


@dataclass(slots=True)
class Tally:
    """What was done and seen. `violations`: everything that must not be, in words."""

    points: int = 0
    killed: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def as_json(self, at: str) -> str:
        """Give all of it as one JSON object; `at`: the points' name."""
        ends, violations = dict(self.ends), self.violations
        found = {"at": at, "points": self.points, "killed": self.killed}
        return json.dumps({**found, "ends": ends, "violations": violations})


class Endings:
    """One site with lockers at real boards' protocols, whose daemon is killed in an ending.

    Its files are not written yet. `springs`: whether a released door opens by itself; without,
    nobody ever sees it open.
    """

    def __init__(self, site: Site, *, springs: bool = True) -> None:
        add_boards(site, {"springs": springs, "opens_after_ms": 20})
        site.rules["settings"] = {"release_seen_s": 1}
        write_pepper(site)
        self._site = site
        self._springs = springs
        self.tally = Tally()

    async def start(self) -> None:
        """Put the site up, with its lockers confirmed empty and the daemon away."""
        self._site.write()
        await self._site.start_building()
        await self._site.load_rules()
        await self._site.start_daemon()
        await confirm_empty(self._site)
        await self._site.daemon.stop()

    async def kill_at(self, people: People, point: int, calls: str) -> bool:
        """End a use and kill the daemon at its `point`th call; False: it was over before.

        The daemon is away before and after.
        """
        site, before = self._site, people.last
        await site.start_daemon()
        use = await self._assign()
        strace = await self._attach(point, calls)
        ended = asyncio.create_task(self._end(use))
        killed = asyncio.create_task(site.daemon.wait())
        await asyncio.wait({ended, killed}, return_when=asyncio.FIRST_COMPLETED)
        was_killed = killed.done()
        if not was_killed:
            killed.cancel()
            strace.terminate()
        await strace.wait()
        await ended
        if was_killed:
            await site.start_daemon()
        self.tally.points += 1
        self.tally.killed += was_killed
        await self._look(people, before, use, point)
        await site.daemon.stop()
        return was_killed

    async def _attach(self, point: int, calls: str) -> asyncio.subprocess.Process:
        """Let strace follow the daemon and all its threads; return once it does."""
        strace = await asyncio.create_subprocess_exec(
            "strace",
            *("--follow-forks", "--attach", str(self._site.daemon.pid), "--output", "/dev/null"),
            *("-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={point}"),
            stderr=asyncio.subprocess.PIPE,
        )
        assert strace.stderr is not None  # noqa: S101 - PIPE was asked for
        async with asyncio.timeout(_SOON_S):
            while b"attached" not in await strace.stderr.readline():
                if strace.returncode is not None:
                    raise RuntimeError("strace can't follow the daemon")
        return strace

    async def _assign(self) -> str:
        use = {"occupancy": str(uuid.uuid4()), "member": "aiko", "end": "2099-01-01"}
        given = await self._order("assign", staff=STAFF, pin=_PIN, **use)
        return str(given["occupancy"])

    async def _end(self, use: str) -> None:
        """End the use and wait until it is over, or nobody answers any more."""
        await self._order("force_end", staff=STAFF, occupancy=use)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SOON_S):
                while self._site.daemon.code is None:
                    found = await self._stands()
                    if found and (found["state"] == "FREE" or found["releasing"] == "STUCK"):
                        return

    async def _look(self, people: People, before: int, use: str, point: int) -> None:
        """Hold what the building saw against what the daemon makes of it, and clear up."""
        found = await self._settled()
        await people.state()  # what was seen until now has been told
        seen = [one for one in people.seen if one["n"] > before]
        state = found["releasing"] or found["state"]
        self.tally.ends[state] += 1
        for wrong in _violations(seen, found, use):
            self.tally.violations.append(f"point {point}, {state}: {wrong}")
        pulses = _count(seen, _pulse)
        opened = await self._order("open", occupancy=use, pin=_PIN)
        if opened.get("result") == "OK" and found["state"] != "IN_USE":
            self.tally.violations.append(f"point {point}, {state}: the PIN opens")
        if found["state"] == "IN_USE":  # it never began: this one ends it
            await self._order("force_end", staff=STAFF, occupancy=use)
            found = await self._settled()
        elif _count([one for one in people.seen if one["n"] > before], _pulse) > pulses:
            self.tally.violations.append(f"point {point}, {state}: pulsed for a use that is over")
        if found["state"] != "FREE":
            await self._order("confirm_empty", staff=STAFF, occupancy=use)
        await people.close_locker(BANK, CHANNEL)

    async def _settled(self) -> dict[str, Any]:
        """Wait until the locker is in no state that passes by itself."""
        async with asyncio.timeout(_SOON_S):
            while True:
                found = await self._stands()
                if found and found["releasing"] in (None, "STUCK"):
                    return found

    async def _stands(self) -> dict[str, Any]:
        """How the locker stands; empty if nobody says."""
        page = await self._ask(Verb.LOCKERS, after="")
        found: list[dict[str, Any]] = page.get("lockers", [])
        return next((line for line in found if line["locker"] == LOCKER and line["state"]), {})

    async def _order(self, do: str, **said: object) -> dict[str, Any]:
        """Give an order; what came of it, empty if nobody answered."""
        order = {"do": do, "command": str(uuid.uuid4()), "locker": LOCKER, **said}
        return await self._ask(Verb.LOCKER, order=order)

    async def _ask(self, verb: Verb, **arguments: object) -> dict[str, Any]:
        socket = self._site.control_socket
        try:
            return dict(await asyncio.to_thread(partial(ask, socket, verb, **arguments)))
        except DaemonUnreachable:
            return {}


def _violations(seen: Sequence[Observation], found: dict[str, Any], use: str) -> list[str]:
    """What must not be after a restart."""
    pulses, openings = _count(seen, _pulse), _count(seen, _opening)
    wrong = []
    if pulses > 1:
        wrong.append(f"{pulses} pulses")
    if found["state"] == "FREE" and not openings:
        wrong.append("free, and nobody saw it open")
    if found["state"] == "IN_USE" and pulses:
        wrong.append("pulsed, and in use as before")
    if found["state"] != "FREE" and found["occupancy"] != use:
        wrong.append(f"the use is {found['occupancy']}")
    if found["state"] == "IN_USE" and not found["pin"]:
        wrong.append("in use, and its PIN is gone")
    if found["state"] != "IN_USE" and found["pin"]:
        wrong.append("the PIN is still there")
    return wrong


def _pulse(seen: Observation) -> bool:
    return bool(seen["what"] == "pulse")


def _opening(seen: Observation) -> bool:
    return bool(seen["what"] == "locker" and seen["open"])


def _count(seen: Sequence[Observation], fits: Callable[[Observation], bool]) -> int:
    return sum(map(fits, seen))


async def campaign(points: Mapping[str, str], chosen: range, *, quiet: bool) -> dict[str, Tally]:
    """Kill at the chosen points, as far as there are so many; a tally for each of `points`."""
    tallies = {}
    for name, calls in points.items():
        with tempfile.TemporaryDirectory(prefix="edged-kills-") as folder:
            site = Site(Path(folder))
            endings = Endings(site)
            try:
                await endings.start()
                async with site.people() as people:
                    for point in chosen:
                        if not await endings.kill_at(people, point, calls):
                            break
                        if not quiet:
                            done = f"\r{name}: {point}, {len(endings.tally.violations)} violations"
                            print(done, end="", file=sys.stderr, flush=True)
            finally:
                await site.stop()
        tallies[name] = endings.tally
    return tallies


def main() -> int:
    """Run the campaign; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m hil.kills.lockers", description=__doc__)
    parser.add_argument("--at", choices=POINTS, help="at these only")
    parser.add_argument("--first", type=int, default=1, help="the first point")
    parser.add_argument("--last", type=int, default=10_000, help="the last, if there are so many")
    parser.add_argument("--step", type=int, default=1, help="from one point to the next")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    points = {name: POINTS[name] for name in ((arguments.at,) if arguments.at else POINTS)}
    chosen = range(arguments.first, arguments.last + 1, arguments.step)
    tallies = asyncio.run(campaign(points, chosen, quiet=arguments.json))
    for name, tally in tallies.items():
        if arguments.json:
            print(tally.as_json(name))
        else:
            print(f"\n{name}: {tally.points} points, {tally.killed} kills, {dict(tally.ends)}")
            for violation in tally.violations:
                print(f"VIOLATED: {violation}")
    return 1 if any(tally.violations for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
