"""One site: files in a folder, and the processes that live by them."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from hil.issuer.codes import Issuer
from hil.people import People
from hil.site import rules as samples
from hil.site.processes import DidNotStart, Program

Table = dict[str, Any]


def edged_command() -> list[str]:
    """The `edged` program of the environment that this runs in."""
    return [str(Path(sys.executable).with_name("edged"))]


def _present() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - sample hours and phones live in the real present


@dataclass(slots=True)
class Site:
    """A folder with `building.toml`, `edged.toml` and `rules.json`.

    Two doors: `front`, a strike at a simulated lock with contact, exit button and a serial
    scanner on each side; `studio`, a strike at a Waveshare relay board with a camera. Change
    `building`, `settings` and `rules` before `write`.

    Args:
        folder: Where everything is; its path must be short, sockets live in it.
        issuer: Whose codes the rules accept.
        edged: The daemon's command line.
        wall: The time of day, for hours and phones.
        pace: How many times as long as a device its daemon may take for anything.
    """

    folder: Path
    issuer: Issuer = field(default_factory=samples.new_issuer)
    edged: Sequence[str] = field(default_factory=edged_command)
    env: Mapping[str, str] = field(default_factory=dict)
    camera: bool = False
    wall: Callable[[], datetime] = _present
    pace: float = 1.0
    building: Table = field(init=False)
    settings: Table = field(init=False)
    rules: Table = field(init=False)
    daemon: Program = field(init=False)
    eye: Program = field(init=False)
    _programs: list[Program] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Fill in the sample tables."""
        self.building = _building(camera=self.camera)
        self.settings = _settings(self.folder, camera=self.camera)
        doors = {
            name: {reader: _side(reader) for reader in door["readers"]}
            for name, door in self.settings["doors"].items()
        }
        self.rules = samples.sample_rules(self.issuer, self.wall(), doors)
        self.daemon = self._program("daemon", [*self.edged, "run", "--config", self.config])

    @property
    def config(self) -> str:
        """The daemon's settings file."""
        return str(self.folder / "edged.toml")

    @property
    def building_socket(self) -> Path:
        """Where the building listens."""
        return self.folder / "building.sock"

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens."""
        return self.folder / "run" / "control.sock"

    @property
    def readers(self) -> set[str]:
        """The names of the readers at its doors."""
        return {name for door in self.settings["doors"].values() for name in door["readers"]}

    def write(self) -> None:
        """Write the files anew from the tables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "building.toml").write_text(tomli_w.dumps(self.building))
        (self.folder / "edged.toml").write_text(tomli_w.dumps(self.settings))
        (self.folder / "rules.json").write_text(json.dumps(self.rules, indent=1))

    def people(self) -> People:
        """Somebody in the building; open with `async with`."""
        return People(self.building_socket)

    def code(self, name: str) -> str:
        """The present code of a sample member."""
        person = next(person for person in samples.PEOPLE if person.name == name)
        return samples.code(self.issuer, person, self.wall())

    async def run_edged(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of `edged` to its end: exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            *self.edged,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.env},
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def told(self, *words: str) -> list[dict[str, Any]]:
        """Run a command that answers in JSON. Raises DidNotStart with what `edged` said."""
        code, out, err = await self.run_edged(*words, "--json", "--config", self.config)
        if code:
            raise DidNotStart(err)
        return [json.loads(line) for line in out.splitlines()]

    async def load_rules(self) -> None:
        """Give the rules to the device. Raises DidNotStart with what `edged` had against them."""
        file = str(self.folder / "rules.json")
        code, _, err = await self.run_edged("rules", "load", file, "--config", self.config)
        if code:
            raise DidNotStart(err)

    async def start_building(self) -> dict[str, Any]:
        """Put the building up; give its first line."""
        command = [sys.executable, "-m", "hil.building", str(self.folder / "building.toml")]
        building = self._program("building", command)
        self._programs.append(building)
        ready: dict[str, Any] = json.loads(await building.first_line())
        return ready

    async def start_eye(self, url: str) -> None:
        """Start the eye at the building's camera."""
        socket = self.folder / "eye.sock"
        command = [sys.executable, "-m", "drivers.eye", "--source", url, "--socket", str(socket)]
        self.eye = self._program("eye", command)
        self._programs.append(self.eye)
        await self.eye.start()
        while not socket.exists():  # a file that appears can only be looked for
            if self.eye.code is not None:
                raise DidNotStart(self.eye.said())
            await asyncio.sleep(0.05)

    async def fetch_journal(self) -> None:
        """Have the journal as it is now in `folder`/state; here it is there anyway."""

    async def start_daemon(self) -> None:
        """Start the daemon and wait until it says that it is ready."""
        notify = self.folder / "notify.sock"
        notify.unlink(missing_ok=True)
        await self.daemon.until_ready(notify)

    async def __aenter__(self) -> Self:
        """Put everything up: files, building, eye, rules, daemon."""
        try:
            self.write()
            ready = await self.start_building()
            for url in ready["cameras"].values():
                await self.start_eye(url)
            await self.load_rules()
            await self.start_daemon()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        await self.stop()

    async def stop(self) -> None:
        """End the daemon first, then what it leans on."""
        await self.daemon.stop()
        for program in reversed(self._programs):
            await program.stop()
        self._programs.clear()

    def _program(self, name: str, command: Sequence[str]) -> Program:
        return Program(command, self.folder / f"{name}.log", self.env)


def _side(reader: str) -> str:
    return "OUT" if reader.endswith("-out") else "IN"


def _building(*, camera: bool) -> Table:
    return {
        "socket": "building.sock",
        "log": "building.jsonl",
        "doors": {"front": {"lock": "strike"}, "studio": {"lock": "strike", "contact": False}},
        "scanners": {
            "front-in": {"link": "front-in.tty"},
            "front-out": {"link": "front-out.tty"},
            "studio-in": {"link": "studio-in.tty"},
        },
        "relays": {"panel": {"link": "panel.tty", "channels": {"1": "studio"}}},
        "cameras": {"studio-cam": {}} if camera else {},
    }


def _settings(folder: Path, *, camera: bool) -> Table:
    socket = str(folder / "building.sock")

    def scanner(name: str) -> Table:
        return {
            "kind": "serial_line",
            "port": str(folder / f"{name}.tty"),
            "indicator": {"kind": "sim", "socket": socket, "indicator": name},
        }

    studio = {"studio-in": scanner("studio-in")}
    if camera:
        studio["studio-cam"] = {"kind": "camera", "socket": str(folder / "eye.sock")}
    front = {"kind": "sim", "socket": socket, "door": "front"}
    return {
        "device": "S1-FRONT",
        "state_dir": str(folder / "state"),
        "runtime_dir": str(folder / "run"),
        "allow_simulated": True,
        "language": ["ja", "ko", "en"],
        "clock": {"trust": "host"},
        "doors": {
            "front": {
                "type": "strike",
                "egress": "mechanical",
                "lock": front,
                "contact": {**front, "line": "contact"},
                "exit_button": {**front, "line": "button"},
                "readers": {name: scanner(name) for name in ("front-in", "front-out")},
            },
            "studio": {
                "type": "strike",
                "lock": {
                    "kind": "waveshare_relay",
                    "port": str(folder / "panel.tty"),
                    "channel": 1,
                },
                "readers": studio,
            },
        },
    }
