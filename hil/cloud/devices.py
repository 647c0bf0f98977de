"""The devices of the tenant, what they last said of themselves, and who is absent.

What a device signed can be sent again by whoever stands between: a report counts by its boot,
session and number, never by when it came, and each counts once. Which of two starts came later
nothing tells: one of the earlier that is overtaken on its way counts until the next report.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update

from hil.cloud import dsse, limits, store
from hil.cloud.payloads import Report, State
from hil.cloud.spelling import Rejected, instant, is_name
from hil.cloud.tables import alarm, device, presence, start

FORK = "FORK"
UNKNOWN_BEFORE = "UNKNOWN_BEFORE"
ABSENT = "ABSENT"
ODD_RECORD = "ODD_RECORD"

_KEY: Final = select(device.c.key).where(  # made once: it is asked for every message
    device.c.name == bindparam("of_device"), device.c.enabled.is_(True)
)


def add(db: Connection, name: str, key: bytes, at: datetime) -> None:
    """Enter a device with the public key that it signs with, or give it another key.

    Raises:
        ValueError: The name or the key can't be a device's.
    """
    if not is_name(name):
        raise ValueError(f"device: {name!r} is no name")
    if not dsse.is_key(key):
        raise ValueError("key: not an Ed25519 public key")
    known = update(device).where(device.c.name == name).values(key=key, enabled=True)
    if db.execute(known).rowcount == 0:
        row = {"name": name, "key": key, "enabled": True, "added_at": instant(at)}
        db.execute(device.insert().values(row))


def disable(db: Connection, name: str) -> None:
    """Believe a device no more; what it said stays.

    Raises:
        ValueError: There is none of this name.
    """
    if db.execute(update(device).where(device.c.name == name).values(enabled=False)).rowcount == 0:
        raise ValueError(f"device: there is no {name!r}")


def key_of(db: Connection, name: str) -> bytes:
    """Return the key of an enabled device.

    Raises:
        Rejected: There is none of this name.
    """
    key = db.execute(_KEY, {"of_device": name}).scalar()
    if key is None:
        raise Rejected("unknown device")
    return bytes(key)


def reported(db: Connection, report: Report, at: datetime) -> bool:
    """Keep a report if it is news; say whether it was."""
    last, link = said_last(db, report.device, lock=True), "up"
    if last is not None and last["boot"] == report.boot:
        if (report.session, report.n) <= (last["session"], last["n"]):
            return False
        link = last["link"] if report.session == last["session"] else "up"
    begun = start.c.device == report.device, start.c.boot == report.boot
    counted = db.execute(select(start.c.session, start.c.n).where(*begun)).first()
    if counted is not None and (report.session, report.n) <= tuple(counted):
        return False
    place = {"boot": report.boot, "session": report.session, "n": report.n}
    store.put(db, start, {"device": report.device, **place})
    what = {"usage": report.usage.position, "report": json.dumps(report.model_dump())}
    how = {"seen_at": instant(at), "link": link, "epoch": report.epoch}
    store.put(db, presence, {"device": report.device, **how, **place, **what})
    return True


def stated(db: Connection, state: State, at: datetime) -> bool:
    """Keep a state if it is news about the boot that last reported; say whether it was."""
    last = said_last(db, state.device, lock=True)
    if last is None or last["boot"] != state.boot or last["session"] > state.session:
        return False
    if last["session"] == state.session and (last["link"] != "up" or state.link == "up"):
        return False
    n = last["n"] if last["session"] == state.session else 0
    what = {"session": state.session, "n": n, "link": state.link, "seen_at": instant(at)}
    db.execute(update(presence).where(presence.c.device == state.device).values(**what))
    return True


def said_last(db: Connection, name: str, *, lock: bool = False) -> RowMapping | None:
    """Return what a device last said of itself; `lock`: nobody changes it meanwhile."""
    wanted = select(presence).where(presence.c.device == name)
    return db.execute(wanted.with_for_update() if lock else wanted).mappings().one_or_none()


def listed(db: Connection, at: datetime) -> list[dict[str, Any]]:
    """Return every device with what it said last, its alarms, and whether it is absent."""
    silent = instant(at - timedelta(seconds=limits.ABSENT_S))
    wanted = select(device, presence).join(
        presence, presence.c.device == device.c.name, isouter=True
    )
    rows = []
    for row in db.execute(wanted.order_by(device.c.name)).mappings():
        report = json.loads(row["report"]) if row["report"] else None
        absent = row["link"] != "up" or row["seen_at"] < silent
        ours = [ABSENT] if absent and row["enabled"] else []
        ours += [each["name"] for each in alarms(db, row["name"])]
        who = {"device": row["name"], "enabled": row["enabled"], "key": row["key"].hex()}
        seen = {"link": row["link"], "seen_at": row["seen_at"], "alarms": ours}
        rows.append({**who, **seen, "report": report})
    return rows


def alarms(db: Connection, name: str) -> Sequence[RowMapping]:
    """Return what somebody has to look at."""
    return db.execute(select(alarm).where(alarm.c.device == name)).mappings().all()


def raise_alarm(db: Connection, name: str, what: str, detail: str, at: datetime) -> None:
    """Note that somebody has to look at a device; once for each detail."""
    row = {"device": name, "name": what, "detail": detail[:256], "since": instant(at)}
    store.add(db, alarm, [row])


def clear_alarms(db: Connection, name: str) -> int:
    """Forget a device's alarms: somebody has looked. Return how many there were."""
    return db.execute(delete(alarm).where(alarm.c.device == name)).rowcount
