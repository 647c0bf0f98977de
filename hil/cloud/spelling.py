"""How values are spelt and read: canonical JSON, instants, bytes (cloud_link/README.md)."""

import base64
import binascii
import hashlib
import json
import re
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.cloud import limits


class Rejected(Exception):
    """What came is not what the contract says. The text is a reason in a few fixed words."""


Name = Annotated[str, Field(pattern=rf"^(?!\.\.?$)[A-Za-z0-9._-]{{1,{limits.NAME_CHARS}}}\Z")]
Hex16 = Annotated[str, Field(pattern=r"^[0-9a-f]{16}\Z")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}\Z")]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\Z")]
One = Annotated[int, Field(ge=1, le=1)]  # a literal 1 would be equal to true
Count = Annotated[int, Field(ge=0, lt=2**53)]
Positive = Annotated[int, Field(ge=1, lt=2**53)]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]

_NAME: Final = re.compile(rf"(?!\.\.?$)[A-Za-z0-9._-]{{1,{limits.NAME_CHARS}}}")
_SPELLER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class Strict(BaseModel):
    """A payload with exactly its members, each of its own type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


def canonical(value: object) -> bytes:
    """Spell a value as JSON with sorted keys, no spaces, ASCII."""
    return _SPELLER.encode(value).encode("ascii")


def parse(data: bytes) -> object:
    """Read JSON with no key twice and no fraction.

    Raises:
        Rejected: It is something else.
    """
    try:
        found: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=no_fraction,
            parse_constant=no_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise Rejected("not the contract's JSON") from error
    return found


def digest(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def now() -> datetime:
    """Return the machine's time, UTC: the cloud's only clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def instant(at: datetime) -> str:
    """Spell an instant: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read an instant.

    Raises:
        ValueError: There is no such day or hour.
    """
    return datetime.fromisoformat(text)


def b64(data: bytes) -> str:
    """Spell bytes in base64."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """Read base64 in its one form.

    Raises:
        Rejected: It is not.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("not base64") from error
    if b64(data) != text:
        raise Rejected("not base64")
    return data


def is_name(text: str) -> bool:
    """Say whether it can be the name of a tenant or a device."""
    return _NAME.fullmatch(text) is not None


def fault_text(error: ValidationError) -> str:
    """Say in one line what is wrong first, and where."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    problem = first["msg"].removeprefix("Value error, ")
    return f"{place}: {problem}" if place else problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def no_fraction(text: str) -> None:
    """Refuse a number that is not an integer.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{text} can't be signed")
