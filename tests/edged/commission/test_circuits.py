from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from edged.commission.circuits import (
    GROUNDS,
    PIN,
    V3,
    V5,
    Circuit,
    Rung,
    Shape,
    Sheet,
    Wire,
    pins,
    sheets,
)
from edged.commission.drawing import WIDTH, draw, draw_header
from edged.settings.model import Settings
from tests.edged.settings_files import good

WIRED = """
device = "S1-FRONT"
fire = { kind = "gpio", line = 22 }
[doors.front]
type = "strike"
egress = "mechanical"
lock = { kind = "waveshare_relay", port = "/dev/relay", address = 7, channel = 3 }
contact = { kind = "gpio", line = 23 }
exit_button = { kind = "gpio", line = 24 }
[doors.front.readers.front-in]
kind = "serial_line"
port = "/dev/scanner"
indicator = { kind = "gpio", red = 5, green = 6, buzzer = 13 }
[doors.yard]
type = "magnet"
egress = "wired_button"
lock = { kind = "gpio", line = 17, active_low = true }
contact = { kind = "gpio", line = 25, pull = "down", normally = "open" }
tamper = { kind = "gpio", line = 26, pull = "none" }
[doors.yard.readers.yard-in]
kind = "gm65"
port = "/dev/scanner-yard"
[lockers.hall]
store = "S1"
numbers = { L1 = 1, L17 = 17 }
board = { kind = "kerong", port = "/dev/bus", baud = 9600, hook_closed_bit = 1 }
more_boards = [{ kind = "winnsen", port = "tcp://10.0.0.9:5000" }]
"""


@pytest.fixture
def device(tmp_path: Path) -> Settings:
    return good(tmp_path / "edged.toml", WIRED)


def sheet(device: Settings, name: str) -> Sheet:
    return next(one for one in sheets(device) if one.name == name)


def circuit(device: Settings, name: str, title: str) -> Circuit:
    return next(one for one in sheet(device, name).circuits if one.title == title)


def in_wire(rung: Rung) -> list[tuple[Shape, str]]:
    return [(part.shape, part.name) for part in rung.parts]


def test_the_header_has_forty_pins_each_of_them_once() -> None:
    every = (*PIN.values(), *GROUNDS, *V3, *V5)
    assert sorted(every) == list(range(1, 41))
    assert (PIN[17], PIN[23], PIN[4], PIN[21]) == (11, 16, 7, 40)  # as printed on every pin-out


def test_a_strike_gets_its_power_through_the_relay_only_while_it_is_energised(
    device: Settings,
) -> None:
    lock = circuit(device, "door-front", "Lock")
    plus, minus = lock.rungs
    assert in_wire(plus) == [(Shape.FUSE, "fuse"), (Shape.MAKE, "COM · NO")]
    assert plus.parts[1].told == "board 7, relay 3"
    assert (plus.wire, minus.wire, minus.parts) == (Wire.PLUS, Wire.MINUS, ())
    assert lock.diode
    assert any("by the handle" in note for note in lock.notes)


def test_a_magnet_is_cut_by_the_fire_panel_and_the_button_before_any_software(
    device: Settings,
) -> None:
    plus, _ = circuit(device, "door-yard", "Lock").rungs
    assert in_wire(plus) == [
        (Shape.FUSE, "fuse"),
        (Shape.BREAK, "fire panel"),
        (Shape.BREAK, "way-out button"),
        (Shape.MAKE, "COM · NO"),
    ]


def test_a_line_that_would_pull_a_relay_in_at_boot_is_told(
    device: Settings, tmp_path: Path
) -> None:
    line = circuit(device, "door-yard", "Line to the relay module")
    assert [rung.left[1] for rung in line.rungs] == [
        "pin 2 · 5 V",
        "pin 11 · GPIO 17",
        "pin 6 · GND",
    ]
    assert any("pulled down at boot" in note for note in line.notes)
    other = WIRED.replace("line = 17, active_low = true", "line = 17")
    quiet = circuit(good(tmp_path / "other.toml", other), "door-yard", "Line to the relay module")
    assert not any("at boot" in note for note in quiet.notes)


@pytest.mark.parametrize(
    ("name", "title", "left", "shape", "right"),
    [
        ("door-front", "Door contact", "pin 16 · GPIO 23", Shape.BREAK, "pin 6 · GND"),
        (
            "door-front",
            "Exit button, heard by software",
            "pin 18 · GPIO 24",
            Shape.MAKE,
            "pin 6 · GND",
        ),
        ("door-yard", "Door contact", "pin 22 · GPIO 25", Shape.MAKE, "pin 1 · 3.3 V"),
        ("door-yard", "Tamper switch", "pin 37 · GPIO 26", Shape.BREAK, "pin 6 · GND"),
        ("device", "Fire panel", "pin 15 · GPIO 22", Shape.BREAK, "pin 6 · GND"),
    ],
)
def test_a_contact_goes_where_its_pull_is_not(
    device: Settings, name: str, title: str, left: str, shape: Shape, right: str
) -> None:
    (rung,) = circuit(device, name, title).rungs
    assert (rung.left[1], rung.parts[0].shape, rung.right[1]) == (left, shape, right)


def test_a_board_says_which_locker_hangs_where(device: Settings) -> None:
    first, second = sheet(device, "bank-hall").circuits
    assert any("L1 at lock 1." in note for note in first.notes)
    assert any("L17 at lock 1." in note for note in second.notes)
    assert first.rungs[0].left == ("RS-485 adapter", "A")
    assert second.rungs[0].left == ("TCP converter", "A")


def test_every_line_of_the_settings_is_on_its_pin(device: Settings) -> None:
    assert pins(device) == {
        15: "fire",
        16: "front contact",
        18: "front exit button",
        29: "front-in red",
        31: "front-in green",
        33: "front-in buzzer",
        11: "yard lock",
        22: "yard contact",
        37: "yard tamper",
    }
    words = said(draw_header(device.device, pins(device)))
    assert {"front contact", "yard lock", "GPIO 17", "GND"} <= set(words)


def nodes(svg: str) -> list[ET.Element]:
    """Read a whole and well-formed document."""
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(["end"])
    parser.feed(svg)
    parser.close()
    read = cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
    return [node for _, node in read]


def said(svg: str) -> list[str]:
    return [node.text or "" for node in nodes(svg) if node.tag.endswith("text")]


def test_a_sheet_is_whole_and_nothing_stands_outside_of_it(device: Settings) -> None:
    for one in sheets(device):
        svg = draw(one)
        *parts, root = nodes(svg)
        height = float(root.attrib["height"])
        for node in parts:
            x, y = (float(node.attrib.get(key, 0)) for key in ("x", "y"))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= height
        assert one.title in said(svg)
        assert {each.title for each in one.circuits} <= set(said(svg))


def test_nothing_but_a_name_comes_from_the_settings(tmp_path: Path) -> None:
    port = '/dev/<script>&"'
    told = WIRED.replace('port = "/dev/relay"', f"port = '{port}'")
    for one in sheets(good(tmp_path / "edged.toml", told)):
        svg = draw(one)
        assert nodes(svg)
        assert "<script" not in svg
