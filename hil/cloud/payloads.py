"""What a device says, read strictly (cloud_link/README.md).

The cloud's own words are made where they are due.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from hil.cloud import dsse
from hil.cloud.dsse import Envelope
from hil.cloud.spelling import (
    Count,
    Hex16,
    Hex32,
    Hex64,
    Instant,
    Name,
    One,
    Positive,
    Rejected,
    Strict,
    parse,
    unb64,
)

Version = Count
Word = Annotated[str, Field(min_length=1, max_length=64)]
Piece = Annotated[int, Field(ge=1, le=65_536)]


class Spoken(Strict):
    """What everything that a device signs has in common."""

    v: One
    tenant: Name
    device: Name


class State(Spoken):
    """Whether it is connected."""

    link: Literal["up", "gone", "stopped"]
    boot: Hex16
    session: Positive
    at: Instant


class Refusal(Strict):
    """A rule set that it did not take."""

    version: Version
    why: Annotated[str, Field(max_length=1_024)]


class RulesReport(Strict):
    """The rules that it goes by."""

    version: Version
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?\Z")]
    trial: bool
    refused: list[Refusal]


class UsageReport(Strict):
    """How far it knows of other stores' use."""

    position: Count
    as_of: Instant | None


class BufferReport(Strict):
    """What waits to be acknowledged."""

    records: Count
    bytes: Count
    days: Count


class Report(Spoken):
    """How it is."""

    boot: Hex16
    session: Positive
    n: Positive
    at: Instant
    clock: Word
    release: Annotated[str, Field(max_length=64)]
    epoch: Hex16
    seq: Count
    cosigned: Count
    trust: Version
    rules: RulesReport
    usage: UsageReport
    alarms: list[Annotated[str, Field(max_length=128)]]
    buffer: BufferReport


class AskPulse(Spoken):
    """It wants to know whether the cloud is there."""

    n: Count
    want: Literal["pulse"]
    nonce: Hex32


class AskPart(Spoken):
    """It wants a piece of a part."""

    n: Count
    want: Literal["part"]
    sha256: Hex64
    from_: Count = Field(alias="from")
    bytes: Piece


class AskRestore(Spoken):
    """Its journal is new."""

    n: Count
    want: Literal["restore"]
    nonce: Hex32


Ask = Annotated[AskPulse | AskPart | AskRestore, Field(discriminator="want")]


class Checkpoint(Spoken):
    """Where a batch ends."""

    epoch: Hex16
    seq: Positive
    head: Hex64
    at: Instant
    rules: Version
    trust: Version


class Result(Spoken):
    """What came of a command."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}\Z")]
    result: Word
    at: Instant
    more: dict[str, Any]


class Enrol(Spoken):
    """It wants to be admitted."""

    serial: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
    request: Hex32
    key: str
    csr: Annotated[str, Field(min_length=4, max_length=8_192)]
    proof: Hex64 | None


class Renew(Spoken):
    """It wants its next certificate."""

    request: Hex32
    csr: Annotated[str, Field(min_length=4, max_length=8_192)]


ASK: TypeAdapter[AskPulse | AskPart | AskRestore] = TypeAdapter(Ask)
P = TypeVar("P", bound=Spoken)


def verified(envelope: Envelope, kind: str, tenant: str, device: str, key: bytes) -> bytes:
    """Return the payload of an envelope of this kind that the device signed.

    Raises:
        Rejected: It is of another kind, or the device did not sign it.
    """
    if envelope.kind != kind:
        raise Rejected("unknown payloadType")
    if not envelope.signers([key]):
        raise Rejected("bad signature")
    head = parse(envelope.payload)
    if not isinstance(head, dict) or (head.get("tenant"), head.get("device")) != (tenant, device):
        raise Rejected("of another device")
    return envelope.payload


def read_enrol(data: bytes, tenant: str) -> Enrol:
    """Read what a device says of itself that nobody knows yet: it is signed by its own key.

    Raises:
        Rejected: It is of another tenant, or not what the contract says.
    """
    envelope = dsse.read(data)
    if envelope.kind != "enrol":
        raise Rejected("unknown payloadType")
    enrol = read(Enrol, envelope.payload)
    key = unb64(enrol.key)
    if not dsse.is_key(key) or not envelope.signers([key]):
        raise Rejected("bad signature")
    if enrol.tenant != tenant:
        raise Rejected("of another tenant")
    return enrol


def read(model: type[P], payload: bytes) -> P:
    """Read a verified payload.

    Raises:
        Rejected: It is not what the contract says.
    """
    try:
        return model.model_validate(parse(payload))
    except ValidationError as error:
        raise Rejected("not as in the contract") from error


def read_ask(payload: bytes) -> AskPulse | AskPart | AskRestore:
    """Read a verified `ask`.

    Raises:
        Rejected: It is not what the contract says.
    """
    try:
        return ASK.validate_python(parse(payload))
    except ValidationError as error:
        raise Rejected("not as in the contract") from error
