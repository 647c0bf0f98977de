"""Every payload of the contract (README.md)."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from cloud_link import limits
from cloud_link.shapes import (
    Authority,
    Blob,
    Counting,
    Csr,
    Hash,
    Hex16,
    Hex32,
    Id,
    Instant,
    Key,
    Name,
    Number,
    Pem,
    Serial,
    Shape,
    Text,
)


class Payload(Shape):
    """What is signed, for one device or by it."""

    v: Annotated[int, Field(ge=1, le=1)] = 1
    tenant: Name
    device: Name


class Role(StrEnum):
    """What a key may sign. A key of one is worth nothing in another."""

    RULES = "rules"
    COMMANDS = "commands"
    ACKS = "acks"
    TIME = "time"


class TrustedKey(Shape):
    """A key, what it may sign, and until when it is used."""

    key: Key
    roles: Annotated[Sequence[Annotated[Role, Field(strict=False)]], Field(min_length=1)]
    until: Instant | None


class Trust(Shape):
    """Which keys speak for a tenant; root-signed (contract: trust).

    `authorities`: who may certify the broker, DER; none: whoever the installer named.
    """

    MAY_LACK = frozenset({"authorities"})

    v: Annotated[int, Field(ge=1, le=1)] = 1
    tenant: Name
    version: Counting
    issued_at: Instant
    threshold: Annotated[int, Field(ge=1, le=limits.ROOTS)]
    roots: Annotated[Sequence[Key], Field(min_length=1, max_length=limits.ROOTS)]
    keys: Annotated[Sequence[TrustedKey], Field(max_length=limits.KEYS)]
    authorities: Annotated[
        Sequence[Authority], Field(default_factory=list, max_length=limits.AUTHORITIES)
    ]


class State(Payload):
    """Whether a device's link is up; retained, and the will."""

    link: Literal["up", "gone", "stopped"]
    boot: Hex16
    session: Counting
    at: Instant


class RefusedRules(Shape):
    """A rule set that was refused, and why."""

    version: Number
    why: Text


class ReportedRules(Shape):
    """The rules that are active; version 0 and "" while there are none."""

    version: Number
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    trial: bool
    refused: Annotated[Sequence[RefusedRules], Field(max_length=limits.REFUSED)]


class ReportedUsage(Shape):
    """How much a device knows of what others used, and how old that is."""

    position: Number
    as_of: Instant | None


class Buffer(Shape):
    """What waits to be acknowledged; `days`: for how many more there is room."""

    records: Number
    bytes: Number
    days: Number


class Report(Payload):
    """Where a device stands, so that whatever was lost can be seen and sent again."""

    boot: Hex16
    session: Counting
    n: Counting
    at: Instant
    clock: Id
    release: Id
    epoch: Hex16
    seq: Number
    cosigned: Number
    trust: Number
    rules: ReportedRules
    usage: ReportedUsage
    alarms: Annotated[Sequence[Id], Field(max_length=limits.ALARMS)]
    buffer: Buffer


class AskPulse(Payload):
    """Asks for a fresh word of the cloud."""

    n: Counting
    want: Literal["pulse"] = "pulse"
    nonce: Hex32


class AskPart(Payload):
    """Asks for a piece of a part of a rule set."""

    n: Counting
    want: Literal["part"] = "part"
    sha256: Hash
    from_: Annotated[int, Field(alias="from", ge=0, le=limits.PART_BYTES)]
    bytes: Annotated[int, Field(ge=1, le=limits.PIECE_BYTES)]


class AskRestore(Payload):
    """Asks for what a new journal can't know."""

    n: Counting
    want: Literal["restore"] = "restore"
    nonce: Hex32


class Cosigned(Shape):
    """A checkpoint that the cloud cosigned."""

    epoch: Hex16
    seq: Number
    head: Hash


class Pulse(Payload):
    """The cloud's fresh word: its time, and the newest versions that there are."""

    nonce: Hex32
    at: Instant
    rules: Number
    trust: Number
    usage: Number
    cosigned: Cosigned | None


