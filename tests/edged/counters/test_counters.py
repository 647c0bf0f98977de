"""Readers without a door: how they are wired, and what is wrong with how."""

from dataclasses import replace
from pathlib import Path

import pytest

from edged import limits, wiring
from policy.model import Device, Mode, Side
from tests.edged.rig import Rig
from tests.edged.settings_files import GOOD, faults, good

DESK = """
[counters.desk]
kind = "sim"
socket = "/run/b.sock"
reader = "desk"
"""
LIGHT = 'indicator = { kind = "sim", socket = "/run/b.sock", indicator = "desk" }\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edged.toml"


async def test_a_counter_is_a_reader_without_a_door(rig: Rig, file: Path) -> None:
    house = wiring.build(good(file, GOOD + DESK + LIGHT), rig.ports)
    desk = house.passages["desk"]
    assert desk._gate is None
    names = {device.device.name for device in house.devices}
    assert {"desk", "desk.indicator"} <= names


WRONG = [
    ("counters.desk", DESK.replace('"sim"', '"none"')),
    ("counters.desk.reader", DESK.replace('reader = "desk"', "")),
    ("counters.front-in", DESK.replace("counters.desk", "counters.front-in")),
    ('counters."a b"', DESK.replace("counters.desk", "counters.'a b'")),
    ("counters.desk", DESK.replace('"desk"', '"front-in"')),
    ("counters", "".join(DESK.replace("desk", f"desk-{n}") for n in range(limits.COUNTERS + 1))),
]


@pytest.mark.parametrize(("key", "text"), WRONG)
def test_what_is_wrong_with_a_counter_is_named(file: Path, key: str, text: str) -> None:
    assert list(faults(file, GOOD + text)) == [key]


def test_a_simulated_counter_is_not_hidden(file: Path) -> None:
    text = (GOOD + DESK + LIGHT).replace("allow_simulated = true", "")
    found = faults(file, text)
    assert {"counters.desk.kind", "counters.desk.indicator.kind"} <= found.keys()


@pytest.mark.parametrize(
    ("door", "said"),
    [
        (None, []),
        ("front", ["counters.desk: the rules put it at front"]),
        ("nowhere", ["counters.desk: the rules have no such device"]),
    ],
)
async def test_a_counter_that_the_rules_see_otherwise_is_named(
    rig: Rig, file: Path, door: str | None, said: list[str]
) -> None:
    rules = rig.rules.rules
    assert rules is not None
    device = Device("desk", "S1", Side.IN, door, mode=Mode.APP)
    devices = rules.devices if door == "nowhere" else {**rules.devices, "desk": device}
    settings = good(file, GOOD + DESK)
    found = wiring.mismatches(settings, replace(rules, devices=devices))
    assert [fault for fault in found if "counters" in fault] == said
