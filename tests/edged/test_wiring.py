from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from edged import wiring
from edged.alarms.supervision import Supervised
from edged.settings.model import Settings
from policy.model import BandGrant, CodeKind, Device, Door, ExitButton, Rules, Side
from tests.edged.rig import Rig

SIM: Mapping[str, Any] = {"kind": "sim", "socket": "/nowhere/building.sock"}
FRONT: Mapping[str, Any] = {
    "type": "strike",
    "max_pulse_ms": 1_000,
    "lock": {**SIM, "door": "front"},
    "contact": {**SIM, "door": "front", "line": "contact", "optional": True},
    "exit_button": {**SIM, "door": "front", "line": "button"},
    "readers": {
        "front-in": {
            **SIM,
            "reader": "front-in",
            "optional": True,
            "indicator": {**SIM, "indicator": "front-in", "optional": True},
        },
        "front-out": {"kind": "serial_line", "port": "/dev/nothing"},
    },
}
BACK: Mapping[str, Any] = {
    "type": "strike",
    "lock": {"kind": "waveshare_relay", "port": "/dev/nothing", "channel": 2},
    "readers": {"back-in": {"kind": "camera", "socket": "/nowhere/eye.sock"}},
}


def settings(folder: Path, **doors: Mapping[str, Any]) -> Settings:
    return site_settings(folder, doors=doors or {"front": FRONT, "back": BACK})


def site_settings(folder: Path, **tables: object) -> Settings:
    return Settings.model_validate(
        {"device": "S1", "state_dir": str(folder), "allow_simulated": True, **tables}
    )


def by_name(house: wiring.House) -> dict[str, Supervised]:
    return {device.device.name: device for device in house.devices}


def reports_to(device: Supervised) -> tuple[object, ...]:
    work = device._work
    return work.args if isinstance(work, partial) else ()


async def test_all_that_the_settings_name_is_made_and_nothing_is_opened(
    rig: Rig, tmp_path: Path
) -> None:
    house = wiring.build(settings(tmp_path), rig.ports)
    assert list(house.gates) == ["front", "back"]
    assert list(house.passages) == ["front-in", "front-out", "back-in"]
    assert len(house.feedbacks) == 3
    devices = by_name(house)
    assert {name: device.optional for name, device in devices.items()} == {
        "front.lock": False,
        "front.contact": True,
        "front.exit_button": False,
        "front-in.indicator": True,
        "front-in": True,
        "front-out": False,
        "back.lock": False,
        "back-in": False,
    }
    assert not any(device.is_open for device in house.devices)


async def test_everything_reports_to_its_own_door(rig: Rig, tmp_path: Path) -> None:
    house = wiring.build(settings(tmp_path), rig.ports)
    devices, gate = by_name(house), house.gates["front"]
    assert reports_to(devices["front.contact"]) == (gate.contact,)
    assert devices["front.contact"]._on_lost == gate.contact_lost
    assert reports_to(devices["front.exit_button"]) == (gate.button,)
    for name, passage in house.passages.items():
        (reported,) = reports_to(devices[name])
        assert isinstance(reported, partial)
        assert reported.func == house.claims._see
        (logins,) = reported.args
        assert (logins.func, logins.args) == (house.logins._see, (name, passage.scanned))
    doors = {name: passage._gate and passage._gate.name for name, passage in house.passages.items()}
    assert doors == {"front-in": "front", "front-out": "front", "back-in": "back"}
    lights = [feedback._indicator for feedback in house.feedbacks]
    assert lights == [devices["front-in.indicator"].device, None, None]


async def test_doors_have_the_settings_ceiling_and_their_own_contact(
    rig: Rig, tmp_path: Path
) -> None:
    house = wiring.build(settings(tmp_path), rig.ports)
    front, back = house.gates["front"].terms(), house.gates["back"].terms()
    assert (front.pulse_ms, front.has_contact) == (1_000, True)
    assert (back.pulse_ms, back.has_contact) == (5_000, False)


def without_door(rules: Rules, gone: str) -> Rules:
    return replace(rules, doors={k: door for k, door in rules.doors.items() if k != gone})


def without_device(rules: Rules, gone: str) -> Rules:
    return replace(rules, devices={k: one for k, one in rules.devices.items() if k != gone})


def moved(rules: Rules, name: str, door: str) -> Rules:
    device = Device(name, "S1", Side.OUT, door)
    return replace(rules, devices={**rules.devices, name: device})


LACKING: dict[str, tuple[Any, list[str]]] = {
    "nothing": (lambda rules: rules, []),
    "a door": (
        lambda rules: without_door(rules, "front"),
        ["doors.front: the rules have no such door"],
    ),
    "a device": (
        lambda rules: without_device(rules, "front-out"),
        ["doors.front.readers.front-out: the rules have no such device"],
    ),
    "a device that is elsewhere": (
        lambda rules: moved(rules, "front-out", "back"),
        ["doors.front.readers.front-out: the rules put it at back"],
    ),
    "a reader": (
        lambda rules: moved(rules, "front-side", "front"),
        ["devices.front-side: the settings wire no such reader to front"],
    ),
    "what is another device's": (
        lambda rules: replace(
            moved(rules, "cellar-in", "cellar"),
            doors={**rules.doors, "cellar": Door("cellar", "S1")},
        ),
        [],
    ),
}


