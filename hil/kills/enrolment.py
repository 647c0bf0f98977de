"""`python -m hil.kills.enrolment`: a device is killed at each step of its enrolment and renewal.

strace kills `edged` with SIGKILL as it enters its Nth call that waits, or that touches its
identity on the disk, for N from 1 until it is enrolled, or has its next certificate, before. The
second start is killed at a random call of those; the third may do as it likes, and then exactly
one identity is there, here and in the cloud. Meanwhile answers to a request to be enrolled are
lost, doubled, and come late (README.md).
"""

import argparse
import asyncio
import json
import random
import secrets
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiomqtt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import Connection, func, select

from hil.chain.line import now
from hil.chain.town import Town, town
from hil.cloud import claims, pki, spelling
from hil.cloud.folder import EnrolmentSettings, load
from hil.cloud.lobby import Lobby
from hil.cloud.store import Store
from hil.cloud.tables import enrolment
from hil.site.site import Site

DEVICE: Final = "S1-FRONT"
WAITS: Final = "epoll_wait,epoll_pwait,epoll_pwait2"
DISK: Final = "mkdir,openat,write,fsync,rename,unlink,unlinkat,rmdir"
_AGED_DAYS: Final = 80
_SOON_S: Final = 60.0


@dataclass(slots=True)
class Tally:
    """What was done and seen. `violations`: everything that must not be, in words.

    `phases`: how the identity stood after the first kill.
    """

    points: int = 0
    killed: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """Give all of it as one JSON object."""
        return json.dumps(asdict(self))


class LossyLobby(Lobby):
    """The cloud at the broker of newcomers, behind a line that loses, doubles and delays."""

    chance: random.Random
    late: tuple[str, bytes] | None = None

    async def tell(self, client: aiomqtt.Client, topic: str, answer: bytes) -> None:
        """Send an answer, or not, or twice, or with the next one."""
        drawn = self.chance.choice(("right", "right", "lost", "double", "late"))
        if self.late is not None:
            late, self.late = self.late, None
            await super().tell(client, *late)
        if drawn == "late":
            self.late = topic, answer
        for _ in range({"right": 1, "double": 2}.get(drawn, 0)):
            await super().tell(client, topic, answer)


