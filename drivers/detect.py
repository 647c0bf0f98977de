"""What is plugged in, and what answers at a serial port: for whoever installs a device.

Only questions are sent, and only such as change nothing, at whatever hears them: none is a
command of another scanner, of a relay board or of a lock board (spec/hardware.md 2 to 4, 7.1).
"""

import errno
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import serial
from serial.tools import list_ports

from drivers import limits
from drivers.api import DeviceMissing
from drivers.channel import Channel, SerialChannel
from drivers.codec import gm65, honeywell, ssi
from drivers.codec.scanner import Code, Hearing, Send
from drivers.conversation import Conversation

AnswerT = TypeVar("AnswerT")


class PortInUse(DeviceMissing):
    """Another program has the port: the daemon, most likely."""


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port. `path` stays the same, where there is such a name; `usb`: it has a plug."""

    path: str
    description: str
    usb: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What answered: its kind in the settings, at which speed, and what it says of itself."""

    kind: str
    baud: int
    says: str


def serial_ports() -> list[Port]:
    """Every serial port of this machine."""
    stable = {str(link.resolve()): str(link) for link in _by_id("serial", "*")}
    return [
        Port(stable.get(one.device, one.device), str(one.description), usb=one.vid is not None)
        for one in sorted(list_ports.comports())
    ]


def keyboards() -> list[str]:
    """Every device that types, scanners in keyboard mode among them, by its stable name."""
    return [str(link) for link in _by_id("input", "*-event-kbd")]


def cameras() -> list[str]:
    """Every camera, by its stable name."""
    return [str(link) for link in _by_id("v4l", "*")]


def _by_id(kind: str, names: str) -> Iterable[Path]:
    return sorted(Path("/dev", kind, "by-id").glob(names))


async def probe(port: str, say: Callable[[str], None]) -> Found | None:
    """Ask what is at a serial port; `say` is told each question before it is asked.

    Takes about ten seconds where nothing answers.

    Raises:
        PortInUse: Another program has it open. Nothing was sent.
        DeviceMissing, DeviceLost: It can't be opened, or is gone.
    """
    for baud in limits.PROBED_BAUDS:
        channel = _open(port, baud)
        try:
            for kind, question in _QUESTIONS.items():
                say(f"{port}: {kind} at {baud} baud?")
                says = await question(channel)
                if says is not None:
                    return Found(kind, baud, says)
        finally:
            channel.close()
    return None


def _open(port: str, baud: int) -> Channel:
    try:
        return SerialChannel(port, port, baud)
    except DeviceMissing as error:
        cause = error.__cause__
        if isinstance(cause, serial.SerialException) and cause.errno == errno.EAGAIN:
            raise PortInUse(port, "is in use by another program") from error
        raise


_ACKNOWLEDGED = Send(ssi.acknowledge())


class _Deaf(Generic[AnswerT]):
    """A Hearing that reads no codes and changes nothing: it only listens for answers.

    What is acknowledged is not sent again; that much every SSI scanner is told.
    """

    def __init__(self, hearing: Hearing[AnswerT]) -> None:
        self._hearing = hearing

    def feed(self, data: bytes, now_ms: int) -> list[Code | Send | AnswerT]:
        """See Hearing."""
        return self._answers(self._hearing.feed(data, now_ms))

    def settle(self) -> list[Code | Send | AnswerT]:
        """See Hearing."""
        return self._answers(self._hearing.settle())

    def _answers(self, found: list[Code | Send | AnswerT]) -> list[Code | Send | AnswerT]:
        return [one for one in found if one == _ACKNOWLEDGED or not isinstance(one, Code | Send)]


async def _is_gm65(channel: Channel) -> str | None:
    line = Conversation(channel, _Deaf(gm65.Gm65Hearing()))
    if await line.ask(gm65.heartbeat(), lambda one: isinstance(one, gm65.Alive)) is None:
        return None
    answer = await line.ask(gm65.read(gm65.HARDWARE, 3), lambda one: isinstance(one, gm65.Answer))
    return f"versions {answer.data.hex(' ')}" if isinstance(answer, gm65.Answer) else ""


async def _is_honeywell(channel: Channel) -> str | None:
    line = Conversation(channel, _Deaf(honeywell.HoneywellHearing()))
    answer = await line.ask(honeywell.ask("TRGMOD"), lambda one: one.text.startswith("TRGMOD"))
    return None if answer is None else f"trigger mode {answer.text.removeprefix('TRGMOD')}"


async def _is_ssi(channel: Channel) -> str | None:
    line = Conversation(channel, _Deaf(ssi.SsiHearing(0)))
    await line.say(ssi.WAKE)
    await line.listen(limits.WAKE_MS)
    await line.say(ssi.acknowledge())  # or a code that it sends to nobody goes before its answer
    answer = await line.ask(ssi.revision(), lambda _: True)
    if answer is None:
        return None
    return answer.text if isinstance(answer, ssi.Revision) else ""


_QUESTIONS: dict[str, Callable[[Channel], Awaitable[str | None]]] = {
    "gm65": _is_gm65,
    "honeywell": _is_honeywell,
    "ssi": _is_ssi,
}
