"""A device's identity and its trust, which go on whatever the disk says.

The trust is pinned, the device enrolled; a later trust comes, the certificate is renewed twice,
the device enrolled anew, given up, and enrolled once more: after a failure again, from what is
on the disk. Says what was told, and `WRONG` where that is not so.
"""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509 import load_der_x509_csr, load_pem_x509_certificate

from cloud_link.admission import Asked, Granted, NotYet
from cloud_link.enrol import Made, Phase, Slot, renewal_at
from cloud_link.ports import LinkLost
from cloud_link.trust import follow, pin
from edged import clock as clocks
from edged.cloud.files import device_key, device_key_file, trust_file, write_whole
from edged.cloud.trusting import pin_file
from edged.identity.course import ENROLLING, Course
from edged.identity.provision import decommission, erase
from edged.identity.renewal import Certificates
from edged.identity.slots import Slots
from edged.settings.model import Settings
from hil.byzantine.tenant import Tenant
from hil.cloud import pki
from hil.crash import telling
from hil.crash.publisher import AT, DEVICE
from hil.crash.telling import say
from hil.site.rules import TENANT

_FAILURES: Final = 8
"""After so many the disk is not going to be well again."""
_DAYS: Final = 90
_CLAIM: Final = bytes(32)
_TENANT: Final = Tenant(TENANT)


@dataclass(slots=True)
class Told(telling.Told):
    """What the cloud and the installer were told.

    `key`: the device's, in hex. `trust`: the version that counts. `since`: from when on the
    certificate is good that is in use. `retired`: the device was given up.
    """

    key: str = ""
    trust: int = 0
    since: str = ""
    retired: bool = False


class Still(clocks.SystemClock):
    """A clock that stands. `idle`: somebody waits for it."""

    def __init__(self, at: datetime) -> None:
        super().__init__(clocks.host_error_s, wall=lambda: at)
        self.idle = asyncio.Event()

    async def sleep_ms(self, for_ms: int) -> None:
        """Wait for ever."""
        del for_ms
        self.idle.set()
        await asyncio.Event().wait()


class Office:
    """The cloud, as far as it admits devices: it takes everybody."""

    def __init__(self, folder: Path, told: Told) -> None:
        self._authority = pki.authority(folder, AT)
        self._told = told

    async def admitted(self, asked: Asked) -> Granted | NotYet:
        """Admit a device, and know its key from here on."""
        key = asked.enrol.key.hex()
        if self._told.key not in {"", key}:
            say(f"WRONG: the key was {self._told.key} and is {key}")
        self._told.key = key
        since = datetime.fromisoformat(self._told.since) if self._told.since else AT
        newest = _TENANT.trust(max(2, self._told.trust), AT)
        return Granted(self.certify(asked.enrol.csr, since + timedelta(days=1)), newest)

    async def heard(self, slot: Slot) -> None:
        """Be heard over any certificate."""

    def certify(self, csr: bytes, at: datetime) -> str:
        """Certify whatever is asked for."""
        key = load_der_x509_csr(csr).public_key()
        if not isinstance(key, EllipticCurvePublicKey):
            raise TypeError(key)
        return self._authority.device(DEVICE, key, at, _DAYS)


class Stubborn:
    """Somebody who takes a device through its life, until it is at the end."""

    def __init__(self, folder: Path, told: Told) -> None:
        self._folder = folder
        self._state = folder / "state"
        self._told = told
        self._office = Office(folder / "pki", told)
        self._slots = Slots(self._state)
        self._settings = _settings(folder)
        self._steps: tuple[Callable[[], Awaitable[None]], ...] = (
            self._pin,
            self._enrol,
            self._trust,
            self._renew,
            self._renew,
            self._enrol,
            self._give_up,
            self._enrol,
        )

    async def work(self) -> bool:
        """Take all steps; False: the disk did not let it."""
        for _ in range(_FAILURES):
            try:
                while self._told.done < len(self._steps):
                    await self._steps[self._told.done]()
                    self._told.done += 1
                    self._told.say()
            except OSError:
                self._told.say()
                with suppress(OSError):  # whatever the disk tells
                    if found := wrong(self._folder, self._told):
                        say(f"WRONG: {found}")
            else:
                return True
        return False

    # --- the steps; each may have been taken in part

    async def _pin(self) -> None:
        file = self._folder / "trust"
        file.write_bytes(_TENANT.trust(1, AT))
        said = await asyncio.to_thread(pin_file, self._settings, file, replace=True)
        self._told.trust, self._told.key = 1, str(said["device_key"])

    async def _enrol(self) -> None:
        """Enrol, or go on with it (provision.py)."""
        course = Course(self._state, TENANT, DEVICE, "SN-1", lambda: AT)
        if course.identity.phase is Phase.RETIRED:
            await asyncio.to_thread(erase, self._state)
        self._told.retired = False
        if course.identity.phase not in ENROLLING and not self._newer():
            await course.claim(_CLAIM, None)
        await course.run(self._office, lambda step, **_: say(step))
        self._told.trust = max(2, self._told.trust)
        self._in_use()

    def _newer(self) -> bool:
        """Whether the certificate in use is a newer one than was told."""
        current = self._slots.load().current
        return current is not None and _since(self._slots, current) != self._told.since

    def _in_use(self) -> None:
        current = self._slots.load().current
        if current is None:
            say("WRONG: nothing connects")
        else:
            self._told.since = _since(self._slots, current)

    async def _trust(self) -> None:
        """Follow a later document, as the link and the inbox do."""
        held = pin(trust_file(self._state).read_bytes(), TENANT)
        newer = follow(held, _TENANT.trust(3, AT))
        await asyncio.to_thread(write_whole, trust_file(self._state), newer.envelope)
        self._told.trust = 3

    async def _renew(self) -> None:
        identity = self._slots.load()
        if identity.current is not None and not self._newer():
            held = self._slots.certificate(identity.current)
            at = renewal_at(held.begins, held.ends, held.pem) + timedelta(hours=1)
            await self._renewed(at)
        self._in_use()

    async def _renewed(self, at: datetime) -> None:
        broker = self._settings.cloud
        if broker is None:
            raise TypeError(broker)
        clock = Still(at)
        certificates = Certificates(self._settings, broker, clock)
        asked = await _wanted(certificates, clock)
        if asked is not None:
            await certificates.renewed(asked[0], self._office.certify(asked[1], at))
        for _ in range(2):  # they take turns
            with suppress(LinkLost):
                async with certificates.connect(b""):
                    pass
            certificates.fresh()
        await _wanted(certificates, clock)

    async def _give_up(self) -> None:
        self._told.key, self._told.since, self._told.trust = "", "", 0
        await asyncio.to_thread(decommission, self._settings)
        self._told.retired = True


