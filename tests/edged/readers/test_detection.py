"""What an installer is told of readers (edged.readers.detection)."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.api import DeviceMissing
from drivers.detect import Found, Port
from drivers.serial_line import LineScanner
from edged.readers import detection
from edged.readers.detection import Looked, Read
from hil.building.gm65 import Gm65
from hil.building.scanner import Scanner
from tests.drivers.rigs import impatient, now_ms, until
from tests.edged.settings_files import GOOD, good

CODE = "M1:" + "0" * 125


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[Scanner]:
    scanner = Scanner(tmp_path / "scanner.tty", Gm65(), now_ms)
    scanner.plug()
    yield scanner
    scanner.unplug()


def silent(_: str) -> None:
    """Nobody looks at the progress."""


@pytest.mark.parametrize(
    "found", [None, *(Found(kind, 115_200, "") for kind in ("gm65", "honeywell", "ssi"))]
)
@pytest.mark.parametrize("path", ["/dev/ttyUSB0", '/dev/a "quoted" \\ path'])
def test_what_is_proposed_is_taken(tmp_path: Path, found: Found | None, path: str) -> None:
    looked = Looked(Port(path, "", usb=True), found)
    proposed = looked.settings.replace("DOOR", "back").replace("READER", "back-2")
    settings = good(tmp_path / "edged.toml", f"{GOOD}\n{proposed}")
    reader = settings.doors["back"].readers["back-2"]
    assert reader.arguments()["port"] == path
    assert reader.kind == (found.kind if found else "serial_line")


def test_what_is_proposed_is_taken_as_it_stands() -> None:
    table = tomllib.loads(Looked(Port("/dev/ttyUSB0", "", usb=True)).settings)
    assert table["doors"]["DOOR"]["readers"]["READER"]["baud"] == 9_600


async def test_a_port_is_asked_by_the_name_it_was_given(scanner: Scanner) -> None:
    (port,) = detection.ports([scanner.tty.link])
    looked = await detection.look(port, None, silent, named=True)
    assert looked == Looked(port, Found("gm65", 9_600, "versions 10 87 12"))
    detection.require([looked])


async def test_a_port_without_a_plug_is_only_asked_when_it_is_named(scanner: Scanner) -> None:
    port = Port(str(scanner.tty.link), "", usb=False)
    looked = await detection.look(port, None, silent, named=False)
    assert looked.problem == f"is built in: ask it by --port {port.path}"


@pytest.mark.parametrize(
    ("owner", "said"), [(None, ": stop"), ("front-in", r" \(front-in in the settings\): stop")]
)
async def test_a_port_that_the_daemon_has_is_left_alone(
    scanner: Scanner, owner: str | None, said: str
) -> None:
    (port,) = detection.ports([scanner.tty.link])
    async with LineScanner("front-in", port=port.path):
        looked = await detection.look(port, owner, silent, named=True)
    with pytest.raises(DeviceMissing, match=f"in use by another program{said} the daemon first"):
        detection.require([looked])


async def test_a_port_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    (port,) = detection.ports([tmp_path / "none.tty"])
    looked = await detection.look(port, None, silent, named=True)
    assert "No such file" in str(looked.problem)


def test_the_settings_say_whose_a_port_is(tmp_path: Path) -> None:
    settings = good(tmp_path / "edged.toml")
    assert detection._owners(settings) == {"/dev/relay": "back.lock", "/dev/scanner": "back-in"}


@pytest.mark.parametrize(
    ("text", "plain", "told"),
    [
        (CODE, False, (128, "M1", "M1:...")),
        (CODE, True, (128, "M1", CODE)),
        ("F1:" + "A" * 9, False, (12, "F1", "F1:...")),
        ("4901234567894", False, (13, None, "...")),
        ("X9:SECRET", False, (9, None, "...")),
        ("\x1b[2J", True, (4, None, "\\x1b[2J")),
        ("é", True, (2, None, "é")),
    ],
)
async def test_a_code_is_told_without_its_secret(
    scanner: Scanner, text: str, plain: bool, told: tuple[int, str | None, str]
) -> None:
    (port,) = detection.ports([scanner.tty.link])
    looked = await detection.look(port, None, silent, named=True)
    read: list[Read] = []
    watching = asyncio.create_task(detection.watch([looked], read.append, plain=plain))

    def shown() -> bool:
        scanner.scan(text.encode())
        return bool(read)

    await until(shown)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    assert read[0] == Read(port.path, *told)


async def test_a_scanner_that_is_unplugged_ends_the_watch(scanner: Scanner) -> None:
    (port,) = detection.ports([scanner.tty.link])
    watching = asyncio.create_task(detection.watch([Looked(port)], lambda _: None, plain=False))
    await asyncio.sleep(0)
    scanner.unplug()
    with pytest.raises(ExceptionGroup) as caught:
        await watching
    assert "scanner.tty" in str(caught.value.exceptions[0])