class Part(Shape):
    """One part of a rule set: hash and size of its JSON, and the size of its packed frame."""

    name: Annotated[str, Field(pattern=r"^(base|vectors|members/(0|[1-9][0-9]{0,3}))$")]
    sha256: Hash
    bytes: Annotated[int, Field(ge=2, le=limits.PART_BYTES)]
    packed: Annotated[int, Field(ge=1, le=limits.PART_BYTES)]


class Manifest(Payload):
    """A rule set for one device: which parts it is made of."""

    version: Counting
    fingerprint: Hash
    issued_at: Instant
    confirm_s: Annotated[int, Field(ge=0, le=86_400)]
    parts: Annotated[Sequence[Part], Field(min_length=1, max_length=limits.PARTS)]


class Checkpoint(Payload):
    """The head of a device's audit, signed by both sides."""

    epoch: Hex16
    seq: Counting
    head: Hash
    at: Instant
    rules: Number
    trust: Number


Added = tuple[Id, Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")], Id, Text, Id]
"""Owner, service date, band, store or "", event."""


class Usage(Payload):
    """What the tenant's devices and staff used up or took back, in (from_, to] of the stream."""

    from_: Annotated[int, Field(alias="from", ge=0, le=limits.NUMBER)]
    to: Number
    as_of: Instant
    more: bool
    add: Annotated[Sequence[Annotated[Added, Field(strict=False)]], Field(max_length=limits.USES)]
    withdraw: Annotated[Sequence[Id], Field(max_length=limits.USES)]


class HeldLocker(Shape):
    """The use of a locker, as the cloud last heard."""

    id: Id
    member: Id
    start: Instant
    end: Instant
    product: Id | None


class LockerHeld(Shape):
    """A locker, as the cloud last heard."""

    id: Name
    state: Id
    occupancy: HeldLocker | None


class SeatHeld(Shape):
    """A seat, as the cloud last heard."""

    store: Name
    seat: Id
    member: Id
    product: Id
    io: Literal["IN", "OUT", "FREE"]
    since: Instant


class Restore(Payload):
    """What the cloud knows of what a new journal can't know."""

    nonce: Hex32
    as_of: Instant
    lockers: Annotated[Sequence[LockerHeld], Field(max_length=limits.LOCKERS)]
    seats: Annotated[Sequence[SeatHeld], Field(max_length=limits.SEATS)]
    unknown: Annotated[Sequence[Text], Field(max_length=limits.REFUSED)]


class Command(Payload):
    """What somebody asks of a device."""

    id: Id
    verb: Id
    args: Mapping[str, str | int | bool | None]
    by: Id
    issued_at: Instant
    expires_at: Instant
    nonce: Hex32 | None


class Result(Payload):
    """What came of a command."""

    id: Id
    result: Id
    at: Instant
    more: Mapping[str, Any]


class Enrol(Payload):
    """A device that has no certificate yet, or none that counts, asks for one (enrolment).

    `csr`: a request of RFC 2986 in DER. `proof`: by the claim; null: somebody has to adopt it.
    """

    serial: Serial
    request: Hex32
    key: Key
    csr: Csr
    proof: Hash | None


class Admission(Payload):
    """What the cloud says to a device that asks to be enrolled.

    `why`: a word, where it is not `granted`. `certificate`: PEM, the device's own first. `trust`:
    the envelopes of all trust documents, in order.
    """

    request: Hex32
    state: Literal["granted", "waiting", "refused"]
    why: Text
    certificate: Pem
    trust: Annotated[Sequence[Blob], Field(max_length=limits.TRUSTS)]
    proof: Hash | None


class Renew(Payload):
    """A device asks for its next certificate."""

    request: Hex32
    csr: Csr


class Renewed(Payload):
    """A device's next certificate, PEM, its own first."""

    request: Hex32
    certificate: Pem


Signed: TypeAlias = (
    Trust
    | State
    | Report
    | AskPulse
    | AskPart
    | AskRestore
    | Pulse
    | Manifest
    | Checkpoint
    | Usage
    | Restore
    | Command
    | Result
    | Enrol
    | Admission
    | Renew
    | Renewed
)
