"""From a text to a code that is what it says: the checks that need the members (E3)."""

import asyncio

import structlog

from edged import limits
from edged.core.alarm_words import AlarmName
from edged.core.guesses import Guesses, missed
from edged.core.limits import GUESSES_ALARM, GUESSES_QUIET_MS
from edged.credentials import claims, plain, read
from edged.credentials.read import Refused, Unproven
from edged.doors.beside import WaitingCard
from edged.ports import Ports
from edged.store.errors import StoreFailed
from policy.model import CodeKind, Device, Member, Reason, Rules, Side

log = structlog.get_logger()


class Reading:
    """One reader's way from texts to codes, and the guesses that were wrong there.

    `card` is what waits for a PIN at its door, None: there is no door.
    """

    def __init__(self, name: str, ports: Ports, card: WaitingCard | None) -> None:
        self._name = name
        self._members = ports.rules
        self._clock = ports.clock
        self._card = card
        self._alarms = ports.alarms
        self._guesses = Guesses()
        self._row = 0
        self._quiet_ms = 0

    @property
    def wait_ms(self) -> int:
        """Milliseconds until the next plain code may be looked at."""
        return max(0, self._guesses.until_ms - self._clock.monotonic_ms())

    def is_early(self, text: bytes, rules: Rules, device: Device) -> bool:
        """Tell whether a text is one more guess of a plain code, too soon after wrong ones."""
        return self.wait_ms > 0 and bool(device.codes & set(_plain_kinds(text, rules)))

    async def read(
        self, text: bytes, digest: bytes, rules: Rules, device: Device
    ) -> claims.Claims | Refused:
        """Read a code to the end of spec/credentials.md "Checks" as far as its proof.

        A staff card that needs a PIN waits for it, and is what the PIN is read as. `digest` is the
        text's keyed hash. Where the members can't be read a code is refused with `RECORD_FAILED`,
        as whoever comes in is then; on the way out the caller lets them go.
        """
        entering, now_ms = device.side is Side.IN, self._clock.monotonic_ms()
        card = self._by_pin(text, digest, rules, device) if entering else None
        code: claims.Claims | Refused
        if card is not None:
            code = card
        else:
            code = await self._read(text, digest, rules, device)
            if isinstance(code, claims.StaffCard) and entering and device.card_pin:
                if self._card is not None:
                    self._card.lay(code, now_ms)
                return Refused(Reason.PIN_NEEDED, code.kind)
        if isinstance(code, Refused) and code.reason is Reason.MEMBER_UNKNOWN:
            self._miss(self._clock.monotonic_ms())
        elif isinstance(code, claims.PlainCode | claims.StaffCard):
            self._guesses, self._row = Guesses(), 0
        return code

    def sum_up(self) -> None:
        """End the alarm about guesses if there has been none for long enough."""
        if self._clock.monotonic_ms() >= self._quiet_ms:
            self._alarms.change(self._name, AlarmName.CODES_GUESSED, raised=False)

    def _miss(self, now_ms: int) -> None:
        """Take a wrong guess; many in a row are somebody who tries them out."""
        self._guesses = missed(self._guesses, now_ms)
        self._row = self._row + 1 if now_ms < self._quiet_ms else 1
        self._quiet_ms = now_ms + GUESSES_QUIET_MS
        if self._row >= GUESSES_ALARM:
            self._alarms.change(self._name, AlarmName.CODES_GUESSED, raised=True)

    def _by_pin(
        self, text: bytes, digest: bytes, rules: Rules, device: Device
    ) -> claims.StaffCard | None:
        """Return the card that waits, if this is the PIN beside it."""
        pin = CodeKind.PIN in device.codes and CodeKind.PIN in _plain_kinds(text, rules)
        if self._card is None or not pin:
            return None
        return self._card.take(digest, rules, self._clock.monotonic_ms())

    async def _read(
        self, text: bytes, digest: bytes, rules: Rules, device: Device
    ) -> claims.Claims | Refused:
        store = rules.stores.get(device.store)
        number = None if store is None else store.number
        code = read.read(
            text, accepted=device.codes, tenant=rules.tenant, keys=rules.keys, store=number
        )
        kinds = _plain_kinds(text, rules)
        if not isinstance(code, Unproven) and not kinds:
            return code
        try:
            async with asyncio.timeout(limits.LOOKUP_S):
                if isinstance(code, Unproven):
                    member = await self._members.member(code.claims.handle)
                    return read.prove(code, _key(member, code.claims.kid, device.store))
                return await self._plain(kinds, digest, device)
        except (StoreFailed, TimeoutError) as failed:
            log.error("member_not_read", device=self._name, problem=repr(failed))
            kind = CodeKind.R1 if isinstance(code, Unproven) else None
            return Refused(Reason.RECORD_FAILED, kind)

    async def _plain(
        self, kinds: tuple[CodeKind, ...], digest: bytes, device: Device
    ) -> claims.PlainCode | Refused:
        accepted = [kind for kind in kinds if kind in device.codes]
        if not accepted:
            return Refused(Reason.CODE_KIND_NOT_ACCEPTED, kinds[0])
        for kind in accepted:
            handle = await self._members.plain(kind, digest)
            if handle is not None:
                return claims.PlainCode(kind, handle)
        return Refused(Reason.MEMBER_UNKNOWN, accepted[0])


def _plain_kinds(text: bytes, rules: Rules) -> tuple[CodeKind, ...]:
    return () if read.names_kind(text) else plain.kinds_of(text, rules.plain)


def _key(member: Member | None, kid: int, store: str) -> bytes | None:
    """Return the member's key of an epoch at a store."""
    keys = () if member is None else member.rotating
    return next((one.key for one in keys if (one.kid, one.store) == (kid, store)), None)
