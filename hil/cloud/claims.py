"""Claims: codes by which one device enters the tenant once (cloud_link/README.md, "Enrolment")."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, select, update

from hil.cloud import limits, store
from hil.cloud.payloads import Enrol
from hil.cloud.spelling import canonical, instant, is_name
from hil.cloud.tables import claim

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 4


class NotAdmitted(Exception):
    """A device is not admitted. The text is one of the contract's words."""


def give(db: Connection, device: str, serial: str, hours: int, at: datetime) -> str:
    """Make a claim for a device, in place of one before; return its code, which is not kept.

    Raises:
        ValueError: The name can't be a device's, or nobody may have it so long.
    """
    if not is_name(device):
        raise ValueError(f"device: {device!r} is no name")
    if not 1 <= hours <= limits.CLAIM_HOURS:
        raise ValueError(f"hours: must be 1..{limits.CLAIM_HOURS}, got {hours}")
    code = "".join(secrets.choice(ALPHABET) for _ in range(limits.CLAIM_CHARS))
    key = hashlib.sha256(b"edged claim\n" + code.encode()).digest()
    ends = instant(at + timedelta(hours=hours))
    row = {"device": device, "serial": serial, "key": key, "expires_at": ends, "request": None}
    store.put(db, claim, row)
    return "-".join(code[n : n + _GROUP] for n in range(0, len(code), _GROUP))


def of(db: Connection, device: str) -> RowMapping | None:
    """Return a device's claim, used up or not."""
    return db.execute(select(claim).where(claim.c.device == device)).mappings().one_or_none()


def proof(key: bytes, kind: str, payload: dict[str, object]) -> str:
    """Return the claim's word on a payload, whatever its own `proof` is."""
    said = kind.encode() + b"\n" + canonical({**payload, "proof": None})
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def use_up(db: Connection, enrol: Enrol, at: datetime) -> bytes:
    """Use a claim up for this request, which is new; return the claim's key.

    Raises:
        NotAdmitted: It proves none that counts.
    """
    row = of(db, enrol.device)
    if row is None:
        raise NotAdmitted("CLAIM_UNKNOWN")
    key = bytes(row["key"])
    proven = proof(key, "enrol", enrol.model_dump())
    if not hmac.compare_digest(proven, enrol.proof or "") or row["serial"] != enrol.serial:
        raise NotAdmitted("CLAIM_WRONG")
    if row["request"] is not None:
        raise NotAdmitted("CLAIM_USED")
    if row["expires_at"] <= instant(at):
        raise NotAdmitted("CLAIM_EXPIRED")
    used = update(claim).where(claim.c.device == enrol.device).values(request=enrol.request)
    db.execute(used)
    return key
