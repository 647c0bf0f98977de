"""Logins at the console by a staff code: who waits at which reader, and what is read there.

Stands between the readers of the doors and their passages. Nothing that is read is kept back but
the digits of a login that waits there, and the one staff code that is shown after them.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import structlog
from pydantic import Field, TypeAdapter

from drivers.api import Scan, Signal
from edged import limits, translate
from edged.asked import Asked, understood
from edged.core import limits as login_limits
from edged.core import login
from edged.core.login import Granted, Keyed, Login, Phase, Proven, Told
from edged.credentials import claims, read
from edged.errors import NotFound
from edged.mailbox import Mailbox
from edged.messages import LOGIN_TEXTS, Cue
from edged.ports import Ports
from edged.readers import scene
from edged.readers.feedback import Feedback
from edged.readers.scene import Arrival
from edged.rulebook.fields import Id
from edged.store.errors import FailKind, StoreFailed
from edged.store.ledger import Ledger
from policy.model import CodeKind, Device, Mode, Reason, Rules, Side, StaffRole

T = TypeVar("T")

log = structlog.get_logger()

SHOWN_PREFIX: Final = "EDGED-LOGIN:"
"""Before the digits where they are a picture, for a reader without keys."""


class _Begin(Asked):
    do: Literal["begin"]
    reader: Id
    origin: str = Field(max_length=64, pattern=r"^[0-9A-Za-z.:%_-]*$")


class _Ticket(Asked):
    do: Literal["look", "enter"]
    ticket: str = Field(max_length=64)


_Said: TypeAlias = _Begin | _Ticket
_ORDER: Final[TypeAdapter[_Said]] = TypeAdapter(Annotated[_Said, Field(discriminator="do")])


@dataclass(slots=True)
class _Waiting:
    """A login at a reader. `text`: the hash of the code that was shown for it."""

    told: Told
    login: Login
    ticket: str = field(repr=False)
    digits: str = field(repr=False)
    text: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Code:
    """A staff code, correctly signed, that is shown for a login."""

    reader: str
    waiting: _Waiting
    code: claims.StaffCode


class Logins:
    """Every login that waits: at most one a reader."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._feedbacks: dict[str, Feedback] = {}
        self._doors: dict[str, str] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._codes: Mailbox[_Code] = Mailbox(limits.READER_MAILBOX)
        self._installer_ms: int | None = None

    def installer_here(self) -> bool:
        """Tell whether somebody who installs has lately logged in by a code at a reader."""
        since_ms, now_ms = self._installer_ms, self._ports.clock.monotonic_ms()
        return since_ms is not None and now_ms - since_ms < login_limits.INSTALLER_MS

    def before(
        self, reader: str, door: str | None, feedback: Feedback, scanned: Callable[[Scan], None]
    ) -> Callable[[Scan], None]:
        """Return what a reader reports to; what is for no login goes on to `scanned`.

        `door` None: the reader is at none, and nobody logs in there.
        """
        if door is None:
            return scanned
        self._feedbacks[reader], self._doors[reader] = feedback, door
        return partial(self._see, reader, scanned)

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Begin a login, look how far it is, or come in by it.

        Raises:
            ControlRefused: It is no order.
            NotFound: There is no such reader, or no staff code is taken there.
            StoreFailed: It could not be recorded; nobody comes in.
        """
        order = understood(_ORDER, said["order"])
        match order:
            case _Begin():
                return self._begin(order)
            case _Ticket(do="look"):
                _, found = self._find(order.ticket)
                return {"result": Phase.OVER if found is None else found.login.phase}
            case _Ticket():
                return await self._enter(order.ticket)

    def _begin(self, order: _Begin) -> Mapping[str, object]:
        if order.reader not in self._feedbacks or self._terms(order.reader) is None:
            raise NotFound(f"reader {order.reader}: no way in takes staff codes there")
        if self._at(order.reader) is not None:
            return {"result": "BUSY"}
        now_ms = self._ports.clock.monotonic_ms()
        ticket, digits = secrets.token_urlsafe(32), f"{secrets.randbelow(10_000):04}"
        told = Told(self._ports.new_id(), order.reader, order.origin)
        waiting = _Waiting(told, login.begin(now_ms), ticket, digits)
        self._waiting[order.reader] = waiting
        return {"result": "OK", "ticket": ticket, "digits": digits}

    async def _enter(self, ticket: str) -> Mapping[str, object]:
        reader, found = self._find(ticket)
        granted = None if found is None else found.login.granted
        if found is None or granted is None or found.login.phase is not Phase.CONFIRMED:
            return {"result": Phase.OVER if found is None else found.login.phase}
        del self._waiting[reader]  # before anything is waited for: once
        who, role, stamp = granted.staff, granted.role, self._ports.stamp()
        body = login.record(stamp, found.told, who, role, Phase.CONFIRMED.value)
        await self._commit(lambda ledger: ledger.append(body))
        if role is StaffRole.INSTALL:
            self._installer_ms = self._ports.clock.monotonic_ms()
        log.info("console_login_by_code", device=reader, staff=granted.staff, role=granted.role)
        return {"result": Phase.CONFIRMED, "staff": granted.staff, "role": granted.role}

    def _find(self, ticket: str) -> tuple[str, _Waiting | None]:
        for reader in list(self._waiting):
            found = self._at(reader)
            if found and hmac.compare_digest(found.ticket.encode(), ticket.encode()):
                return reader, found
        return "", None

    def _at(self, reader: str) -> _Waiting | None:
        """Return the login that waits at a reader now."""
        found = self._waiting.get(reader)
        if found is None:
            return None
        found.login = login.passed(found.login, self._ports.clock.monotonic_ms())
        if found.login.phase is Phase.OVER:
            del self._waiting[reader]
            return None
        return found

    def _terms(self, reader: str) -> tuple[Rules, Device] | None:
        """Give the rules and the reader by them, None: no way in takes a staff code there."""
        rules = self._ports.rules.rules
        device = None if rules is None else rules.devices.get(reader)
        if rules is None or device is None or CodeKind.T1 not in device.codes:
            return None
        asks = device.side is Side.IN and device.mode is not Mode.RECORD_ONLY
        return (rules, device) if asks and device.enabled else None

    def _see(self, reader: str, scanned: Callable[[Scan], None], scan: Scan) -> None:
        found = self._at(reader) if reader in self._waiting else None
        if found is None or not self._takes(reader, found, scan.text):
            scanned(scan)

    def _takes(self, reader: str, found: _Waiting, text: bytes) -> bool:
        """Tell whether what was read is for the login that waits there."""
        digits = found.digits.encode()
        if text in {digits, SHOWN_PREFIX.encode() + digits}:
            self._step(reader, found, Keyed())
            return True
        if found.text is not None:
            return found.text == self._ports.digest(text)  # it is held up still
        if found.login.phase is not Phase.ARMED:
            return False
        code = self._read(reader, text)
        if not isinstance(code, claims.StaffCode):
            return False
        found.text = self._ports.digest(text)
        return self._codes.offer(_Code(reader, found, code))

    def _read(self, reader: str, text: bytes) -> object:
        terms = self._terms(reader)
        if terms is None:
            return None
        rules, _ = terms
        only = frozenset({CodeKind.T1})
        return read.read(text, accepted=only, tenant=rules.tenant, keys=rules.keys)

    async def run(self) -> None:
        """Judge the codes that are shown for logins, for ever."""
        while True:
            shown = await self._codes.take()
            try:
                await self._judge(shown)
            except Exception:  # whatever is wrong with us must read as no, and stop nobody else
                log.exception("login_failed", device=shown.reader)
                self._refuse(shown.reader, shown.waiting, Reason.INTERNAL_ERROR)

    async def _judge(self, shown: _Code) -> None:
        reader, found, terms = shown.reader, shown.waiting, self._terms(shown.reader)
        if terms is None:
            self._refuse(reader, found, Reason.DEVICE_DISABLED)
            return
        rules, device = terms
        now, began_ms = self._ports.clock.now(), self._ports.clock.monotonic_ms()
        arrival = Arrival(found.told.event_id, rules, device, shown.code, now, began_ms)
        use = arrival.use
        if use is not None and self._ports.uses.knows(use):
            arrival = replace(arrival, spent=True)
        worth = await self._worth(arrival, found)
        if isinstance(worth, Reason):
            self._refuse(reader, found, worth)
            return
        if use is not None:
            self._ports.uses.add(use, found.told.event_id)
        self._step(reader, found, Proven(worth))

    async def _worth(self, arrival: Arrival, found: _Waiting) -> Granted | Reason:
        """Judge, use the code up and record it, in one transaction."""
        asked = scene.request(arrival, None)
        handle = "" if arrival.handle is None else arrival.handle.hex()
        who = handle if asked.who is None else asked.who.id

        def write(ledger: Ledger) -> Granted | Reason:
            worth = login.judge(scene.known(arrival, None, ledger))
            if isinstance(worth, Reason):
                ledger.append(login.record(arrival.stamp, found.told, who, None, worth.value))
                return worth
            scene.spend(arrival, ledger)
            ledger.append(login.record(arrival.stamp, found.told, who, worth, Phase.SHOWN.value))
            return Granted(who, worth)

        try:
            return await self._commit(write)
        except StoreFailed as failed:
            log.error("login_not_recorded", device=arrival.device.id, problem=repr(failed))
            return Reason.RECORD_FAILED

    async def _commit(self, write: Callable[[Ledger], T]) -> T:
        """Have it on the disk in time. Raises StoreFailed."""
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                return await self._ports.journal.commit(write)
        except TimeoutError:
            raise StoreFailed(FailKind.BUSY, "the disk did not take the login in time") from None

    def _step(self, reader: str, found: _Waiting, event: login.Event) -> None:
        """Go on, and say at the reader what is to be done next."""
        before, now_ms = found.login.phase, self._ports.clock.monotonic_ms()
        found.login = login.step(found.login, event, now_ms)
        phase = found.login.phase
        if phase in LOGIN_TEXTS and phase is not before:
            lines = tuple(LOGIN_TEXTS[phase][language] for language in self._ports.languages)
            cue = Cue.NOTICE if phase is Phase.CONFIRMED else Cue.SHOW_CODE
            self._tell(reader, phase.value, replace(translate.SHOWN[cue], lines=lines))

    def _refuse(self, reader: str, found: _Waiting, reason: Reason) -> None:
        """End a login; its code stays used up if it was."""
        if self._waiting.get(reader) is found:
            del self._waiting[reader]
        self._tell(reader, reason.value, translate.signal(reason, self._ports.languages))

    def _tell(self, reader: str, result: str, signal: Signal) -> None:
        self._feedbacks[reader].show(signal)
        self._ports.witness.publish(
            {
                "event": "login",
                "device": reader,
                "door": self._doors[reader],
                "side": Side.IN.value,
                "result": result,
                "lines": signal.lines,
            }
        )
