"""An identity on its way: does what is due, keeps that it is done, and begins again after a cut.

The same steps for `edged provision` and for the daemon, which goes on where a cut has ended it.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from cloud_link.admission import Asked, Granted, NotYet
from cloud_link.enrol import Certified, Claimed, Event, KeyMade, Phase, Proven, Slot, Work, due
from cloud_link.wire import Enrol
from edged.cloud.files import device_key, trust_file, write_whole
from edged.errors import EnrolmentRefused, NotFound
from edged.identity.slots import Slots

Tell = Callable[..., None]
"""Says how far it is: a word, and facts."""


ENROLLING: Final = frozenset({Phase.CLAIMED, Phase.ENROLLING})


class Registry(Protocol):
    """The cloud, as far as a device without an identity needs it. Both wait for it for ever."""

    async def admitted(self, asked: Asked) -> Granted | NotYet:
        """Ask to be enrolled, as often as it takes, until there is an answer."""

    async def heard(self, slot: Slot) -> None:
        """Connect with a slot's certificate, until a fresh pulse was heard."""


class Course:
    """The identity of one device, from a claim to a certificate that was used.

    Args:
        state_dir: Claimed by this process.
        tenant: The tenant's name.
        device: The device's.
        serial: The machine's.
        earliest: Says what time it is at least.
    """

    def __init__(
        self,
        state_dir: Path,
        tenant: str,
        device: str,
        serial: str,
        earliest: Callable[[], datetime],
    ) -> None:
        self._state_dir = state_dir
        self._tenant = tenant
        self._device = device
        self._serial = serial
        self._slots = Slots(state_dir)
        self._earliest = earliest
        self.identity = self._slots.load()

    async def claim(self, claim: bytes | None, trust: str | None) -> None:
        """Begin: by a claim, by a trust document of this SHA-256, or by the one that is held.

        Raises:
            NotFound: Nothing says whom to trust.
        """
        if claim is None and trust is None and not trust_file(self._state_dir).exists():
            raise NotFound("a claim, the trust document's SHA-256, or a pinned one is needed")
        await self._take(Claimed(secrets.token_hex(16), claim, trust))

    async def run(self, registry: Registry, tell: Tell) -> None:
        """Go on until the device is enrolled; one that is not on its way there has nothing to do.

        Raises:
            EnrolmentRefused: The cloud says no. Nothing has changed: it may be asked again.
            Untrusted, OSError: A file is not what it should be, or the disk refuses.
        """
        self._slots.tidy(self.identity)
        while self.identity.phase in ENROLLING:
            match due(self.identity), self.identity.pending:
                case Work.MAKE_KEY, Slot() as slot:
                    await asyncio.to_thread(self._slots.make_key, slot)
                    await self._take(KeyMade())
                    tell("key_made")
                case Work.ASK, Slot() as slot:
                    await self._ask(slot, registry, tell)
                case Work.PROVE, Slot() as slot:
                    await registry.heard(slot)
                    await self._take(Proven(slot))
                    tell("active", until=self._slots.certificate(slot).ends)
                case _:
                    return  # no such state is kept

    async def _ask(self, slot: Slot, registry: Registry, tell: Tell) -> None:
        asked = await asyncio.to_thread(self._asked, slot)
        told: NotYet | None = None
        while isinstance(answer := await registry.admitted(asked), NotYet):
            if answer.refused:
                raise EnrolmentRefused(answer.why)
            if answer != told:
                told = answer
                tell("waiting", why=answer.why)
        await asyncio.to_thread(self._granted, slot, answer)
        await self._take(Certified(self.identity.request))
        tell("certified")

    def _asked(self, slot: Slot) -> Asked:
        identity = self.identity
        key = device_key(self._state_dir).public_key().public_bytes_raw()
        csr = self._slots.csr(slot, self._device)
        enrol = Enrol(
            tenant=self._tenant,
            device=self._device,
            serial=self._serial,
            request=identity.request,
            key=key,
            csr=csr,
            proof=None,
        )
        file = trust_file(self._state_dir)
        held = file.read_bytes() if file.exists() else None
        return Asked(enrol, identity.claim, identity.trust, held)

    def _granted(self, slot: Slot, granted: Granted) -> None:
        """Keep what was granted; the certificate first, which says whether it is ours."""
        self._slots.put_certificate(slot, self._device, granted.certificate)
        write_whole(trust_file(self._state_dir), granted.trust)

    async def _take(self, event: Event) -> None:
        self.identity = await asyncio.to_thread(self._slots.take, self.identity, event)
