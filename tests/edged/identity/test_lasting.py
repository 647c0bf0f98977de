"""An end that comes near is said in time, by a clock that is trusted, and for as long as it is."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from edged import limits
from edged.clock import ClockState
from edged.cloud.files import trust_file
from edged.cloud.trusting import all_authorities, authorities, pin_file
from edged.errors import Untrusted
from edged.identity.lasting import Lasting, Life, life, lives
from edged.identity.provision import told
from hil.byzantine.pki import named
from hil.byzantine.tenant import Tenant
from hil.cloud import pki
from tests.edged.fakes import NOON
from tests.edged.identity.test_renewal import DAYS, Device
from tests.edged.lockers.test_desk import settings as made
from tests.edged.rig import Rig

DAY = timedelta(days=1)


def up(rig: Rig) -> Mapping[str, str]:
    """What is near its end, with the cause."""
    listed = rig.alarms.listing()
    return {one["source"]: one["cause"] for one in listed if one["alarm"] == "CERTIFICATE_ENDS"}


def lasting(rig: Rig, device: Device) -> Lasting:
    """The look at a device's certificates, by the rig's clock."""
    assert device.settings.cloud is not None
    return Lasting(device.settings, device.settings.cloud, rig.clock, rig.alarms)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "device")


def test_a_sixth_of_a_life_is_near_its_end_and_a_month_at_most() -> None:
    short, long = Life(NOON, NOON + 60 * DAY), Life(NOON, NOON + 3650 * DAY)
    assert short.ends - short.near == 10 * DAY
    assert long.ends - long.near == limits.CERTIFICATE_NEAR


def test_of_several_the_last_to_end_counts(tmp_path: Path) -> None:
    first = pki.authority(tmp_path / "a", NOON)
    second = pki.authority(tmp_path / "b", NOON + 100 * DAY)
    both = b"".join((one.folder / "ca.crt").read_bytes() for one in (second, first))
    assert life(both) == life((second.folder / "ca.crt").read_bytes())
    with pytest.raises(ValueError, match="PEM"):
        life(b"-----")


@pytest.mark.threat("G4")
async def test_one_that_was_not_renewed_is_an_alarm_until_it_is(rig: Rig, device: Device) -> None:
    looking, ends = lasting(rig, device), NOON + DAYS * DAY
    rig.clock.wall = ends - 15 * DAY - timedelta(hours=1)
    looking.look()
    assert up(rig) == {}
    rig.clock.wall = ends - 15 * DAY
    looking.look()
    assert list(up(rig)) == ["certificate"]
    assert f"{ends:%Y-%m-%d}" in up(rig)["certificate"]
    device.clock.wall = rig.clock.wall
    device.renew()
    looking.look()
    assert up(rig) == {}
    rig.clock.wall = device.authority.certificate.not_valid_after_utc
    looking.look()
    assert set(up(rig)) == {"authority", "certificate"}


async def test_a_clock_in_doubt_raises_none_and_ends_none(rig: Rig, device: Device) -> None:
    looking = lasting(rig, device)
    rig.clock.wall, rig.clock.state = NOON + DAYS * DAY, ClockState.RESTORED
    looking.look()
    assert up(rig) == {}
    rig.clock.state = ClockState.SYNCED
    looking.look()
    assert list(up(rig)) == ["certificate"]
    rig.clock.wall, rig.clock.state = NOON, ClockState.SUSPECT
    looking.look()
    assert list(up(rig)) == ["certificate"]


def test_authorities_that_the_trust_names_count_in_place_of_the_file(
    device: Device, tmp_path: Path
) -> None:
    assert device.settings.cloud is not None
    by_file = lives(device.settings, device.settings.cloud)["authority"]
    document = tmp_path / "trust"
    two = [named("acme authority"), named("acme authority 2")]
    document.write_bytes(Tenant("acme").trust(2, NOON, authorities=two))
    pin_file(device.settings, document, replace=True)
    by_trust = lives(device.settings, device.settings.cloud)["authority"]
    assert by_trust == life(two[0]) != by_file
    own = device.authority.certificate.public_bytes(Encoding.DER)
    known = all_authorities(device.settings.state_dir, device.settings.cloud)
    assert known == (*two, own), "who enrols takes the installer's too"
    trust_file(device.settings.state_dir).write_bytes(b"damaged")
    assert list(lives(device.settings, device.settings.cloud)) == ["certificate"]
    with pytest.raises(Untrusted, match="trust document"):
        authorities(device.settings.state_dir, "acme")


def test_what_can_not_be_read_is_left_out(device: Device, tmp_path: Path) -> None:
    settings = made(tmp_path, cloud={"host": "b", "tenant": "acme", "ca_file": "/nowhere"})
    assert settings.cloud is not None
    assert lives(settings, settings.cloud) == {}
    assert "authority_until" not in told(settings)
    assert "authority_until" in told(device.settings)
