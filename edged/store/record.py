"""The audit record: canonical bytes that name their place and the record before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from edged.store import limits

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"
"""What a record may hold. No fractions: their spelling differs between languages."""

GENESIS: Final = bytes(32)
"""What the first record names as the hash of the one before."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the audit: its number (from 1), its bytes, and their SHA-256."""

    seq: int
    data: bytes
    hash: bytes


def canonical(value: Json) -> bytes:
    """Spell a value in its one form: JSON, keys sorted, no spaces, ASCII.

    Raises:
        TypeError: It holds something that is not Json.
    """
    return _SPELLER.encode(value).encode("ascii")


def seal(body: Mapping[str, Json], seq: int, prev: bytes) -> Record:
    """Make the record number `seq`, which follows the record with the hash `prev`.

    Raises:
        ValueError: The body names `seq` or `prev` itself, or is over `limits.RECORD_BYTES`.
        TypeError: It holds something that is not Json.
    """
    if "seq" in body or "prev" in body:
        raise ValueError("seq and prev are the journal's to give")
    data = canonical({**body, "seq": seq, "prev": prev.hex()})
    if len(data) > limits.RECORD_BYTES:
        raise ValueError(f"record of {len(data)} bytes, at most {limits.RECORD_BYTES}")
    return Record(seq, data, hashlib.sha256(data).digest())


def _plain(value: object) -> object:
    """Let json spell mappings that are not dicts; all else is refused."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} can't stand in a record")


_SPELLER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain
)
