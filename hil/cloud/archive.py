"""The cloud's copy of every device's audit: each record of an epoch once, and cosigned once.

An epoch is kept as stretches of records that follow each other without a hole or an overlap: who
adds to it holds its head. So each (device, epoch, seq) is there once, and a drain costs one row a
batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, bindparam, select, update

from hil.cloud import batches, dsse
from hil.cloud.batches import Batch, Record, read_record
from hil.cloud.spelling import Rejected, instant
from hil.cloud.tables import audit, head

# Made once: to make a statement costs more than to carry it out, and a drain is many batches.
_THIS: Final = (head.c.device == bindparam("of_device"), head.c.epoch == bindparam("of_epoch"))
_HEAD: Final = select(head).where(*_THIS)
_HEAD_LOCKED: Final = _HEAD.with_for_update()
_CHANGE: Final = update(head).where(*_THIS)
_CHANGE_END: Final = _CHANGE.values(
    {name: bindparam(name) for name in ("seq", "hash", "ack", "at")}
)
_LEARNED: Final = _CHANGE.values(learned=bindparam("learned"))
_ADD: Final = audit.insert()


class Misfit(Enum):
    """Why a batch can't be added to what there is."""

    HOLE = auto()
    """Something is missing before it."""
    FORK = auto()
    """It contradicts what was cosigned: a clone, or a disk that was rolled back."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch is in the archive, and `ack` answers it. `fresh`: how many records were new."""

    ack: bytes
    fresh: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a copy is not as it was written, and what is wrong there."""

    seq: int
    why: str


def take(
    db: Connection,
    batch: Batch,
    newest: RowMapping | None,
    key: Ed25519PrivateKey,
    at: datetime,
) -> Taken | Misfit:
    """Add a batch to the device's copy and cosign its end; the caller commits before it answers.

    `newest`: the epoch's newest head, locked in this transaction. An epoch's first batch may begin
    anywhere; whether to wait for an earlier one is the caller's business.

    Raises:
        sqlalchemy.exc.IntegrityError: Another worker has just begun this epoch.
    """
    point = batch.checkpoint
    if newest is None:
        ack = dsse.seal("checkpoint", batch.payload, key)
        place = {"device": point.device, "epoch": point.epoch, "first": batch.records[0].seq}
        db.execute(head.insert().values({**place, "learned": 0, **_end(batch, ack, at)}))
        _keep(db, batch, batch.records)
        return Taken(ack, len(batch.records))
    fresh = [record for record in batch.records if record.seq > newest["seq"]]
    if not _agrees(db, batch, newest):
        return Misfit.FORK
    if fresh and fresh[0].seq > newest["seq"] + 1:
        return Misfit.HOLE
    if fresh and not fresh[0].follows(newest["seq"], newest["hash"]):
        return Misfit.FORK
    ack = dsse.seal("checkpoint", batch.payload, key)
    if fresh:
        _keep(db, batch, fresh)
        db.execute(_CHANGE_END, {**_of(point.device, point.epoch), **_end(batch, ack, at)})
    return Taken(ack, len(fresh))


def newest_head(
    db: Connection, device: str, epoch: str, *, lock: bool = False
) -> RowMapping | None:
    """Return the newest cosigned record of an epoch; `lock`: nobody adds to it meanwhile."""
    wanted = _HEAD_LOCKED if lock else _HEAD
    return db.execute(wanted, _of(device, epoch)).mappings().one_or_none()


def heads(db: Connection, device: str | None = None) -> Sequence[RowMapping]:
    """Return every epoch's newest head, of one device or of all, the oldest first."""
    wanted = select(head).order_by(head.c.device, head.c.at, head.c.epoch)
    if device is not None:
        wanted = wanted.where(head.c.device == device)
    return db.execute(wanted).mappings().all()


def unlearned(db: Connection) -> list[tuple[str, str]]:
    """Return the device and epoch of every copy that the cloud has not read to its end."""
    wanted = select(head.c.device, head.c.epoch).where(head.c.learned < head.c.seq)
    return [(device, epoch) for device, epoch in db.execute(wanted)]


def learned(db: Connection, device: str, epoch: str, seq: int) -> None:
    """Note how far a copy was read."""
    db.execute(_LEARNED, {**_of(device, epoch), "learned": seq})


def records(
    db: Connection, device: str, epoch: str, after: int = 0, stretches: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield the number and bytes of the records behind `after`, from so many stretches.

    Raises:
        Rejected: A stretch is damaged.
    """
    wanted = select(audit.c.first, audit.c.known, audit.c.frame).where(
        audit.c.device == device, audit.c.epoch == epoch, audit.c.last > after
    )
    for first, known, frame in db.execute(wanted.order_by(audit.c.first).limit(stretches)):
        for seq, data in enumerate(batches.lines_of(frame)[1 + known :], first):
            if seq > after:
                yield seq, data


def verify(db: Connection, newest: RowMapping) -> Broken | None:
    """Walk one epoch's copy from its first record to its cosigned head."""
    seq, before = newest["first"] - 1, batches.GENESIS if newest["first"] == 1 else None
    try:
        for _, data in records(db, newest["device"], newest["epoch"]):
            record = read_record(data)
            if record.seq != seq + 1:
                return Broken(seq + 1, f"record {seq + 1} is missing")
            seq += 1
            batches.body_of(data)
            if before is not None and not record.follows(seq - 1, before):
                return Broken(seq, "the record does not follow the one before")
            before = record.hash
    except Rejected as error:
        return Broken(seq + 1, str(error))
    if (seq, before) != (newest["seq"], newest["hash"]):
        return Broken(seq, "the copy does not end at the cosigned head")
    return None


def _agrees(db: Connection, batch: Batch, newest: RowMapping) -> bool:
    """Whether what overlaps is the same. What begins before all that is known can't be told."""
    first = batch.records[0].seq
    if first > newest["seq"]:
        return True
    if first < newest["first"]:
        return False
    kept = records(db, batch.checkpoint.device, batch.checkpoint.epoch, first - 1)
    return all(record.data == data for record, (_, data) in zip(batch.records, kept, strict=False))


def _keep(db: Connection, batch: Batch, fresh: Sequence[Record]) -> None:
    place = {"device": batch.checkpoint.device, "epoch": batch.checkpoint.epoch}
    ends = {"first": fresh[0].seq, "last": fresh[-1].seq, "frame": batch.frame}
    known = len(batch.records) - len(fresh)
    db.execute(_ADD, {**place, **ends, "known": known})


def _end(batch: Batch, ack: bytes, at: datetime) -> dict[str, object]:
    last = batch.records[-1]
    return {"seq": last.seq, "hash": last.hash, "ack": ack, "at": instant(at)}


def _of(device: str, epoch: str) -> dict[str, str]:
    return {"of_device": device, "of_epoch": epoch}
