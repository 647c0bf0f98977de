"""A broker of one's own, set up as config/broker says, on 127.0.0.1."""

import asyncio
import errno
import os
import random
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parents[2] / "config" / "broker"
READY_S = 180
"""ejabberd loads hundreds of modules: seconds, and a minute on a busy machine."""
DRAWN_FROM: Final = (10_000, 32_768)
_DRAW: Final = random.SystemRandom()  # a seeded one would draw the same in every test process


@dataclass
class Broker:
    """A broker's files in a folder, its certificates, its port, and the process while it runs.

    `more`: lines that stand behind the shipped settings.
    """

    folder: Path
    certificates: Path
    port: int = 0
    more: str = ""
    process: Process | None = None

    async def start(self) -> None:
        """Start it with the shipped settings, at other paths; return when all its ports listen.

        Raises:
            OSError: It is not installed.
            TimeoutError: It does not listen.
        """
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        words, env = self._ready()
        self.process = await asyncio.create_subprocess_exec(
            *words, cwd=self.folder, env={**os.environ, **env}, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            for port in self.ports():
                await listening(port)
        except BaseException:
            await self.stop(signal.SIGKILL)
            raise

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, in peace or by SIGKILL."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)
            await self.process.wait()
            self.process = None

    def ports(self) -> tuple[int, ...]:
        """Return all that it listens at; it opens one after the other."""
        return (self.port,)

    def _ready(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Write its settings; return its command line and what its environment needs."""
        raise NotImplementedError


class Mosquitto(Broker):
    """The one that is shipped for."""

    def _ready(self) -> tuple[Sequence[str], Mapping[str, str]]:
        text = (SHIPPED / "mosquitto.conf").read_text("utf-8")
        text = text.replace("/etc/mosquitto/edged/acl", str(SHIPPED / "acl"))
        text = text.replace("/etc/mosquitto/edged", str(self.certificates))
        text = text.replace("/var/lib/mosquitto", str(self.folder))
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        config = self.folder / "mosquitto.conf"
        config.write_text(f"{text}user root\n{self.more}", "utf-8")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"  # not on everybody's path
        return (program, "-c", str(config)), {}


@dataclass
class Doorstep(Broker):
    """The one of devices that have no certificate yet. `workers`: the port of the cloud's side."""

    workers: int = 0

    def ports(self) -> tuple[int, ...]:
        """Return that of the devices and that of the cloud's side."""
        return (self.port, self.workers)

    def _ready(self) -> tuple[Sequence[str], Mapping[str, str]]:
        self.workers = self.workers or free_port()
        text = (SHIPPED / "enrolment.conf").read_text("utf-8")
        for name in ("enrolment.acl", "enrolment-workers.acl"):
            text = text.replace(f"/etc/mosquitto/edged/{name}", str(SHIPPED / name))
        text = text.replace("/etc/mosquitto/edged", str(self.certificates))
        text = text.replace("listener 8884", f"listener {self.port} 127.0.0.1")
        text = text.replace("listener 8885", f"listener {self.workers} 127.0.0.1")
        config = self.folder / "enrolment.conf"
        config.write_text(f"{text}user root\n{self.more}", "utf-8")
        return ("mosquitto", "-c", str(config)), {}


class Ejabberd(Broker):
    """The other one: Erlang, of another house and of another code."""

    def _ready(self) -> tuple[Sequence[str], Mapping[str, str]]:
        pem = self.folder / "broker.pem"
        pem.touch(mode=0o600)
        parts = (self.certificates / f"broker.{kind}" for kind in ("crt", "key"))
        pem.write_bytes(b"".join(part.read_bytes() for part in parts))
        text = (SHIPPED / "ejabberd.yml").read_text("utf-8")
        text = text.replace("/etc/ejabberd/edged/broker.pem", str(pem))
        text = text.replace("/etc/ejabberd/edged", str(self.certificates))
        text = text.replace("port: 8883", f'port: {self.port}\n    ip: "127.0.0.1"')
        config = self.folder / "ejabberd.yml"
        config.write_text(text + self.more, "utf-8")
        home = {"HOME": str(self.folder), "ERL_LIBS": str(ejabberd())}
        logs = {"EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"), "ERL_CRASH_DUMP_BYTES": "0"}
        database = ("-mnesia", "dir", f'"{self.folder}/mnesia"')
        words = ("erl", "-noinput", *database, "-s", "ejabberd")
        return words, {**home, **logs, "EJABBERD_CONFIG_PATH": str(config)}


def ejabberd() -> Path:
    """Return the folder of its libraries.

    Raises:
        FileNotFoundError: It is not installed.
    """
    found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin/mod_mqtt.beam"))
    if not found:
        raise FileNotFoundError("ejabberd is not installed")
    return found[-1].parents[2]


async def listening(port: int) -> None:
    """Wait until somebody listens at the port.

    Raises:
        TimeoutError: Nobody does.
    """
    async with asyncio.timeout(READY_S):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody listens at, just now.

    Drawn from below what the kernel gives to connections (32768 and up, ip(7)): one of those may be
    given away again before whoever asked here listens at it.

    Raises:
        OSError: Of fifty that were drawn, none was free.
    """
    for _ in range(50):
        port = _DRAW.randrange(*DRAWN_FROM)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise OSError(errno.EADDRINUSE, "no port is free between", str(DRAWN_FROM))
