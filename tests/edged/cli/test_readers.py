import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import detect
from drivers.detect import Port
from edged.cli.progress import working
from hil.people import People
from tests.edged.cli.stage import Edged
from tests.hil.process import SOON_S, Process

BUILDING = """
socket = "building.sock"
log = "building.jsonl"
[doors.front]
lock = "strike"
[scanners.front-in]
link = "front-in.tty"
family = "gm65"
"""
CODE = "M1:" + "0" * 125


@pytest.fixture
def building(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path, BUILDING)
    yield process
    assert process.stop() == 0


@pytest.mark.usefixtures("config")
def test_a_port_is_asked_and_its_settings_are_proposed(edged: Edged, building: Process) -> None:
    settings = [
        "[doors.DOOR.readers.READER]",
        'kind = "gm65"',
        f'port = "{building.tty}"',
        "baud = 9600",
    ]
    assert edged("readers", "detect", "--port", building.tty).out.splitlines() == [
        str(building.tty),
        "  kind=gm65 baud=9600 says=versions 10 87 12",
        *(f"    {line}" for line in settings),
    ]
    assert edged("readers", "detect", "--port", building.tty, "--json").data == {
        "port": str(building.tty),
        "description": "",
        "answer": {"kind": "gm65", "baud": 9600, "says": "versions 10 87 12"},
        "problem": None,
        "settings": "\n".join([*settings, ""]),
    }


@pytest.mark.usefixtures("config")
def test_a_named_port_that_can_not_be_asked_is_a_missing_device(
    edged: Edged, tmp_path: Path
) -> None:
    done = edged("readers", "detect", "--port", tmp_path / "none.tty")
    assert done.code == 5
    assert done.err.startswith(f"edged: device {tmp_path}/none.tty: can't open")
    assert "No such file" in done.out


def test_all_that_is_plugged_in_is_listed(edged: Edged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "serial_ports", lambda: [Port("/dev/ttyS0", "n/a", usb=False)])
    monkeypatch.setattr(detect, "keyboards", lambda: ["/dev/input/by-id/usb-Scanner-event-kbd"])
    monkeypatch.setattr(detect, "cameras", lambda: ["/dev/v4l/by-id/usb-Camera-index0"])
    done = edged("readers", "detect")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "/dev/ttyS0 n/a",
        "  is built in: ask it by --port /dev/ttyS0",
        "keyboard: /dev/input/by-id/usb-Scanner-event-kbd",
        "camera: /dev/v4l/by-id/usb-Camera-index0",
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [((), "M1:..."), (("--show-text",), CODE)],
)
async def test_what_is_scanned_is_shown_live_and_masked(
    building: Process, options: tuple[str, ...], text: str
) -> None:
    command = ["readers", "detect", "--watch", "--json", "--port", str(building.tty), *options]
    edged = Path(sys.executable).with_name("edged")
    heeds = ("env", "--default-signal=INT")  # tests in the background ignore it
    watching = await asyncio.create_subprocess_exec(
        *heeds, edged, *command, stdout=asyncio.subprocess.PIPE
    )
    assert watching.stdout is not None
    async with People(building.socket) as people, asyncio.timeout(SOON_S):
        assert json.loads(await watching.stdout.readline())["answer"]["kind"] == "gm65"
        reading = asyncio.create_task(watching.stdout.readline())
        while not reading.done():  # until it listens, what it is shown is dropped
            await people.scan("front-in", CODE)
            await asyncio.sleep(0.02)
    port = str(building.tty)
    shown = {"port": port, "bytes": 128, "kind": "M1", "text": text}
    assert json.loads(reading.result()) == shown
    watching.send_signal(signal.SIGINT)
    rest, _ = await watching.communicate()
    assert all(json.loads(line) == shown for line in rest.splitlines())
    assert watching.returncode == 0


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with working() as say:
        say("asking")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with working() as say:
        say("asking [red]")
    assert "asking [red]" in capsys.readouterr().err