async def _wanted(certificates: Certificates, clock: Still) -> tuple[str, bytes] | None:
    """Return what is to be asked for; None: nothing, so it waits."""
    clock.idle.clear()
    wanted = asyncio.ensure_future(certificates.wanted())
    idle = asyncio.ensure_future(clock.idle.wait())
    await asyncio.wait({wanted, idle}, return_when=asyncio.FIRST_COMPLETED)
    if wanted.done():
        idle.cancel()
        return wanted.result()
    wanted.cancel()
    await asyncio.wait({wanted})
    return None


def _since(slots: Slots, slot: Slot) -> str:
    return slots.certificate(slot).begins.astimezone(UTC).isoformat()


def _settings(folder: Path) -> Settings:
    cloud = {
        "host": "127.0.0.1",
        "port": 1,
        "tenant": TENANT,
        "ca_file": str(folder / "pki/ca.crt"),
    }
    building = {"kind": "sim", "socket": "/nowhere/building.sock"}
    door = {
        "type": "strike",
        "lock": {**building, "door": "front"},
        "readers": {"front-in": {**building, "reader": "front-in"}},
    }
    return Settings.model_validate(
        {
            "device": DEVICE,
            "state_dir": str(folder / "state"),
            "allow_simulated": True,
            "doors": {"front": door},
            "cloud": cloud,
        }
    )


def wrong(folder: Path, told: Told) -> str:
    """Say what must not be of an identity, after what was told, or nothing.

    Raises OSError: the disk does not tell.
    """
    state = folder / "state"
    for path in sorted((state / "cloud").rglob("*")):
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600):
            return f"{path} is open to others"
    slots = Slots(state)
    identity = slots.load()
    if told.retired:
        left = [path.name for path in (state / "cloud").iterdir() if path.name != "identity"]
        left += [path.name for path in slots.key_file(Slot.A).parents[1].glob("?")]
        return f"left of what was given up: {left}" if left else ""
    for slot, made in ((identity.current, Made.CERTIFICATE), (identity.pending, identity.made)):
        if slot is not None and (found := _unlike(slots, slot, made)):
            return f"{identity.phase}, slot {slot}: {found}"
    if told.since and (identity.current is None or _since(slots, identity.current) < told.since):
        return f"{identity} connects, after {told.since}"
    return _untold(state, told)


def _unlike(slots: Slots, slot: Slot, made: Made) -> str:
    """Say what a slot does not hold of what it should."""
    if made is Made.NOTHING:
        return ""
    asked = load_der_x509_csr(slots.csr(slot, DEVICE)).public_key()  # the key is whole
    if made is Made.KEY:
        return ""
    held = slots.certificate(slot)
    same = load_pem_x509_certificate(held.pem).public_key() == asked
    return "" if same and held.name == DEVICE else "the certificate is another's"


def _untold(state: Path, told: Told) -> str:
    if told.trust:
        version = pin(trust_file(state).read_bytes(), TENANT).document.version
        if version < told.trust:
            return f"trust {version} counts, after {told.trust}"
    if told.key:
        there = device_key_file(state).exists()
        if not there or device_key(state).public_key().public_bytes_raw().hex() != told.key:
            return "the device has another key than the cloud knows"
    return ""


async def _through(folder: Path, told: Told) -> bool:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # calls in one order
    return await Stubborn(folder, told).work()


def work(folder: Path, said: str) -> bool:
    """Work in a folder, behind what a run before said; False: the disk did not let it."""
    return asyncio.run(_through(folder, Told.last(said)))
