"""Who holds which locker and seat, by the records: what a swapped device gets back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from hil.cloud import limits, store
from hil.cloud.lessons import LockerHeld, LockerMoved, LockerStands, SeatHeld
from hil.cloud.spelling import instant
from hil.cloud.tables import locker, seat

_EMPTY = {"occupancy": None, "member": None, "start": None, "end": None, "product": None}


def learn(
    db: Connection,
    device: str,
    news: Iterable[LockerHeld | LockerStands | LockerMoved | SeatHeld],
) -> None:
    """Follow what a device's records say, in their order."""
    for each in news:
        match each:
            case LockerHeld():
                _held(db, device, each)
            case LockerStands(name, state, after):
                found = _locker(db, device, name)
                if after is None or (found is not None and found["state"] == after):
                    _stands(db, device, name, state)
            case LockerMoved(source, target):
                if (found := _locker(db, device, source)) is not None:
                    store.put(db, locker, {**found, "locker": target, "state": "IN_USE"})
            case SeatHeld(where, name, member, product, io, since):
                place = {"device": device, "store": where, "seat": name}
                who = {"member": member, "product": product, "io": io, "since": since}
                store.put(db, seat, {**place, **who})


def restore(db: Connection, tenant: str, device: str, nonce: str, at: datetime) -> dict[str, Any]:
    """Say all that is known of a device's lockers and seats, and what is not."""
    lockers = db.execute(select(locker).where(locker.c.device == device)).mappings().all()
    taken = (seat.c.device == device, seat.c.io.is_not(None))
    seats = db.execute(select(seat).where(*taken)).mappings().all()
    rows = (("lockers", lockers), ("seats", seats))
    left = [f"{len(each) - limits.RESTORED} {what}" for what, each in rows]
    return {
        "v": 1,
        "tenant": tenant,
        "device": device,
        "nonce": nonce,
        "as_of": instant(at),
        "lockers": [_told(row) for row in lockers[: limits.RESTORED]],
        "seats": [
            {key: row[key] for key in ("store", "seat", "member", "product", "io", "since")}
            for row in seats[: limits.RESTORED]
        ],
        "unknown": [text for text in left if not text.startswith(("-", "0"))],
    }


def _stands(db: Connection, device: str, name: str, state: str) -> None:
    row = {"device": device, "locker": name, "state": state}
    store.put(db, locker, row if state != "FREE" else {**row, **_EMPTY})


def _held(db: Connection, device: str, held: LockerHeld) -> None:
    before = _locker(db, device, held.locker)
    same = before is not None and before["occupancy"] == held.occupancy
    if before is not None and same:  # who asks again does not begin again
        ends = (locker.c.device == device, locker.c.locker == held.locker)
        db.execute(update(locker).where(*ends).values(end=held.end))
        return
    row = {"device": device, "locker": held.locker, "state": "IN_USE", "end": held.end}
    who = {"occupancy": held.occupancy, "member": held.member}
    store.put(db, locker, {**row, **who, "start": held.start, "product": held.product})


def _locker(db: Connection, device: str, name: str) -> RowMapping | None:
    wanted = select(locker).where(locker.c.device == device, locker.c.locker == name)
    return db.execute(wanted).mappings().one_or_none()


def _told(row: RowMapping) -> dict[str, Any]:
    names = ("member", "start", "end", "product")
    held = {"id": row["occupancy"], **{name: row[name] for name in names}}
    occupancy = held if row["occupancy"] is not None else None
    return {"id": row["locker"], "state": row["state"], "occupancy": occupancy}
