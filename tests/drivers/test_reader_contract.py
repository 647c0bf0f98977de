"""What every reader promises (drivers.api.Reader), from the other end of its wire."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, Reader, Scan
from drivers.building import SimReader
from drivers.gm65 import Gm65Scanner
from drivers.honeywell import HoneywellScanner
from drivers.keyboard_wedge import KeyboardWedge
from drivers.limits import SCAN_BYTES
from drivers.serial_line import LineScanner
from drivers.ssi import SsiScanner
from hil.building.gm65 import Gm65
from hil.building.honeywell import Honeywell
from hil.building.scanner import Device, Scanner
from hil.building.ssi import GM67, ZEBRA, Ssi
from tests.drivers.keys import ENTER, FakeNode, Kernel, UinputNode, press, typed
from tests.drivers.rigs import LittleBuilding, Terminal, now_ms, running, until


class ReaderRig(Protocol):
    """A reader and what shows it codes."""

    where: Path

    def reader(self) -> Reader: ...
    def show(self, text: bytes) -> None: ...
    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...


class SerialRig:
    def __init__(self, folder: Path) -> None:
        self.where = folder / "scanner.tty"
        self.terminal = Terminal(self.where)

    def reader(self) -> Reader:
        return LineScanner("front.reader", port=str(self.where))

    def show(self, text: bytes) -> None:
        self.terminal.write(text + b"\r")

    async def plug(self) -> None:
        self.terminal.plug()

    async def unplug(self) -> None:
        self.terminal.unplug()


class KeyboardRig:
    """A scanner that types, at an event device of either make."""

    def __init__(self, folder: Path, node: type[FakeNode] | type[UinputNode]) -> None:
        self.where = folder / "scanner-event-kbd"
        self.node = node(self.where)
        self.plug = self.node.plug
        self.unplug = self.node.unplug

    def reader(self) -> Reader:
        return KeyboardWedge("front.reader", path=str(self.where), usb_id="0c2e:0200")

    def show(self, text: bytes) -> None:
        self.node.type(typed(text.decode()) + press(ENTER))


class TalkingRig:
    """A scanner of a family that can be talked to, as it comes from the factory."""

    def __init__(self, folder: Path, driver: Callable[..., Reader], device: Device) -> None:
        self.where = folder / "scanner.tty"
        self.scanner = Scanner(self.where, device, now_ms)
        self.driver = driver

    def reader(self) -> Reader:
        return self.driver("front.reader", port=str(self.where))

    def show(self, text: bytes) -> None:
        assert self.scanner.scan(text)

    async def plug(self) -> None:
        self.scanner.plug()

    async def unplug(self) -> None:
        self.scanner.unplug()


class SimRig:
    def __init__(self, folder: Path) -> None:
        self.where = folder / "building.sock"
        self.building = LittleBuilding(self.where)
        self.plug = self.building.plug
        self.unplug = self.building.unplug

    def reader(self) -> Reader:
        return SimReader("front.reader", socket=str(self.where), reader="front-in")

    def show(self, text: bytes) -> None:
        self.building.report({"scan": text.decode()})


READERS: dict[str, Callable[[Path], ReaderRig]] = {
    "serial_line": SerialRig,
    "gm65": lambda folder: TalkingRig(folder, Gm65Scanner, Gm65()),
    "honeywell": lambda folder: TalkingRig(folder, HoneywellScanner, Honeywell()),
    "ssi": lambda folder: TalkingRig(folder, SsiScanner, Ssi(ZEBRA)),
    "ssi, GM67": lambda folder: TalkingRig(folder, SsiScanner, Ssi(GM67)),
    "keyboard_wedge": lambda folder: KeyboardRig(folder, FakeNode),
    "keyboard_wedge, uinput": lambda folder: KeyboardRig(folder, UinputNode),
    "sim": SimRig,
}
MARKS = {
    "keyboard_wedge, uinput": pytest.mark.skipif(
        UinputNode.MISSING, reason="this machine has no /dev/uinput to write to"
    )
}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in READERS])
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ReaderRig]:
    if request.param == "keyboard_wedge":
        monkeypatch.setattr(fcntl, "ioctl", Kernel().ioctl)
    rig = READERS[request.param](tmp_path)
    await rig.plug()
    yield rig
    await rig.unplug()


async def test_each_text_is_reported_once_and_in_order(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    sent = [f"HC1:{n}".encode() for n in range(100)]
    async with rig.reader() as reader, running(reader.run(scans.append)):
        for text in sent:
            rig.show(text)
        await until(lambda: len(scans) >= len(sent))
    assert [scan.text for scan in scans] == sent


@pytest.mark.parametrize("rig", [name for name in READERS if "keyboard" not in name], indirect=True)
async def test_a_text_is_bytes_and_not_only_ascii(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    async with rig.reader() as reader, running(reader.run(scans.append)):
        rig.show("終わり".encode())
        await until(lambda: scans)
    assert [scan.text for scan in scans] == ["終わり".encode()]


@pytest.mark.threat("A2")
@pytest.mark.parametrize("length", [SCAN_BYTES - 1, SCAN_BYTES, SCAN_BYTES + 1, 3_000])
async def test_a_long_text_is_cut(rig: ReaderRig, length: int) -> None:
    scans: list[Scan] = []
    async with rig.reader() as reader, running(reader.run(scans.append)):
        rig.show(b"X" * length)
        rig.show(b"NEXT")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"X" * min(length, SCAN_BYTES), b"NEXT"]


async def test_an_unplugged_reader_is_lost_and_works_again_after_opening(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    reader = rig.reader()
    assert reader.name == "front.reader"
    async with reader, running(reader.run(scans.append)) as run:
        rig.show(b"BEFORE")
        await until(lambda: scans)
        await rig.unplug()
        with pytest.raises(DeviceLost) as caught:
            await run
        assert caught.value.device == "front.reader"
    await rig.plug()
    async with reader, running(reader.run(scans.append)):
        rig.show(b"AFTER")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"BEFORE", b"AFTER"]


async def test_a_stopped_reader_runs_again_after_opening(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    reader = rig.reader()
    for _ in range(2):
        async with reader, running(reader.run(scans.append)) as run:
            await asyncio.sleep(0)
            assert not run.done()
    async with reader, running(reader.run(scans.append)):
        rig.show(b"THIRD TIME")
        await until(lambda: scans)


async def test_what_is_not_there_is_missing_and_named(rig: ReaderRig) -> None:
    await rig.unplug()
    with pytest.raises(DeviceMissing, match=str(rig.where)):
        await rig.reader().__aenter__()


async def test_a_reader_that_is_not_open_is_lost(rig: ReaderRig) -> None:
    reader = rig.reader()
    with pytest.raises(DeviceLost, match="not open"):
        await reader.run(lambda _: None)
    await reader.__aexit__(None, None, None)


@pytest.mark.threat("G9")
def test_a_text_never_shows() -> None:
    assert "HC1" not in repr(Scan(b"HC1:SECRET"))


@pytest.mark.parametrize(
    ("baud", "terminator", "problem"),
    [
        (300, "\r", "baud must be one of"),
        (9600, "", r"terminator must be 1\.\.4 ASCII characters, got ''"),
        (9600, "\r\n\t\r\n", "terminator must be"),
        (9600, "。", "terminator must be"),
    ],
)
def test_a_scanners_setting_out_of_range_is_named(baud: int, terminator: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        LineScanner("front.reader", port="/dev/null", baud=baud, terminator=terminator)


@pytest.mark.parametrize("driver", [Gm65Scanner, HoneywellScanner, SsiScanner])
def test_a_talking_scanners_baud_out_of_range_is_named(driver: Callable[..., Reader]) -> None:
    with pytest.raises(ValueError, match="baud must be one of"):
        driver("front.reader", port="/dev/null", baud=300)


async def test_a_terminator_can_be_set(tmp_path: Path) -> None:
    scans: list[Scan] = []
    terminal = Terminal(tmp_path / "scanner.tty")
    terminal.plug()
    scanner = LineScanner("front.reader", port=str(terminal.link), terminator="\r\n")
    async with scanner, running(scanner.run(scans.append)):
        terminal.write(b"A\r\nB\r\n")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"A", b"B"]
    terminal.unplug()
