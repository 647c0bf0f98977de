"""Banks of lockers in the house, and where the settings and the rules differ about them."""

from dataclasses import replace
from pathlib import Path

from drivers.api import LockerLevel
from edged import wiring
from edged.locker_reader import LockerReader
from edged.settings import Settings
from policy.model import Device, Side
from tests.edged.rig import Rig
from tests.edged.test_locker_desk import SIM, settings


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
    house.banks["hall"].level(LockerLevel(1, open=True))
    (board,) = (one for one in house.devices if one.device.name == "hall.board")
    assert latches.stands_open("L1")
    board._on_lost()
    assert not latches.stands_open("L1")


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
