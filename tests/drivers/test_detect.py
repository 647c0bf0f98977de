"""What is found at a serial port, by questions that change nothing (drivers.detect)."""

import copy
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from drivers import detect
from drivers.api import DeviceMissing
from drivers.detect import Found, Port, PortInUse, probe
from drivers.serial_line import LineScanner
from hil.building import scanner as simulated
from hil.building.gm65 import Gm65
from hil.building.honeywell import Honeywell
from hil.building.scanner import Device, Scanner
from hil.building.ssi import GM67, PACKETS, Ssi
from hil.building.waveshare import WaveshareBoard
from tests.drivers.rigs import BoardAtTerminal, Tapped, impatient, now_ms, until

LINK = "scanner.tty"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    # An SSI scanner forgets what was no packet after 200 ms; drivers wait longer.
    monkeypatch.setattr("drivers.limits.SCANNER_REPLY_MS", 400)
    monkeypatch.setattr("drivers.limits.PROBED_BAUDS", (9_600,))


def silent(_: str) -> None:
    """Nobody looks at the progress."""


def state(device: Device) -> dict[str, object]:
    """All that a scanner would keep, and whether it works."""
    kept = {"zones", "saved", "saves", "settings", "parameters", "enabled", "triggered"}
    return copy.deepcopy({name: value for name, value in vars(device).items() if name in kept})


@pytest.mark.parametrize(
    ("device", "found"),
    [
        (Gm65(), Found("gm65", 9_600, "versions 10 87 12")),
        (Honeywell(), Found("honeywell", 9_600, "trigger mode 0")),
        (Ssi(), Found("ssi", 9_600, "SIMULATED 1.0")),
        (Ssi(GM67), Found("ssi", 9_600, "SIMULATED 1.0")),
        (simulated.LineScanner(b"\r"), None),
    ],
)
async def test_what_answers_is_named_and_left_as_it_was(
    tmp_path: Path, device: Device, found: Found | None
) -> None:
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    before = state(device)
    assert await probe(str(scanner.tty.link), silent) == found
    assert state(device) == before
    await until(lambda: device.due_ms() is None)  # it was told that its answer came in
    scanner.unplug()


@pytest.mark.parametrize("bare", [True, False])
async def test_codes_that_come_meanwhile_change_nothing(tmp_path: Path, bare: bool) -> None:
    device = Ssi()
    device.parameters[PACKETS] = 0 if bare else 1
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    before = state(device)
    asked: list[str] = []

    def show(question: str) -> None:
        asked.append(question)
        scanner.scan(b"HC1:SECRET")

    found = await probe(str(scanner.tty.link), show)
    assert found is not None
    assert found.kind == "ssi"
    assert state(device) == before
    assert not any("SECRET" in question for question in asked)
    scanner.unplug()


async def test_a_relay_board_is_no_scanner_and_moves_nothing(tmp_path: Path) -> None:
    host = BoardAtTerminal(tmp_path / LINK)
    host.terminal.plug()
    assert await probe(str(host.terminal.link), silent) is None
    assert host.moves == []
    assert isinstance(host.board, WaveshareBoard)
    host.terminal.unplug()


async def test_every_question_is_said_before_it_is_asked(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / LINK, Honeywell(), now_ms)
    scanner.plug()
    asked: list[str] = []
    await probe(str(scanner.tty.link), asked.append)
    assert asked == [f"{scanner.tty.link}: {kind} at 9600 baud?" for kind in ("gm65", "honeywell")]
    scanner.unplug()


async def test_a_port_that_somebody_has_open_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Gm65()
    tapped = Tapped(device, monkeypatch)
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    async with LineScanner("front.reader", port=str(scanner.tty.link)):
        with pytest.raises(PortInUse, match="in use by another program"):
            await probe(str(scanner.tty.link), silent)
    assert tapped.heard == b""
    scanner.unplug()


async def test_every_speed_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.limits.PROBED_BAUDS", (9_600, 115_200))
    monkeypatch.setattr("drivers.limits.SCANNER_REPLY_MS", 10)
    scanner = Scanner(tmp_path / LINK, simulated.LineScanner(b"\r"), now_ms)
    scanner.plug()
    asked: list[str] = []
    assert await probe(str(scanner.tty.link), asked.append) is None
    kinds = ("gm65", "honeywell", "ssi")
    assert [question.split(": ")[1] for question in asked] == [
        f"{kind} at {baud} baud?" for baud in (9_600, 115_200) for kind in kinds
    ]
    scanner.unplug()


async def test_a_port_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match="No such file") as caught:
        await probe(str(tmp_path / LINK), silent)
    assert not isinstance(caught.value, PortInUse)


def test_ports_have_the_name_that_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugged, built_in = ListPortInfo("/dev/null"), ListPortInfo("/dev/zero")
    plugged.vid, plugged.description = 0x0C2E, "Honeywell"
    link = tmp_path / "usb-Honeywell-if00"
    link.symlink_to("/dev/null")
    monkeypatch.setattr(list_ports, "comports", lambda: [built_in, plugged])
    monkeypatch.setattr(detect, "_by_id", lambda kind, _: [link] if kind == "serial" else [])
    assert detect.serial_ports() == [
        Port(str(link), "Honeywell", usb=True),
        Port("/dev/zero", "n/a", usb=False),
    ]
    assert detect.keyboards() == detect.cameras() == []
