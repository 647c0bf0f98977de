"""What was used up over all stores: a numbered stream of entries and withdrawals.

Both sets only grow; a usage key is there while one of its events is not withdrawn.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hil.cloud import limits, store
from hil.cloud.lessons import Used, Withdrawn
from hil.cloud.spelling import instant
from hil.cloud.tables import usage

STREAM = "usage"


def learn(db: Connection, news: Sequence[Used | Withdrawn]) -> None:
    """Number what is new of it. An event that was heard of under another epoch is not new."""
    if not news:
        return
    last = store.number(db, STREAM, len(news))
    first = last - len(news) + 1
    store.add(db, usage, [_row(each, place) for place, each in enumerate(news, first)])


def newest(db: Connection) -> int:
    """Return the newest position of the stream."""
    return store.drawn(db, STREAM)


def messages(
    db: Connection, tenant: str, device: str, position: int, at: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the payloads that take a device from `position` to the newest there is."""
    end = newest(db)
    while position < end:
        wanted = select(usage).where(usage.c.position > position).order_by(usage.c.position)
        rows = db.execute(wanted.limit(limits.USAGE_ENTRIES + 1)).all()
        some, more = rows[: limits.USAGE_ENTRIES], len(rows) > limits.USAGE_ENTRIES
        to = some[-1].position if more else end
        yield {
            "v": 1,
            "tenant": tenant,
            "device": device,
            "from": position,
            "to": to,
            "as_of": instant(at),
            "more": more,
            "add": [_entry(row) for row in some if not row.withdrawn],
            "withdraw": [row.event for row in some if row.withdrawn],
        }
        position = to


def add_by_hand(db: Connection, owner: str, day: str, band: str, store_id: str) -> str:
    """Note an entry that no door saw; return its event, by which it can be withdrawn."""
    event = str(uuid.uuid4())
    learn(db, [Used(owner, day, band, store_id, event)])
    return event


def withdraw(db: Connection, event: str) -> bool:
    """Take an event back; False if no entry names it."""
    known = select(usage.c.event).where(usage.c.event == event, usage.c.withdrawn.is_(False))
    if db.execute(known.limit(1)).first() is None:
        return False
    learn(db, [Withdrawn(event)])
    return True


def counts(db: Connection, month: str) -> Mapping[tuple[str, str], int]:
    """Count the usage keys of a month (`YYYY-MM`) by owner and band."""
    gone = select(usage.c.event).where(usage.c.withdrawn.is_(True))
    keys = (
        select(usage.c.owner, usage.c.band, usage.c.day, usage.c.store)
        .where(usage.c.withdrawn.is_(False), usage.c.event.not_in(gone))
        .where(usage.c.day.startswith(f"{month}-", autoescape=True))
        .distinct()
        .subquery()
    )
    totals = select(keys.c.owner, keys.c.band, func.count()).group_by(keys.c.owner, keys.c.band)
    return {(owner, band): count for owner, band, count in db.execute(totals)}


def over_limit(
    used: Mapping[tuple[str, str], int], document: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """List the contracts that a month's counts are above the limit of (spec/rules.md 3.8)."""
    found = []
    for member, record in sorted(document.get("members", {}).items()):
        for contract in record.get("contracts", []):
            plan = document.get("plans", {}).get(contract.get("plan"), {})
            for band in plan.get("bands", []):
                limit = band.get("limit")
                count = used.get((contract["id"], band["kind"]), 0)
                if limit is not None and count > limit:
                    row = {"member": member, "contract": contract["id"], "band": band["kind"]}
                    figures = {"count": count, "limit": limit, "excess": count - limit}
                    found.append({**row, **figures})
    return found


def _row(each: Used | Withdrawn, position: int) -> store.Row:
    row = {"position": position, "event": each.event}
    if isinstance(each, Withdrawn):
        return {**row, "withdrawn": True, "owner": "", "day": "", "band": "", "store": ""}
    key = {"owner": each.owner, "day": each.day, "band": each.band, "store": each.store}
    return {**row, "withdrawn": False, **key}


def _entry(row: Row[Any]) -> list[str]:
    return [row.owner, row.day, row.band, row.store, row.event]
