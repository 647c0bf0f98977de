"""Devices at the header: each is given the header, a lock what hangs on it, an alarm its source."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.api import Header
from drivers.gpio_inputs import GpioInput
from drivers.gpio_lines import GpioFire, GpioIndicator, GpioLock
from edged import wiring
from edged.alarms.supervision import Supervised
from edged.settings.model import Settings
from tests.edged.rig import Rig

DOORS: dict[str, Any] = {
    "front": {
        "type": "strike",
        "lock": {"kind": "gpio", "line": 17},
        "contact": {"kind": "gpio", "line": 23},
        "exit_button": {"kind": "gpio", "line": 24},
        "tamper": {"kind": "gpio", "line": 25},
        "readers": {
            "front-in": {
                "kind": "camera",
                "socket": "/run/eye.sock",
                "indicator": {"kind": "gpio", "red": 5, "green": 6, "buzzer": 13},
            }
        },
    },
    "back": {
        "type": "magnet",
        "egress": "mechanical",
        "lock": {"kind": "gpio", "line": 18, "active_low": True},
        "readers": {"back-in": {"kind": "camera", "socket": "/run/back.sock"}},
    },
}


@pytest.fixture
def house(rig: Rig) -> wiring.House:
    settings = Settings.model_validate(
        {
            "device": "S1",
            "state_dir": "/var/lib/edged",
            "runtime_dir": "/run/edged",
            "fire": {"kind": "gpio", "line": 22},
            "doors": DOORS,
        }
    )
    assert settings.drives_locks
    return wiring.build(settings, rig.ports)


def by_name(house: wiring.House) -> dict[str, Supervised]:
    return {device.device.name: device for device in house.devices}


def test_every_device_at_the_header_is_made(house: wiring.House) -> None:
    kinds = {name: type(one.device) for name, one in by_name(house).items()}
    assert kinds.items() >= {
        ("front.lock", GpioLock),
        ("back.lock", GpioLock),
        ("front.contact", GpioInput),
        ("front.exit_button", GpioInput),
        ("front.tamper", GpioInput),
        ("front-in.indicator", GpioIndicator),
        ("fire", GpioFire),
    }
    header = Header("header", Path("/run/edged"), Path("/var/lib/edged"))
    for one in house.devices:
        if type(one.device) in {GpioLock, GpioInput, GpioIndicator, GpioFire}:
            assert vars(one.device)["_header"] == header
    assert isinstance(house.emergency.panel, GpioFire)


def test_a_lock_is_told_what_hangs_on_its_line(house: wiring.House) -> None:
    devices = by_name(house)
    front, back = devices["front.lock"].device, devices["back.lock"].device
    assert isinstance(front, GpioLock)
    assert isinstance(back, GpioLock)
    assert (front._magnet, back._magnet) == (False, True)
    (claim,) = back._claims.values()
    assert claim.b == 1


def reported(device: Supervised) -> Callable[..., None]:
    """Give what the device reports to."""
    work = device._work
    assert isinstance(work, partial)
    report: Callable[..., None] = work.args[0]
    return report


async def test_tamper_and_fire_are_alarms(rig: Rig, house: wiring.House) -> None:
    devices = by_name(house)
    assert devices["fire"]._on_lost == house.emergency.fire_lost
    tamper, fire = (reported(devices[name]) for name in ("front.tamper", "fire"))
    tamper(opened=True)
    fire(active=True)
    assert [(one["source"], one["alarm"]) for one in rig.alarms.listing()] == [
        ("front", "TAMPER"),
        ("device", "FIRE"),
    ]
    tamper(opened=False)
    fire(active=False)  # nobody has reset it
    assert [one["alarm"] for one in rig.alarms.listing()] == ["FIRE"]
    await rig.written()
