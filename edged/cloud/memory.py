"""What other stores used, and what a new journal is told of its past."""

from collections.abc import Callable, Iterator
from datetime import date, datetime

import structlog

from cloud_link.wire import LockerHeld, Restore, SeatHeld, Usage
from edged.cloud.outbox import JournalOutbox
from edged.core import events
from edged.core.seating import SeatChange
from edged.ports import Ports
from edged.store.ledger import Ledger
from policy.locker_model import Locker, LockerState, Occupancy
from policy.model import UsageKey
from policy.seats import Io

log = structlog.get_logger()


class Memory:
    """The journal as the cloud fills it in.

    Args:
        ports: The daemon's.
        outbox: The journal, for reading beside its writer.
        lockers: The ids of this device's lockers.
        on_lockers: Called when the journal has got lockers that it had never seen.
    """

    def __init__(
        self,
        ports: Ports,
        outbox: JournalOutbox,
        lockers: frozenset[str],
        on_lockers: Callable[[], None],
    ) -> None:
        self._ports = ports
        self._outbox = outbox
        self._lockers = lockers
        self._on_lockers = on_lockers

    async def usage(self, usage: Usage) -> int:
        """Merge a page that joins what is known, in one transaction with the position.

        An entry that can't be read counts for nobody: one of them must not hold up the others.
        """
        keys, bad = _keys(usage)
        if bad:
            log.error("usage_not_read", entries=bad, until=usage.to)

        def write(ledger: Ledger) -> int:
            position, as_of = _position(ledger)
            if usage.from_ > position or usage.to < position:
                return position
            for key, event in keys:
                ledger.add_key(key, event)
            for event in usage.withdraw:
                ledger.withdraw(event)
            known = as_of if usage.more else events.stamp_text(usage.as_of)
            ledger.put("usage", {"position": usage.to, "as_of": known})
            return usage.to

        return await self._ports.journal.commit(write)

    async def position(self) -> tuple[int, datetime | None]:
        """Return the position in the stream, and how old what is known is."""
        position, as_of = await self._outbox.read(lambda db: _position(Ledger(db)))
        return position, None if as_of is None else datetime.fromisoformat(as_of)

    async def restore(self, restore: Restore) -> None:
        """Fill in what this journal has never seen, with the record of it; once."""
        stamp = self._ports.stamp()
        lockers, seats = list(self._known(restore)), list(_seats(restore))

        def write(ledger: Ledger) -> bool:
            if ledger.get("fresh") is not True:
                return False
            seen = ledger.lockers()
            new = [locker for locker in lockers if locker.id not in seen]
            free = [one for one in seats if ledger.seat_change(one.store, one.seat) is None]
            for locker in new:
                ledger.put_locker(locker)
            for change in free:
                ledger.change_seat(change)
            told = {"lockers": len(new), "seats": len(free)}
            unknown = ["PINs of lockers", *restore.unknown]
            ledger.append(events.restored(stamp, restore.as_of, told, unknown))
            ledger.put("fresh", value=False)
            ledger.put("commands_since", events.stamp_text(restore.as_of))
            return True

        if await self._ports.journal.commit(write):
            self._on_lockers()

    def _known(self, restore: Restore) -> Iterator[Locker]:
        """Give the lockers of this device as the cloud last heard of them.

        PINs are not in the audit. A locker that was being released may have opened or not, so
        staff look inside first, as they do at one whose state we don't know.
        """
        for told in restore.lockers:
            if told.id in self._lockers:
                yield _locker(told)


def _position(ledger: Ledger) -> tuple[int, str | None]:
    match ledger.get("usage"):
        case {"position": int(position), "as_of": str(as_of)}:
            return position, as_of
        case {"position": int(position)}:
            return position, None
        case _:
            return 0, None


def _keys(usage: Usage) -> tuple[list[tuple[UsageKey, str]], int]:
    """Read the entries; return how many can't be read, too."""
    keys = []
    for owner, day, band, store, event in usage.add:
        try:
            keys.append((UsageKey(owner, band, date.fromisoformat(day), store or None), event))
        except ValueError:
            continue
    return keys, len(usage.add) - len(keys)


def _locker(told: LockerHeld) -> Locker:
    held = told.occupancy
    use = (
        None
        if held is None
        else Occupancy(held.id, held.member, held.start, held.end, held.product)
    )
    match told.state:
        case LockerState.FREE if use is None:
            return Locker(told.id, LockerState.FREE)
        case LockerState.IN_USE | LockerState.WAITING if use is not None:
            return Locker(told.id, LockerState(told.state), use)
        case _:
            return Locker(told.id, LockerState.OUT_OF_ORDER, use)


def _seats(restore: Restore) -> Iterator[SeatChange]:
    for told in restore.seats:
        yield _seat(told)


def _seat(told: SeatHeld) -> SeatChange:
    io = None if told.io == "FREE" else Io(told.io)
    return SeatChange(told.store, told.seat, told.member, told.product, io, told.since)
