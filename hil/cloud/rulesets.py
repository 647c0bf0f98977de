"""Published rule sets, and which device is to have which.

A set goes to some devices first; then to everybody, or back. Back is the old content under a new
version, because versions only rise.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from hil.cloud import parts, store
from hil.cloud.parts import Cut
from hil.cloud.rulefiles import RulesFault
from hil.cloud.spelling import instant
from hil.cloud.tables import counter, device, part, presence, ruleset

VERSIONS = "rules"
EVERYBODY = "everybody"  # the version that devices without one of their own are to have
ROLLOUTS = "rollouts"  # counts changes of what devices are to have


def cut(document: Mapping[str, Any], vectors: list[Any]) -> Cut:
    """Cut a document for `publish`, which has no time for it: workers wait for its transaction.

    Raises:
        RulesFault: A part is too large.
    """
    try:
        return parts.cut(document, vectors)
    except ValueError as error:
        raise RulesFault(str(error)) from error


def publish(
    db: Connection, said: Cut, confirm_s: int, at: datetime, content_of: int | None = None
) -> int:
    """Keep a document under a new version, which nobody is to have yet; return it.

    Raises:
        RulesFault: Its base is too large.
    """
    version = store.number(db, VERSIONS)
    try:
        every, fingerprint = said.dated(version, instant(at))
    except ValueError as error:
        raise RulesFault(str(error)) from error
    rows = [{"sha256": each.sha256, "bytes": each.size, "frame": each.frame} for each in every]
    store.add(db, part, rows)
    what = {"fingerprint": fingerprint, "issued_at": instant(at)}
    told = json.dumps([each.told() for each in every])
    row = {"version": version, "confirm_s": confirm_s, "content_of": content_of, "parts": told}
    db.execute(ruleset.insert().values({**row, **what}))
    return version


def give(db: Connection, version: int, names: Sequence[str] | None) -> None:
    """Let these devices have a version; None: everybody, those with one of their own too.

    Raises:
        RulesFault: There is no such version or device.
    """
    found(db, version)
    store.number(db, ROLLOUTS)
    if names is None:
        store.put(db, counter, {"name": EVERYBODY, "value": version})
        db.execute(update(device).values(rules=None))
        return
    for name in names:
        own = update(device).where(device.c.name == name).values(rules=version)
        if db.execute(own).rowcount == 0:
            raise RulesFault(f"device: there is no {name!r}")


def content(db: Connection, version: int) -> tuple[dict[str, Any], list[Any]]:
    """Put a published document together again, with its vectors.

    Raises:
        RulesFault: There is no such version.
    """
    document: dict[str, Any] = {}
    vectors: list[Any] = []
    members: dict[str, Any] = {}
    for told in json.loads(found(db, version)["parts"]):
        frame = db.execute(select(part.c.frame).where(part.c.sha256 == told["sha256"])).scalar_one()
        value = json.loads(parts.unpack(frame))
        match told["name"]:
            case "base":
                document = value
            case "vectors":
                vectors = value
            case _:
                members |= value
    return {**document, "members": members}, vectors


def found(db: Connection, version: int) -> RowMapping:
    """Return a published set.

    Raises:
        RulesFault: There is no such version.
    """
    row = db.execute(select(ruleset).where(ruleset.c.version == version)).mappings().one_or_none()
    if row is None:
        raise RulesFault(f"version: there is no {version}")
    return row


def due(db: Connection, name: str) -> int:
    """Return the version that a device is to have; 0 if none."""
    own = db.execute(select(device.c.rules).where(device.c.name == name)).scalar()
    return int(own) if own is not None else everybodys(db)


def everybodys(db: Connection) -> int:
    """Return the version that devices without one of their own are to have; 0 if none."""
    return store.drawn(db, EVERYBODY)


def manifest(db: Connection, tenant: str, name: str, version: int) -> dict[str, Any]:
    """Make the payload of a version's manifest for one device.

    Raises:
        RulesFault: There is no such version.
    """
    row = found(db, version)
    return {
        "v": 1,
        "tenant": tenant,
        "device": name,
        "version": version,
        "fingerprint": row["fingerprint"],
        "issued_at": row["issued_at"],
        "confirm_s": row["confirm_s"],
        "parts": json.loads(row["parts"]),
    }


def status(db: Connection) -> list[dict[str, Any]]:
    """Say of every device which version it is to have, which it goes by, and what it refused."""
    wanted = select(device.c.name, device.c.rules, presence.c.report).join(
        presence, presence.c.device == device.c.name, isouter=True
    )
    rows = []
    for name, _, report in db.execute(wanted.order_by(device.c.name)):
        said = json.loads(report)["rules"] if report else {}
        has = {key: said.get(key) for key in ("version", "trial", "refused")}
        rows.append({"device": name, "due": due(db, name), **has})
    return rows
