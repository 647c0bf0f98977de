"""Reading in the archive what the records teach, once each, after they were acknowledged.

How far each epoch was read is kept with its head, in the transaction that keeps what was learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hil.cloud import archive, batches, devices, limits, occupancy, usage
from hil.cloud.lessons import (
    LockerHeld,
    LockerMoved,
    LockerStands,
    Refused,
    SeatHeld,
    Used,
    Withdrawn,
    lessons,
)
from hil.cloud.spelling import Rejected


@dataclass(frozen=True, slots=True)
class Studied:
    """What was refused at doors, and whether the epoch was read to its end."""

    refusals: Sequence[Refused]
    done: bool


def study(db: Connection, device: str, epoch: str, at: datetime) -> Studied:
    """Read on in an epoch, at most `limits.STUDY_STRETCHES` stretches of it."""
    newest = archive.newest_head(db, device, epoch, lock=True)
    if newest is None or newest["learned"] >= newest["seq"]:
        return Studied((), done=True)
    used: list[Used | Withdrawn] = []
    held: list[LockerHeld | LockerStands | LockerMoved | SeatHeld] = []
    refusals: list[Refused] = []
    seq = newest["learned"]
    for place, data in archive.records(db, device, epoch, seq, limits.STUDY_STRETCHES):
        seq = place
        try:
            found = list(lessons(batches.body_of(data)))
        except Rejected as error:
            detail = f"epoch {epoch}, record {seq}: {error}"
            devices.raise_alarm(db, device, devices.ODD_RECORD, detail, at)
            continue
        for lesson in found:
            match lesson:
                case Used() | Withdrawn():
                    used.append(lesson)
                case Refused():
                    refusals.append(lesson)
                case _:
                    held.append(lesson)
    usage.learn(db, used)
    occupancy.learn(db, device, held)
    archive.learned(db, device, epoch, seq)
    return Studied(refusals, done=seq >= newest["seq"])


def study_all(db: Connection, device: str, at: datetime) -> None:
    """Read everything of a device: it wants to know what its journal has lost."""
    for newest in archive.heads(db, device):
        while not study(db, device, newest["epoch"], at).done:
            pass
