"""Banks of lockers in the house, and where the settings and the rules differ about them."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.api import LockerLevel
from edged import wiring
from edged.counters.reader import CounterReader
from edged.lockers.latches import Latches
from edged.lockers.reader import LockerReader
from edged.settings.model import Settings
from policy.model import Device, Side
from tests.edged.lockers.cabinet import FakeBoard
from tests.edged.lockers.test_desk import SIM, settings
from tests.edged.rig import Rig


def with_reader(folder: Path) -> Settings:
    bank = {
        "store": "S1",
        "numbers": {"L1": 1, "L2": 2},
        "board": {**SIM, "bank": "hall", "optional": True},
        "readers": {"hall-in": {**SIM, "reader": "hall-in"}},
    }
    return settings(folder, lockers={"hall": bank})


async def test_a_bank_has_its_board_and_its_readers(rig: Rig, tmp_path: Path) -> None:
    house = wiring.build(with_reader(tmp_path), rig.ports)
    devices = {device.device.name: device for device in house.devices}
    assert house.banks["hall"].channels == {"L1": 1, "L2": 2}
    assert devices["hall.board"].optional
    assert isinstance(house.passages["hall-in"], LockerReader)
    assert "hall-in" in devices


async def test_a_lost_board_knows_of_no_open_door(rig: Rig, tmp_path: Path) -> None:
    house = wiring.build(with_reader(tmp_path), rig.ports)
    latches = house.banks["hall"]._latches
    house.banks["hall"].level(1, LockerLevel(1, open=True))
    (board,) = (one for one in house.devices if one.device.name == "hall.board")
    assert latches.stands_open("L1")
    board._on_lost()
    assert not latches.stands_open("L1")


async def test_a_counter_gives_lockers_of_the_banks_of_its_store(rig: Rig, tmp_path: Path) -> None:
    wired = with_reader(tmp_path)
    readers = {"desk": wired.lockers["hall"].readers["hall-in"]}
    wired = wired.model_copy(update={"counters": readers})
    house = wiring.build(wired, rig.ports)
    desk = house.passages["desk"]
    assert isinstance(desk, CounterReader)
    assert desk._banks == {"S1": [house.banks["hall"]]}


@pytest.mark.threat("J4")
async def test_where_settings_and_rules_differ_is_named(rig: Rig, tmp_path: Path) -> None:
    rules = rig.rules.rules
    assert rules is not None
    wired = with_reader(tmp_path)

    def found(device: Device | None, store: str = "S1") -> list[str]:
        devices = {} if device is None else {device.id: device}
        stores = {store: rules.stores["S1"]}
        changed = replace(rules, devices={**rules.devices, **devices}, stores=stores)
        return [fault for fault in wiring.mismatches(wired, changed) if "lockers." in fault]

    reader = "lockers.hall.readers.hall-in"
    there = Device("hall-in", "S1", Side.IN)
    assert found(there) == []
    assert found(None) == [f"{reader}: the rules have no such device"]
    assert found(replace(there, door="front")) == [f"{reader}: the rules put it at front"]
    assert found(there, "S2") == ["lockers.hall.store: the rules have no store S1"]


@pytest.mark.threat("J4")
async def test_a_bank_of_several_boards_counts_their_locks_on(rig: Rig, tmp_path: Path) -> None:
    port = {"port": "/dev/ttyUSB9", "optional": True}
    bank = {
        "store": "S1",
        "numbers": {"L1": 16, "L2": 17, "L3": 21},
        "board": {**port, "kind": "kerong", "baud": 9_600, "hook_closed_bit": 1},
        "more_boards": [
            {**port, "kind": "winnsen", "locks": 4},
            {**port, "kind": "waveshare_lockers"},
        ],
    }
    house = wiring.build(settings(tmp_path, lockers={"hall": bank}), rig.ports)
    devices = {device.device.name: device for device in house.devices}
    assert {"hall.board", "hall.board2", "hall.board3"} <= devices.keys()
    hall = house.banks["hall"]
    hall.level(1, LockerLevel(16, open=True))
    hall.level(17, LockerLevel(1, open=True))
    hall.level(17, LockerLevel(4, open=True))  # nobody's
    latches = hall._latches
    assert [latches.stands_open(locker) for locker in ("L1", "L2", "L3")] == [True, True, False]
    assert [latches.reports_door(locker) for locker in ("L1", "L2", "L3")] == [True, True, False]
    devices["hall.board"]._on_lost()
    assert [latches.stands_open(locker) for locker in ("L1", "L2", "L3")] == [False, True, False]


@pytest.mark.threat("J4")
async def test_a_pulse_goes_to_the_board_and_the_lock_of_its_channel() -> None:
    left, right = FakeBoard(), FakeBoard()
    latches = Latches({1: left, 17: right}, {"L1": 16, "L2": 17, "L3": 30})
    for locker in ("L1", "L2", "L3"):
        assert await latches.release(locker)
    assert (left.pulses, right.pulses) == ([16], [1, 14])
