"""The next certificate, in time, and the old one until it has worked."""

import asyncio
from datetime import timedelta
from pathlib import Path
from unittest.mock import ANY

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509 import load_der_x509_csr

from cloud_link.enrol import (
    Aged,
    Certified,
    Claimed,
    Identity,
    KeyMade,
    Made,
    Phase,
    Proven,
    Slot,
    renewal_at,
)
from cloud_link.ports import LinkLost
from edged import limits
from edged.clock import ClockState
from edged.identity.renewal import Certificates
from edged.identity.slots import Slots
from hil.cloud import pki
from tests.edged.cloud.test_trusting import CLOUD
from tests.edged.fakes import NOON, WITHIN_S, FakeClock, until
from tests.edged.lockers.test_desk import settings as made

DAYS = 90


class Device:
    """A device with a certificate of that morning, and its authority."""

    def __init__(self, folder: Path) -> None:
        self.authority = pki.authority(folder / "pki", NOON)
        ca_file = str(folder / "pki/ca.crt")
        cloud = {**CLOUD, "host": "127.0.0.1", "port": 1, "ca_file": ca_file}
        del cloud["certificate_file"], cloud["key_file"]
        self.settings = made(folder / "state", cloud=cloud)
        self.name = self.settings.device
        self.slots, self.clock = Slots(self.settings.state_dir), FakeClock()
        identity = self.slots.take(Identity(), Claimed("0" * 32, bytes(32)))
        self.slots.make_key(Slot.A)
        identity = self.slots.take(identity, KeyMade())
        self.slots.put_certificate(
            Slot.A, self.name, self.certify(self.slots.csr(Slot.A, self.name))
        )
        identity = self.slots.take(identity, Certified("0" * 32))
        self.slots.take(identity, Proven(Slot.A))

    def certify(self, csr: bytes, name: str | None = None) -> str:
        key = load_der_x509_csr(csr).public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        return self.authority.device(name or self.name, key, self.clock.wall, DAYS)

    def certificates(self) -> Certificates:
        assert self.settings.cloud is not None
        return Certificates(self.settings, self.settings.cloud, self.clock)

    def renew(self) -> None:
        """Let it have the next certificate, of now."""
        request = "1" * 32
        identity = self.slots.take(self.slots.load(), Aged(request))
        self.slots.make_key(Slot.B)
        identity = self.slots.take(identity, KeyMade())
        csr = self.slots.csr(Slot.B, self.name)
        self.slots.put_certificate(Slot.B, self.name, self.certify(csr))
        self.slots.take(self.slots.take(identity, Certified(request)), Proven(Slot.B))

    def age(self) -> None:
        """Let the certificate become as old as it is renewed at."""
        held = self.slots.certificate(Slot.A)
        self.clock.wall = renewal_at(held.begins, held.ends, held.pem)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


async def asked(certificates: Certificates) -> tuple[str, bytes]:
    """What is asked for by now."""
    async with asyncio.timeout(WITHIN_S):
        return await certificates.wanted()


async def line(certificates: Certificates) -> None:
    """Try to connect, where nobody listens."""
    with pytest.raises(LinkLost):
        async with certificates.connect(b""):
            pass


@pytest.mark.threat("G4")
async def test_the_next_one_is_asked_for_when_it_is_time(device: Device) -> None:
    certificates = device.certificates()
    waiting = asyncio.ensure_future(certificates.wanted())
    await until(lambda: device.clock.sleeping_ms == [limits.RENEWAL_LOOK_MS])
    device.age()
    device.clock.step_wall(timedelta(seconds=-61))
    await device.clock.advance(limits.RENEWAL_LOOK_MS)
    assert not waiting.done()
    device.clock.step_wall(timedelta(seconds=1))
    await until(lambda: device.clock.sleeping_ms == [limits.RENEWAL_LOOK_MS])
    await device.clock.advance(limits.RENEWAL_LOOK_MS)
    async with asyncio.timeout(WITHIN_S):
        request, csr = await waiting
    assert device.slots.load() == Identity(Phase.RENEWING, Slot.A, Slot.B, Made.KEY, request)
    assert await asked(certificates) == (request, ANY)
    again = device.certificates()
    assert (await asked(again))[0] == request, "after a restart, the same"
    assert load_der_x509_csr(csr).is_signature_valid


async def test_a_clock_in_doubt_renews_nothing(device: Device) -> None:
    device.age()
    device.clock.state = ClockState.RESTORED
    waiting = asyncio.ensure_future(device.certificates().wanted())
    await until(lambda: device.clock.sleeping_ms != [])
    assert device.slots.load().phase is Phase.ACTIVE
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.threat("G1", "G4")
async def test_the_old_one_goes_when_the_new_one_was_heard_over(device: Device) -> None:
    device.age()
    certificates = device.certificates()
    request, csr = await asked(certificates)
    await line(certificates)
    certificates.fresh()
    assert await certificates.renewed(request, device.certify(csr))
    assert not await certificates.renewed(request, device.certify(csr)), "a copy"
    certificates.fresh()  # over the connection of before
    waiting = asyncio.ensure_future(certificates.wanted())
    await until(lambda: device.clock.sleeping_ms != [])
    assert device.slots.load().current is Slot.A
    assert device.slots.certificate_file(Slot.A).exists()
    await line(certificates)
    certificates.fresh()
    await until(lambda: device.slots.load() == Identity(Phase.ACTIVE, Slot.B))
    await until(lambda: not device.slots.key_file(Slot.A).exists())
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.threat("G4")
async def test_what_is_not_ours_is_not_kept(device: Device) -> None:
    device.age()
    certificates = device.certificates()
    request, csr = await asked(certificates)
    other = device.slots.csr(Slot.A, device.name)
    for wrong in (device.certify(csr, "gate-9"), device.certify(other), "no certificate"):
        assert not await certificates.renewed(request, wrong)
    assert not await certificates.renewed("f" * 32, device.certify(csr))
    assert device.slots.load().made is Made.KEY
    assert not device.slots.certificate_file(Slot.B).exists()
    assert await certificates.renewed(request, device.certify(csr))


@pytest.mark.threat("G4")
async def test_a_new_one_that_is_no_good_keeps_nobody_off(device: Device) -> None:
    device.age()
    certificates = device.certificates()
    request, csr = await asked(certificates)
    await certificates.renewed(request, device.certify(csr))
    turns = []
    for _ in range(4):
        await line(certificates)
        turns.append(certificates._connected)
    assert turns == [Slot.B, Slot.A, Slot.B, Slot.A]


@pytest.mark.threat("G1")
def test_what_a_cut_has_left_of_the_old_one_goes_at_the_next_start(device: Device) -> None:
    device.slots.make_key(Slot.B)  # no state names it
    device.certificates()
    assert not device.slots.key_file(Slot.B).exists()
    assert device.slots.key_file(Slot.A).exists()
