"""The staff's side of the lockers: what the control socket can ask of them (spec/rules.md 4.1).

Each order carries an id of its own, so that a copy has no second effect, and the use of the
locker that it is about.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter

from edged import limits
from edged.asked import Asked, understood
from edged.control.client import ControlRefused
from edged.core.events import LockerCommand, stamp_text
from edged.errors import NotFound
from edged.exits import Exit
from edged.lockers.bank import Bank
from edged.lockers.order import Order
from edged.ports import Ports
from edged.rulebook.fields import Id
from edged.settings.model import Settings
from policy import locker_model as model
from policy.locker_model import Locker, Occupancy

_Pin: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
_When: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")]
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Order(Asked):
    """`until_ms`: when a release ends, by the monotonic clock; None: it waits as long as we do."""

    command: Id
    locker: Id
    until_ms: int | None = None


class _Assign(_Order):
    do: Literal["assign"]
    staff: Id
    occupancy: Id
    member: Id
    start: _When | None = None
    end: _When
    product: Id | None = None
    pin: _Pin | None = Field(default=None, repr=False)


class _Extend(_Order):
    do: Literal["extend"]
    staff: Id
    occupancy: Id
    end: _When


class _Move(_Order):
    do: Literal["move"]
    staff: Id
    occupancy: Id
    to: Id
    pin: _Pin | None = Field(default=None, repr=False)


class _ForceEnd(_Order):
    do: Literal["force_end"]
    staff: Id
    occupancy: Id
    from_afar: bool = False
    contents_checked: bool = False


class _Look(_Order):
    """Of a locker that nobody holds, `occupancy` is None."""

    do: Literal["staff_open", "confirm_empty", "set_aside"]
    staff: Id
    occupancy: Id | None


class _Own(_Order):
    do: Literal["open", "return"]
    occupancy: Id
    member: Id | None = None
    pin: _Pin | None = Field(default=None, repr=False)


class _ReleaseAll(BaseModel):
    model_config = _Order.model_config

    do: Literal["release_all"]
    command: Id
    bank: Id
    staff: Id


_OfOne: TypeAlias = _Assign | _Extend | _Move | _ForceEnd | _Look | _Own
_Said: TypeAlias = _OfOne | _ReleaseAll
_ORDER: Final[TypeAdapter[_Said]] = TypeAdapter(Annotated[_Said, Field(discriminator="do")])


class LockerDesk:
    """Takes orders for every bank of the house."""

    def __init__(self, settings: Settings, ports: Ports, banks: Mapping[str, Bank]) -> None:
        self._ports = ports
        self._banks = {locker: bank for bank in banks.values() for locker in bank.channels}
        self._stores = {name: bank.store for name, bank in settings.lockers.items()}
        pepper = settings.store_pepper
        self._pepper = None if pepper is None else pepper.get_secret_value().encode()

    async def show(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Give the next lockers after the id `after`, and whether there are more.

        Just after the start it waits for what the journal holds of them, but not for ever.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.LOCKERS_KNOWN_S):
                for bank in self._banks.values():
                    await bank.known.wait()
        names = sorted(name for name in self._banks if name > str(said["after"]))
        page = [self._line(name) for name in names[: limits.LOCKERS_SHOWN]]
        return {"lockers": page, "more": len(names) > len(page)}

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Carry out an order and give what came of it.

        Raises:
            ControlRefused: It is no order, or can't be understood without rules or a pepper.
            NotFound: There is no such locker.
            StoreFailed: Too many orders wait; nothing was done.
        """
        order = understood(_ORDER, said["order"])
        if isinstance(order, _ReleaseAll):
            return await self._release_all(order)
        bank = self._banks.get(order.locker)
        if bank is None:
            raise NotFound(f"locker {order.locker}: there is none of that id")
        by = (order.member or "pin") if isinstance(order, _Own) else order.staff
        command = LockerCommand(order.command, order.locker, order.do, by)
        to = order.to if isinstance(order, _Move) else None
        event = self._event(order, bank)
        done = await bank.order(Order(command, event, to, order.until_ms))
        return {
            "command": order.command,
            "result": done.result,
            "released": done.released,
            **_plain(done.locker),
        }

    async def _release_all(self, order: _ReleaseAll) -> Mapping[str, object]:
        bank = next((bank for bank in self._banks.values() if bank.name == order.bank), None)
        if bank is None:
            raise NotFound(f"bank {order.bank}: there is none of that name")
        command = LockerCommand(order.command, order.bank, order.do, order.staff)
        result = await bank.release_all(command)
        return {
            "command": order.command,
            "result": result,
            "released": None,
            "bank": bank.name,
            "lockers": len(bank.channels),
        }

    def _event(self, order: _OfOne, bank: Bank) -> model.Command | model.Move:
        match order:
            case _Assign():
                return model.Assign(order.command, self._occupancy(order, bank))
            case _Extend():
                return model.Extend(order.command, order.occupancy, self._instant(order.end, bank))
            case _Move():
                pin = self._pin_hash(order.occupancy, order.pin)
                return model.Move(order.command, order.occupancy, pin)
            case _ForceEnd():
                return model.ForceEnd(
                    order.command, order.occupancy, order.from_afar, order.contents_checked
                )
            case _Look():
                look = (order.command, order.staff, order.occupancy)
                match order.do:
                    case "staff_open":
                        return model.StaffOpen(*look)
                    case "confirm_empty":
                        return model.ConfirmEmpty(*look)
                    case "set_aside":
                        return model.SetAside(*look)
            case _Own():
                pin = self._pin_hash(order.occupancy, order.pin)
                claim = model.Claim(order.member, pin, order.occupancy)
                kind = model.Open if order.do == "open" else model.Return
                return kind(order.command, claim)

    def _occupancy(self, order: _Assign, bank: Bank) -> Occupancy:
        start = bank.now() if order.start is None else self._instant(order.start, bank)
        end = self._instant(order.end, bank)
        if end <= start:
            raise ControlRefused(Exit.USAGE, ["end: has to come after the start"])
        pin = self._pin_hash(order.occupancy, order.pin)
        return Occupancy(order.occupancy, order.member, start, end, order.product, pin)

    def _instant(self, text: str, bank: Bank) -> datetime:
        """Read a time, or a date, whose end is meant: midnight (spec/rules.md 6, row 29)."""
        rules, store = self._ports.rules.rules, self._stores[bank.name]
        if rules is None or store not in rules.stores:
            raise ControlRefused(Exit.RULES, [f"the rules have no store {store}"])
        tz = rules.stores[store].tz
        try:
            if _DATE.fullmatch(text):
                day = date.fromisoformat(text) + timedelta(days=1)
                return datetime.combine(day, time(), tz).astimezone(UTC)
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=tz)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ControlRefused(Exit.USAGE, [f"{text}: no date and no ISO 8601 time"]) from None

    def _pin_hash(self, occupancy: str, pin: str | None) -> bytes | None:
        """Hash a PIN for one use of a locker: equal PINs look different, and none can be read."""
        if pin is None:
            return None
        if self._pepper is None:
            raise ControlRefused(Exit.SETTINGS, ["pin: needs the secret store_pepper"])
        key = hmac.digest(self._pepper, b"edged/locker-pin", hashlib.sha256)
        return hmac.digest(key, f"{occupancy}/{pin}".encode(), hashlib.sha256)

    def _line(self, name: str) -> Mapping[str, object]:
        bank = self._banks[name]
        locker = bank.lockers.get(name)
        known = {"locker": name, "state": None} if locker is None else _plain(locker)
        seen = {"open": bank.stands_open(name), "new": name in bank.new}
        return {"bank": bank.name, "number": bank.channels[name], **known, **seen}


def _plain(locker: Locker) -> Mapping[str, object]:
    """Say how a locker is, plain JSON values only; a PIN is only said to be there."""
    held, release = locker.occupancy, locker.release
    return {
        "locker": locker.id,
        "state": locker.state.value,
        "releasing": None if release is None else release.progress.name,
        "occupancy": None if held is None else held.id,
        "member": None if held is None else held.member,
        "start": None if held is None else stamp_text(held.start),
        "end": None if held is None else stamp_text(held.end),
        "product": None if held is None else held.product,
        "pin": held is not None and held.pin_hash is not None,
    }
