"""The tenant's trust documents, in order: devices get all that they have not seen."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from hil.cloud import dsse
from hil.cloud.keys import Trust
from hil.cloud.spelling import parse
from hil.cloud.tables import trust


class NoTrust(Exception):
    """The cloud has no trust document: it was not made by `init`."""


def keep(db: Connection, document: Trust, envelope: bytes) -> None:
    """Add the next document."""
    db.execute(trust.insert().values(version=document.version, envelope=envelope))


def newest(db: Connection) -> Trust:
    """Return the newest document.

    Raises:
        NoTrust: There is none.
    """
    wanted = select(trust.c.envelope).order_by(trust.c.version.desc()).limit(1)
    envelope = db.execute(wanted).scalar()
    if envelope is None:
        raise NoTrust("no trust document: begin with `init`")
    return Trust.model_validate(parse(dsse.read(envelope).payload))


def version(db: Connection) -> int:
    """Return the version of the newest document; 0 if there is none."""
    return int(db.execute(select(func.max(trust.c.version))).scalar() or 0)


def after(db: Connection, known: int) -> Sequence[bytes]:
    """Return the envelopes of all newer documents, in order."""
    wanted = select(trust.c.envelope).where(trust.c.version > known)
    return db.execute(wanted.order_by(trust.c.version)).scalars().all()


def first(db: Connection) -> bytes:
    """Return the envelope of the first document, which is pinned on a device."""
    wanted = select(trust.c.envelope).order_by(trust.c.version).limit(1)
    return bytes(db.execute(wanted).scalar_one())
