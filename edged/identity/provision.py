"""What an installer does with a device's identity: gets it, looks at it, gives it up."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cloud_link.claim import claim_key
from cloud_link.enrol import Phase, Retired, renewal_at
from cloud_link.shapes import spell_instant
from edged.clock import Clock
from edged.cloud.files import device_key
from edged.errors import NotFound
from edged.identity import lasting
from edged.identity.course import ENROLLING, Course, Registry, Tell
from edged.identity.serial import serial
from edged.identity.slots import Slots
from edged.settings.model import Broker, Settings
from edged.store.connection import sync_folder
from edged.store.state_dir import claim

KEPT = frozenset({"lock", "cloud"})
"""What the erasing of a device leaves: that it is given up stands in `cloud/identity`."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the installer says.

    Args:
        code: A claim; None: somebody has to adopt the device.
        trust: The SHA-256 of the tenant's first trust document, where there is no claim.
        again: Get another identity in place of the one that there is.
    """

    code: str | None = field(default=None, repr=False)
    trust: str | None = None
    again: bool = False


async def provision(
    settings: Settings,
    clock: Clock,
    wish: Wish,
    meet: Callable[[Broker], Registry],
    tell: Tell,
) -> Mapping[str, object]:
    """Enrol this device, or go on with it; return who it is then.

    Args:
        settings: Name the broker.
        clock: Says what time it is.
        wish: What the installer says.
        meet: Gives the way to the cloud.
        tell: Is told how far it is.

    Raises:
        NotFound: The settings name no cloud, or files of an installer; or there is nothing by
            which the cloud is known.
        BadClaim: The code is none.
        EnrolmentRefused: The cloud says no.
        StateInUse: The daemon runs.
    """
    broker = enrolling(settings)
    key = None if wish.code is None else claim_key(wish.code)
    with claim(settings.state_dir):
        course = made(settings, broker, clock)
        if course.identity.phase is Phase.RETIRED:
            erase(settings.state_dir)
        held = course.identity
        going_on = held.phase in ENROLLING and key in {None, held.claim}
        there = held.current is not None and held.phase not in ENROLLING
        if not going_on and (wish.again or not there):
            await course.claim(key, wish.trust)
        tell("who", **told(settings))
        await course.run(meet(broker), tell)
        return told(settings)


def enrolling(settings: Settings) -> Broker:
    """Return the broker, of settings by which a device is enrolled. Raises NotFound."""
    if settings.cloud is None:
        raise NotFound("the settings name no cloud")
    if settings.cloud.certificate_file is not None:
        raise NotFound("the settings name a certificate_file, so nothing is enrolled")
    return settings.cloud


def made(settings: Settings, broker: Broker, clock: Clock) -> Course:
    """Return the course of this device's identity."""
    return Course(
        settings.state_dir,
        broker.tenant,
        settings.device,
        serial(),
        lambda: clock.now().earliest,
    )


def told(settings: Settings) -> Mapping[str, object]:
    """Say who this device is, and how it stands with its certificate."""
    slots = Slots(settings.state_dir)
    identity = slots.load()
    key = device_key(settings.state_dir).public_key().public_bytes_raw()
    said: Mapping[str, object] = {
        "device": settings.device,
        "serial": serial(),
        "phase": identity.phase.value,
        "fingerprint": sha256(key).hexdigest(),
    }
    if identity.current is not None:
        held = slots.certificate(identity.current)
        due = renewal_at(held.begins, held.ends, held.pem)
        begins = spell_instant(held.begins)
        said = {**said, "certificate_from": begins, "renewed_from": spell_instant(due)}
    if settings.cloud is not None:
        said = {**said, **lasting.told(lasting.lives(settings, settings.cloud))}
    return said


def belongings(state_dir: Path) -> list[str]:
    """Name what a device that is given up would lose, each with its size."""
    return [
        f"{path.relative_to(state_dir)} ({path.stat().st_size} bytes)"
        for path in sorted(state_dir.rglob("*"))
        if path.is_file() and path.name != "lock"
    ]


def decommission(settings: Settings) -> Mapping[str, object]:
    """Give this device up: its identity, its keys, and all that it knows of anybody.

    Raises:
        StateInUse: The daemon runs.
        OSError: The disk refuses; begun anew, it is finished.
    """
    with claim(settings.state_dir):
        slots = Slots(settings.state_dir)
        slots.take(slots.load(), Retired())
        erase(settings.state_dir)
    return {"device": settings.device, "phase": Phase.RETIRED.value}


def erase(state_dir: Path) -> None:
    """Delete all but that the device is given up."""
    for folder, kept in ((state_dir, KEPT), (state_dir / "cloud", {"identity"})):
        for path in sorted(folder.iterdir()):
            if path.name in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        sync_folder(folder)
