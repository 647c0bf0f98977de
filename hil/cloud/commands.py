"""Commands to devices: signed, dated, kept with their results."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, select, update

from hil.cloud import dsse, limits
from hil.cloud.payloads import Result
from hil.cloud.spelling import canonical, instant
from hil.cloud.tables import command

VERBS: Final[Mapping[str, frozenset[str]]] = {
    "door_open": frozenset({"door"}),
    "locker_open": frozenset({"locker", "occupancy"}),
    "locker_end": frozenset({"locker", "occupancy"}),
    "lockdown": frozenset({"on"}),
    "passback_clear": frozenset({"member", "store"}),
    "fire_reset": frozenset(),
    "reload": frozenset(),
    "diagnostics": frozenset(),
}
"""Every verb and the words that it may be said with."""

RELEASES: Final = frozenset({"door_open", "locker_open", "locker_end", "fire_reset"})
"""What moves something: it is worth seconds, and never sent twice by us."""


def issue(
    db: Connection,
    device: tuple[str, str],
    order: tuple[str, Mapping[str, Any]],
    by: str,
    key: Ed25519PrivateKey,
    at: datetime,
) -> str:
    """Sign a command and keep it for a worker to send; return its id.

    `device`: tenant and name; `order`: the verb and its args.

    Raises:
        ValueError: The verb or an argument is unknown.
    """
    tenant, name = device
    verb, args = order
    _check(verb, args)
    number, release = str(uuid.uuid4()), verb in RELEASES
    life = timedelta(seconds=limits.RELEASE_S) if release else timedelta(days=limits.COMMAND_DAYS)
    dates = {"issued_at": instant(at), "expires_at": instant(at + life)}
    payload = {"v": 1, "tenant": tenant, "device": name, "id": number, "verb": verb}
    payload |= {"args": dict(args), "by": by, "nonce": None, **dates}
    envelope = dsse.seal("command", canonical(payload), key)
    row = {"id": number, "device": name, "verb": verb, "release": release, "by": by}
    db.execute(command.insert().values({**row, **dates, "envelope": envelope, "sent": False}))
    return number


def unsent(db: Connection, at: datetime) -> Sequence[RowMapping]:
    """Return the commands that nobody has sent and that are still worth something."""
    wanted = select(command.c.id, command.c.device, command.c.envelope)
    alive = (command.c.sent.is_(False), command.c.expires_at > instant(at))
    return db.execute(wanted.where(*alive)).mappings().all()


def mark_sent(db: Connection, ids: Sequence[str]) -> None:
    """Note that they were sent."""
    if ids:
        db.execute(update(command).where(command.c.id.in_(ids)).values(sent=True))


def unanswered(db: Connection, device: str, at: datetime) -> list[bytes]:
    """Return what a device was told and has not answered; a release only counts at once."""
    wanted = select(command.c.envelope).where(
        command.c.device == device,
        command.c.sent.is_(True),
        command.c.release.is_(False),
        command.c.result.is_(None),
        command.c.expires_at > instant(at),
    )
    return list(db.execute(wanted.order_by(command.c.issued_at)).scalars())


def settle(db: Connection, result: Result) -> None:
    """Keep a device's first answer to a command of its own."""
    first = (command.c.id == result.id, command.c.result.is_(None))
    answer = {"result": result.result, "answer": json.dumps(result.model_dump())}
    db.execute(update(command).where(*first, command.c.device == result.device).values(**answer))


def found(db: Connection, number: str) -> RowMapping | None:
    """Return a command by its id."""
    return db.execute(select(command).where(command.c.id == number)).mappings().one_or_none()


def _check(verb: str, args: Mapping[str, Any]) -> None:
    if verb not in VERBS:
        raise ValueError(f"verb: unknown: {verb!r}; one of {', '.join(sorted(VERBS))}")
    for word in args:
        if word not in VERBS[verb]:
            raise ValueError(f"args: {verb} has no {word!r}")
