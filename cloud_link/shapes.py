"""How the contract spells numbers, instants, bytes and objects, and how they are read strictly.

What is read here has been verified already, and is hostile all the same: a key that signs may
have been stolen. So every text, number and list has a bound.
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from cloud_link import limits

NAME: Final = r"^(\.{0,2}[A-Za-z0-9_-][A-Za-z0-9._-]*|\.{3}[A-Za-z0-9._-]*)$"
"""Tenants, devices, stores, lockers: what fits a topic, a file name and a line of a log."""


class Malformed(ValueError):
    """A payload is not what its type says; the text names the field, and no content."""


def spell_instant(at: datetime) -> str:
    """Spell an instant: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant(text: object) -> object:
    if isinstance(text, datetime):
        return text
    at = datetime.fromisoformat(str(text).removesuffix("Z")).replace(tzinfo=UTC)
    if spell_instant(at) != text:
        raise ValueError("an instant is UTC with milliseconds and Z")
    return at


def decode_base64(text: object) -> bytes:
    """Read base64 in its one right spelling: padded, no stray bits. Raises ValueError."""
    try:
        found = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        found = b""
    if base64.b64encode(found).decode() != text:
        raise ValueError("not base64 as RFC 4648 section 4 spells it")
    return found


def encode_base64(data: bytes) -> str:
    """Spell bytes for JSON."""
    return base64.b64encode(data).decode()


def _bytes(value: object) -> object:
    return value if isinstance(value, bytes) else decode_base64(value)


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(spell_instant),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        }
    ),
]
Key = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(encode_base64),
    Field(min_length=32, max_length=32),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9+/]{43}=$"}),
]
Blob = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(encode_base64),
    Field(max_length=limits.TRUST_BYTES),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Csr = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(encode_base64),
    Field(min_length=1, max_length=limits.CSR_BYTES),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Authority = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(encode_base64),
    Field(min_length=1, max_length=limits.AUTHORITY_BYTES),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Pem = Annotated[str, Field(max_length=limits.CERTIFICATE_CHARS, pattern=r"^[ -~\n]*$")]
Serial = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Name = Annotated[str, Field(pattern=NAME, max_length=limits.NAME_CHARS)]
Id = Annotated[str, Field(min_length=1, max_length=limits.TEXT_CHARS)]
Text = Annotated[str, Field(max_length=limits.WORDS_CHARS)]
Hex16 = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=0, le=limits.NUMBER)]
Counting = Annotated[int, Field(ge=1, le=limits.NUMBER)]


class Shape(BaseModel):
    """What every object of the contract is: whole, known, unchanging."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    MAY_LACK: ClassVar[frozenset[str]] = frozenset()
    """Members that others need not spell."""


P = TypeVar("P", bound=Shape)


def canonical(payload: Shape) -> bytes:
    """Spell a payload: JSON, keys sorted, no spaces, ASCII."""
    plain = payload.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")


def read(shape: type[P], data: bytes) -> P:
    """Read a verified payload. Raises Malformed, which names what is wrong and no content."""
    try:
        found = shape.model_validate(plain(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step)[:40] for step in first["loc"])
        raise Malformed(f"{where}: {first['msg']}") from None
    if lacking := _spelt(shape) - found.model_fields_set:
        raise Malformed(f"{min(lacking)}: Field required")
    return found


@cache
def _spelt(shape: type[Shape]) -> frozenset[str]:
    """Return the members that others have to spell, whether we may leave them out or not."""
    return frozenset(shape.model_fields) - shape.MAY_LACK


def plain(data: bytes) -> dict[str, Any]:
    """Parse one JSON object: no key twice, no fraction. Raises Malformed."""
    try:
        found = _READER.decode(data.decode())
    except (ValueError, RecursionError):
        raise Malformed("not a JSON object of whole numbers with each key once") from None
    if not isinstance(found, dict):
        raise Malformed("not an object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(_: str) -> object:
    raise ValueError("not a whole number")


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse
)
