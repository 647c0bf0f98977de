"""An installer made of nothing but hands and eyes: does in the building what the walk asks for.

Knows the settings' names as they are on the labels, and sees bolts, leaves and lockers; what is
wired to what it does not know.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from hil.people import Observation, People, Refused
from hil.site.site import Site

_SEEN_S = 10.0
_LINE_S = 90.0

Line = dict[str, Any]


class Stumbled(Exception):
    """The walk asked for what nobody can do, or said nothing any more."""


class Hands:
    """What an installer sees and does at a site, whoever asks for it.

    `mark`: the last thing that was seen before the step that is under way.
    """

    def __init__(self, site: Site, people: People) -> None:
        self.site, self.people = site, people
        self.asked: list[str] = []
        self.mark = people.last

    async def reply(self, key: str, choices: list[str]) -> str:
        """Answer a question by what is seen. Raises Stumbled."""
        kind, subject, what = key.split("/")
        if kind in {"fire", "power_cut"}:
            return await self._about_the_device(kind, what)
        match kind, what:
            case _, "begin":
                return "go"
            case "lock", "which":
                return await self._which_bolt()
            case "board", _:
                return "yes" if what == "empty" else await self._which_locker(choices)
            case "secure", "shut":
                return "no" if await self._opens(subject) else "yes"
            case "exit_button", "open":
                await self._seen("bolt", door=subject, released=True)
                return "yes" if await self._opens(subject) else "no"
            case "way_out_frozen", "out":
                if not self.daemon_is_stopped():
                    raise Stumbled("the daemon is not frozen")
                return "yes" if await self._gets_out(subject) else "no"
            case "way_out_dark", "out":
                return await self._without_power(subject)
            case _:
                raise Stumbled(key)

    async def _about_the_device(self, kind: str, what: str) -> str:
        match kind, what:
            case "power_cut", "begin":
                return "skip"
            case "power_cut", "why":
                return "this computer is not to be cut"
            case "fire", "magnets":
                await self._seen("bolt", released=True)
                state = (await self.people.state())["doors"].values()
                held = [one for one in state if one["lock"] == "magnet" and not one["released"]]
                return "no" if held else "yes"
            case "fire", "over":
                await self.people.switch("fire", on=False)
                return "yes"
            case _:
                return "go"

    async def do(self, key: str) -> None:
        """Do what is asked for. Raises Stumbled."""
        kind, subject, what = key.split("/")
        match kind, what:
            case "contact", "open":
                await self._bolt(subject)
                await self.people.open(subject)
            case "contact", "close":
                await self.people.close(subject)
            case "exit_button", "press":
                await self.people.press(subject)
            case "fire", "fire":
                await self.people.switch("fire", on=True)
            case "reader", "show":
                await self.people.scan(subject, "whatever is at hand")
            case _, "running":
                await self.site.start_daemon()
            case _, "rest":
                pass  # it is shut; the lock's own time ends
            case _:
                raise Stumbled(key)

    async def _seen(self, what: str, **facts: object) -> Observation | None:
        wanted = {"what": what, **facts}.items()
        try:
            return await self.people.wait_for(
                lambda seen: wanted <= seen.items(), _SEEN_S, after=self.mark
            )
        except TimeoutError:
            return None

    async def _bolt(self, door: str) -> None:
        if await self._seen("bolt", door=door, released=True) is None:
            raise Stumbled(f"the bolt of {door} did not move")

    async def _which_bolt(self) -> str:
        seen = await self._seen("bolt", released=True)
        return "none" if seen is None else str(seen["door"])

    async def _which_locker(self, choices: list[str]) -> str:
        """A locker's label is L and its channel."""
        seen = await self._seen("locker", open=True)
        if seen is None:
            return "none"
        await self.people.close_locker(seen["bank"], seen["channel"])
        label = f"L{seen['channel']}"
        return label if label in choices else "another"

    async def _opens(self, door: str) -> bool:
        try:
            await self.people.open(door)
        except Refused:
            return False
        await self.people.close(door)
        return True

    async def _gets_out(self, door: str) -> bool:
        try:
            await self.people.leave(door)
        except Refused:
            return False
        await self.people.close(door)
        return True

    async def _without_power(self, door: str) -> str:
        self.site.daemon.kill()
        await self.site.daemon.wait()
        out = await self._gets_out(door)
        await self.site.start_daemon()
        return "yes" if out else "no"

    def daemon_is_stopped(self) -> bool:
        """Tell whether the daemon's process is frozen."""
        stat = Path(f"/proc/{self.site.daemon.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"


class Installer(Hands):
    """One walk of `edged commission`, a process of its own. Open with `at`."""

    def __init__(self, site: Site, people: People, walk: asyncio.subprocess.Process) -> None:
        super().__init__(site, people)
        self.walk = walk
        self.results: dict[str, Line] = {}

    @classmethod
    @asynccontextmanager
    async def at(cls, site: Site, people: People, *steps: str) -> AsyncIterator[Self]:
        """Begin a walk, of these steps only if there are any."""
        only = [word for step in steps for word in ("--step", step)]
        walk = await asyncio.create_subprocess_exec(
            *(*site.edged, "commission", "--config", site.config, "--answers", "-", *only),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **site.env},
        )
        try:
            yield cls(site, people, walk)
        finally:
            if walk.returncode is None:
                walk.kill()
            await walk.communicate()

    async def go(self, until: str | None = None) -> Line:
        """Do what is asked for, to the end or until this is asked; give the last line.

        Raises:
            Stumbled: The walk ended without one, or nobody can do what it asks for.
            TimeoutError: It said nothing for long.
        """
        while True:
            async with asyncio.timeout(_LINE_S):
                line = b"" if self.walk.stdout is None else await self.walk.stdout.readline()
            if not line:
                raise Stumbled((await self.walk.communicate())[1].decode())
            said: Line = json.loads(line)
            if "step" in said:
                self.results[said["step"]] = said
                self.mark = self.people.last
            elif "ask" in said:
                self.asked.append(said["ask"])
                if said["ask"] == until:
                    return said
                await self.answer(said["ask"], await self.reply(said["ask"], said["choices"]))
            elif "do" in said:
                await self.do(said["do"])
            else:
                await self.walk.wait()
                return said

    async def answer(self, key: str, answer: str) -> None:
        """Answer a question."""
        if self.walk.stdin is None:
            raise Stumbled("the walk listens to nobody")
        self.walk.stdin.write(json.dumps({"key": key, "answer": answer}).encode() + b"\n")
        await self.walk.stdin.drain()

    def verdict(self, step: str) -> str:
        """Tell how a step ended."""
        return str(self.results[step]["verdict"])
