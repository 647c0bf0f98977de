"""From bytes of the broker to what the cloud said, or why it is not. Pure.

The order is the contract's: size, envelope, who may sign this type, signature, and only then the
payload, its tenant and its device.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from cloud_link.envelope import Envelope, open_envelope
from cloud_link.shapes import Malformed, read
from cloud_link.trust import ROLES, Trusted
from cloud_link.wire import Checkpoint, Command, Manifest, Pulse, Renewed, Restore, Usage

Said: TypeAlias = Pulse | Manifest | Checkpoint | Usage | Restore | Command | Renewed
"""What comes down and is verified; `trust` has rules of its own (trust.py)."""

SHAPES: Final[Mapping[str, type[Said]]] = {
    "pulse": Pulse,
    "manifest": Manifest,
    "checkpoint": Checkpoint,
    "usage": Usage,
    "restore": Restore,
    "command": Command,
    "renewed": Renewed,
}


class Why(StrEnum):
    """Why something that came does not count. A closed list: it is counted and recorded."""

    RETAINED = "RETAINED"
    TOPIC = "TOPIC"
    MALFORMED = "MALFORMED"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    SIGNATURE = "SIGNATURE"
    ADDRESSEE = "ADDRESSEE"
    TRUST = "TRUST"
    NOT_ASKED = "NOT_ASKED"
    CONFLICT = "CONFLICT"
    OVERFLOW = "OVERFLOW"


class Unproven(ValueError):
    """What came is not the cloud's word to this device; `why` is for the record."""

    def __init__(self, why: Why, text: str = "") -> None:
        super().__init__(text or why.value)
        self.why = why


def opened(data: bytes) -> Envelope:
    """Read an envelope of a type that comes down; nothing is verified yet. Raises Unproven."""
    try:
        envelope = open_envelope(data)
    except Malformed as error:
        raise Unproven(Why.MALFORMED, str(error)) from None
    if envelope.kind != "trust" and envelope.kind not in SHAPES:
        raise Unproven(Why.UNKNOWN_TYPE)
    return envelope


def verify(envelope: Envelope, trusted: Trusted, device: str, earliest: datetime) -> Said:
    """Return what the cloud said to this device.

    `earliest`: the device's earliest time, beyond which a key's `until` ends it. Raises Unproven.
    """
    kind = envelope.kind
    if kind not in SHAPES:
        raise Unproven(Why.UNKNOWN_TYPE)
    if not envelope.signers(trusted.speakers(ROLES[kind], earliest)):
        raise Unproven(Why.SIGNATURE)
    try:
        said = read(SHAPES[kind], envelope.payload)
    except Malformed as error:
        raise Unproven(Why.MALFORMED, str(error)) from None
    if (said.tenant, said.device) != (trusted.document.tenant, device):
        raise Unproven(Why.ADDRESSEE)
    return said