@pytest.mark.parametrize("lacking", LACKING)
async def test_where_settings_and_rules_differ_each_fault_is_named(
    rig: Rig, tmp_path: Path, lacking: str
) -> None:
    change, faults = LACKING[lacking]
    assert rig.rules.rules is not None
    found = wiring.mismatches(settings(tmp_path, front=FRONT), change(rig.rules.rules))
    assert list(found) == faults


async def test_all_faults_are_named_at_once(rig: Rig, tmp_path: Path) -> None:
    assert rig.rules.rules is not None
    rules = without_device(rig.rules.rules, "front-in")
    assert list(wiring.mismatches(settings(tmp_path), rules)) == [
        "doors.front.readers.front-in: the rules have no such device",
        "doors.back: the rules have no such door",
        "doors.back.readers.back-in: the rules have no such device",
    ]


@pytest.mark.parametrize("pepper", [None, "a secret of 16 characters"])
async def test_plain_codes_need_the_pepper(rig: Rig, tmp_path: Path, pepper: str | None) -> None:
    rules = rig.rules.rules
    assert rules is not None
    asking = {
        "front-in": replace(rules.devices["front-in"], codes=frozenset({CodeKind.PIN})),
        "front-out": replace(rules.devices["front-out"], card_pin=True),
    }
    secret = None if pepper is None else SecretStr(pepper)
    fitted = settings(tmp_path, front=FRONT).model_copy(update={"store_pepper": secret})
    told = [
        f"devices.{name}: plain codes and PINs need the secret store_pepper"
        for name in ("front-in", "front-out")
    ]
    found = list(wiring.mismatches(fitted, replace(rules, devices=asking)))
    assert found == ([] if pepper else told)


async def test_what_holds_for_all_doors_is_wired_to_all(rig: Rig, tmp_path: Path) -> None:
    magnet = {**FRONT, "type": "magnet", "egress": "mechanical"}
    for line in ("bond", "tamper"):
        magnet[line] = {**SIM, "door": "front", "line": line}
    house = wiring.build(
        site_settings(
            tmp_path,
            doors={"front": magnet, "back": BACK},
            fire={**SIM, "line": "fire"},
            lockdown_switch={**SIM, "line": "lockdown", "optional": True},
            alarm_output={**SIM, "indicator": "siren"},
        ),
        rig.ports,
    )
    devices, (front, back) = by_name(house), house.gates.values()
    assert reports_to(devices["fire"]) == (house.emergency.fire_input,)
    assert devices["fire"]._on_lost == house.emergency.fire_lost
    assert house.emergency.burning, "until its fire input says otherwise"
    assert reports_to(devices["lockdown_switch"]) == (house.emergency.lockdown_switch,)
    assert reports_to(devices["front.bond"]) == (front.bond,)
    assert devices["front.bond"]._on_lost == front.bond_lost
    assert reports_to(devices["front.tamper"]) == (front.tamper,)
    assert devices["lockdown_switch"].optional
    assert [sounder._indicator for sounder in house.sounders] == [devices["alarm_output"].device]
    assert (front.others, back.others) == ((back,), (front,))
    assert front.levels is back.levels is house.emergency.levels
    assert (front.fitted.magnet, front.fitted.mechanical) == (True, True)
    assert (back.fitted.magnet, back.fitted.continuous) == (False, False)


UNFIT: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "hours": (
        {"open_bands": (BandGrant("DAY"),)},
        {},
        ["doors.front: open_bands needs continuous = true, or a magnet"],
    ),
    "hours of a coil that bears them": (
        {"open_bands": (BandGrant("DAY"),)},
        {"continuous": True},
        [],
    ),
    "hours of a magnet": (
        {"open_bands": (BandGrant("DAY"),)},
        {"type": "magnet", "egress": "wired_button"},
        [],
    ),
    "a handle": (
        {"exit_button": ExitButton.SHUNT},
        {},
        ['doors.front: exit_button shunt needs egress = "mechanical"; it releases'],
    ),
    "an interlock alone": (
        {"interlock": "trap"},
        {"contact": None},
        [
            "doors.front: no other door of interlock trap is wired to this device",
            "doors.front: an interlock needs a contact at each of its doors",
        ],
    ),
}


@pytest.mark.parametrize("asked", UNFIT)
async def test_what_a_door_is_not_wired_for_is_named(rig: Rig, tmp_path: Path, asked: str) -> None:
    by_rules, by_settings, faults = UNFIT[asked]
    assert rig.rules.rules is not None
    door = replace(rig.rules.rules.doors["front"], **by_rules)
    rules = replace(rig.rules.rules, doors={"front": door})
    fitted = settings(tmp_path, front={**FRONT, **by_settings})
    assert list(wiring.mismatches(fitted, rules)) == faults