class Lives:
    """One device that is enrolled, or renewed, again and again, and killed meanwhile.

    Args:
        there: Its brokers and its cloud.
        site: Its settings and its building, written and up.
        seed: Of the second kill of each point.
    """

    def __init__(self, there: Town, site: Site, seed: int) -> None:
        self._site = site
        self._there = there
        self._store = Store(load(there.cloud).database)
        self._chance = random.Random(seed)
        self.tally = Tally()

    async def enrol(self, point: int, calls: str, *, paths: bool) -> bool:
        """Enrol a new device and kill it at its `point`th call; False: it was done before."""
        shutil.rmtree(self._state, ignore_errors=True)
        serial = (await self._identity())["serial"]
        with self._store.transaction() as db:
            code = claims.give(db, DEVICE, serial, 1, now())
            before = self._granted(db)
        words = ("provision", "--claim", code)
        killed = await self._killed(words, point, calls, paths=paths)
        await self._look_between(killed=killed)
        if killed:
            await self._killed(words, self._chance.randint(1, point), calls, paths=paths)
            end, _, err = await self._site.run_edged(*words, "--config", self._site.config)
            if end:
                self._wrong(point, f"the third start ends with {end}: {err}")
        with self._store.reading() as db:
            if (more := self._granted(db) - before) != 1:
                self._wrong(point, f"{more} identities were granted")
        await self._look(point)
        return killed

    async def renew(self, point: int) -> bool:
        """Let the daemon renew and kill it at its `point`th call; False: it was done before."""
        old = await self._age()
        words = ("run",)
        killed = await self._killed(words, point, DISK, paths=True, until=old)
        await self._look_between(killed=killed)
        if killed:
            again = self._chance.randint(1, point)
            await self._killed(words, again, DISK, paths=True, until=old)
            await self._site.start_daemon()
            try:
                await self._renewed(old)
            except TimeoutError:
                self._wrong(point, f"not renewed: {await self._identity()}")
            finally:
                await self._site.daemon.stop()
        await self._look(point)
        return killed

    async def close(self) -> None:
        """Let go of the cloud's books."""
        self._store.close()

    @property
    def _state(self) -> Path:
        return self._site.folder / "state"

    @property
    def _folder(self) -> Path:
        return self._state / "cloud" / "identity"

    async def _killed(
        self,
        words: Sequence[str],
        point: int,
        calls: str,
        *,
        paths: bool,
        until: str | None = None,
    ) -> bool:
        """Run `edged` until it is killed at a point, or has done what it is for."""
        only = [word for path in self._paths() for word in ("--trace-path", str(path))]
        process = await asyncio.create_subprocess_exec(
            # as its grandchild, so that the process is edged itself, and ends as that ends
            *(
                "strace",
                "--daemonize",
                "--follow-forks",
                "--output",
                "/dev/null",
                *(only if paths else ()),
            ),
            *("-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={point}"),
            *(*self._site.edged, *words, "--config", self._site.config),
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        ended = asyncio.create_task(process.wait())
        if until is not None:
            done = asyncio.create_task(self._renewed(until))
            await asyncio.wait({ended, done}, return_when=asyncio.FIRST_COMPLETED)
            with suppress(ProcessLookupError):  # it has ended just now
                process.terminate()
            done.cancel()
            with suppress(asyncio.CancelledError, TimeoutError):
                await done
        async with asyncio.timeout(_SOON_S):
            await ended
        killed = process.returncode == -signal.SIGKILL
        self.tally.killed += killed
        return killed

    def _paths(self) -> list[Path]:
        files = (
            "identity.json",
            "a/key.pem",
            "a/certificate.pem",
            "b/key.pem",
            "b/certificate.pem",
        )
        found = [self._folder / name for name in files]
        new = [path.with_name(f".{path.name}.new") for path in found]
        return [self._folder, self._folder / "a", self._folder / "b", *found, *new]

    def _granted(self, db: Connection) -> int:
        wanted = select(func.count()).select_from(enrolment).where(enrolment.c.answer.is_not(None))
        return int(db.execute(wanted).scalar_one())

    async def _identity(self) -> dict[str, Any]:
        words = ("identity", "--json", "--config", self._site.config)
        code, out, err = await self._site.run_edged(*words)
        if code:
            return {"phase": f"unreadable: {err}"}
        found: dict[str, Any] = json.loads(out)
        return found

    async def _renewed(self, old: str) -> None:
        """Wait until another certificate is the one, and the old one gone. Raises TimeoutError."""
        async with asyncio.timeout(_SOON_S):
            while True:
                if (self._folder / "identity.json").exists():
                    kept = json.loads((self._folder / "identity.json").read_bytes())
                    gone = not (self._folder / old).exists()
                    if kept["phase"] == "ACTIVE" and kept["current"] != old and gone:
                        return
                await asyncio.sleep(0.05)

    async def _age(self) -> str:
        """Give the device a certificate that is to be renewed; the name of its slot."""
        kept = json.loads((self._folder / "identity.json").read_bytes())
        slot = self._folder / kept["current"]
        key = load_pem_private_key((slot / "key.pem").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the device's key is of another kind")
        at = now() - timedelta(days=_AGED_DAYS)
        pem = pki.authority(self._there.cloud / "pki", at).device(DEVICE, key.public_key(), at, 90)
        (slot / "certificate.pem").write_text(pem)
        return str(kept["current"])

    async def _look_between(self, *, killed: bool) -> None:
        self.tally.points += 1
        if killed:
            phase = (await self._identity())["phase"]
            self.tally.phases[phase] = self.tally.phases.get(phase, 0) + 1

    async def _look(self, point: int) -> None:
        """Hold what the device has against what the cloud has."""
        mine, known = await self._identity(), await self._there.listed(DEVICE)
        if mine["phase"] != "ACTIVE":
            self._wrong(point, f"the identity is {mine}")
        elif spelling.digest(bytes.fromhex(known["key"])) != mine["fingerprint"]:
            self._wrong(point, "the cloud knows another key")
        if "CLAIMED_TWICE" in known.get("alarms", ()):
            self._wrong(point, "the cloud saw two devices")
        left = sorted(path.name for path in self._folder.rglob("*") if path.is_file())
        if left != ["certificate.pem", "identity.json", "key.pem"]:
            self._wrong(point, f"there is {left}")

    def _wrong(self, point: int, what: str) -> None:
        self.tally.violations.append(f"point {point}: {what}")


@asynccontextmanager
async def lives(folder: Path, seed: int, site: Site | None = None) -> AsyncIterator[Lives]:
    """Put up a town with a lossy line to newcomers, and a device in a building."""
    async with town(folder / "town", admits=False) as there:
        where = EnrolmentSettings(host="127.0.0.1", port=there.doorstep.workers)
        lobby = LossyLobby(load(there.cloud), where, 1)
        lobby.chance = random.Random(seed)
        meeting = asyncio.create_task(lobby.run())
        site = site or Site(folder / "site")
        site.settings["cloud"] = there.settings
        site.write()
        made = Lives(there, site, seed)
        try:
            await lobby.ready.wait()
            await site.start_building()
            yield made
        finally:
            meeting.cancel()
            with suppress(asyncio.CancelledError):
                await meeting
            await site.stop()
            await made.close()


POINTS: Final[Mapping[str, tuple[str, bool]]] = {"disk": (DISK, True), "waits": (WAITS, False)}
"""The calls of an enrolment at which it is killed: those at the identity's files, and all waits."""
RENEWAL: Final = "renewal"


async def campaign(
    names: Sequence[str], chosen: range, seed: int, *, quiet: bool
) -> dict[str, Tally]:
    """Kill at the chosen points, as far as there are so many; a tally for each of `names`."""
    tallies = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="edged-kills-") as folder:
            async with lives(Path(folder), seed) as made:
                if name == RENEWAL:
                    await made.enrol(10_000, DISK, paths=True)
                    made.tally = Tally()
                for point in chosen:
                    if name == RENEWAL:
                        killed = await made.renew(point)
                    else:
                        calls, paths = POINTS[name]
                        killed = await made.enrol(point, calls, paths=paths)
                    if not killed:
                        break
                    if not quiet:
                        done = f"\r{name}: {point}, {len(made.tally.violations)} violations"
                        print(done, end="", file=sys.stderr, flush=True)
                tallies[name] = made.tally
    return tallies


def main() -> int:
    """Run the campaign; 1 if anything was violated."""
    names = (*POINTS, RENEWAL)
    parser = argparse.ArgumentParser(prog="python -m hil.kills.enrolment", description=__doc__)
    parser.add_argument("--at", choices=names, help="at these only")
    parser.add_argument("--first", type=int, default=1, help="the first point")
    parser.add_argument("--last", type=int, default=10_000, help="the last, if there are so many")
    parser.add_argument("--step", type=int, default=1, help="from one point to the next")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    chosen = range(arguments.first, arguments.last + 1, arguments.step)
    asked = (arguments.at,) if arguments.at else names
    tallies = asyncio.run(campaign(asked, chosen, arguments.seed, quiet=arguments.json))
    for name, tally in tallies.items():
        if arguments.json:
            print(json.dumps({"at": name, "seed": arguments.seed, **asdict(tally)}))
        else:
            print(f"\n{name}: {tally.points} points, {tally.killed} kills, {tally.phases}")
            for violation in tally.violations:
                print(f"VIOLATED: {violation}")
    return 1 if any(tally.violations for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
