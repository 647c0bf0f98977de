"""What every reader promises (drivers.api.Reader), from the other end of its wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from drivers.api import DeviceLost, DeviceMissing, Reader, Scan
from drivers.building import SimReader
from drivers.limits import SCAN_BYTES
from drivers.serial_line import LineScanner
from tests.drivers.rigs import LittleBuilding, Terminal, running, until


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


READERS: dict[str, Callable[[Path], ReaderRig]] = {"serial_line": SerialRig, "sim": SimRig}


@pytest.fixture(params=READERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReaderRig]:
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
        rig.show("終わり".encode())
        await until(lambda: len(scans) > len(sent))
    assert [scan.text for scan in scans] == [*sent, "終わり".encode()]


@pytest.mark.parametrize("length", [SCAN_BYTES - 1, SCAN_BYTES, SCAN_BYTES + 1, 3_000])
async def test_a_long_text_is_cut(rig: ReaderRig, length: int) -> None:
    scans: list[Scan] = []
    async with rig.reader() as reader, running(reader.run(scans.append)):
        rig.show(b"x" * length)
        rig.show(b"next")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"x" * min(length, SCAN_BYTES), b"next"]


async def test_an_unplugged_reader_is_lost_and_works_again_after_opening(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    reader = rig.reader()
    assert reader.name == "front.reader"
    async with reader, running(reader.run(scans.append)) as run:
        rig.show(b"before")
        await until(lambda: scans)
        await rig.unplug()
        with pytest.raises(DeviceLost) as caught:
            await run
        assert caught.value.device == "front.reader"
    await rig.plug()
    async with reader, running(reader.run(scans.append)):
        rig.show(b"after")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"before", b"after"]


async def test_a_stopped_reader_runs_again_after_opening(rig: ReaderRig) -> None:
    scans: list[Scan] = []
    reader = rig.reader()
    for _ in range(2):
        async with reader, running(reader.run(scans.append)) as run:
            await asyncio.sleep(0)
            assert not run.done()
    async with reader, running(reader.run(scans.append)):
        rig.show(b"third time")
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
