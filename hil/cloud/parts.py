"""A rules document cut into parts that are named by their content (cloud_link/README.md). Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import zstandard

from hil.cloud import limits
from hil.cloud.spelling import canonical, digest

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name in the manifest, its hash and size unpacked, and the packed frame."""

    name: str
    sha256: str
    size: int
    frame: bytes

    def told(self) -> dict[str, Any]:
        """What the manifest says of it."""
        sizes = {"bytes": self.size, "packed": len(self.frame)}
        return {"name": self.name, "sha256": self.sha256, **sizes}


@dataclass(frozen=True, slots=True)
class Cut:
    """A document without its version and its date, cut: what takes seconds is behind it.

    `base`: the document without its members; `spelt`: each member in the order of ids.
    """

    base: Mapping[str, Any]
    others: tuple[Part, ...]
    spelt: bytes

    def dated(self, version: int, issued_at: str) -> tuple[tuple[Part, ...], str]:
        """Give it a version and a date; return all parts, the base first, and the fingerprint.

        Raises:
            ValueError: The base is too large.
        """
        base = canonical({**self.base, "version": version, "issued_at": issued_at})
        whole = hashlib.sha256(base)
        whole.update(self.spelt)
        return (_part("base", base), *self.others), whole.hexdigest()


def cut(document: Mapping[str, Any], vectors: list[Any]) -> Cut:
    """Cut a document into its base, `members/0` ..., and `vectors` if there are any.

    Raises:
        ValueError: A part is too large.
    """
    members: Members = document.get("members", {})
    count = spread(len(members))
    dealt: list[dict[str, Any]] = [{} for _ in range(count)]
    for member, record in members.items():
        dealt[place(member, count)][member] = record
    parts = [_part(f"members/{n}", canonical(some)) for n, some in enumerate(dealt)]
    if vectors:
        parts.append(_part("vectors", canonical(vectors)))
    base = {key: value for key, value in document.items() if key != "members"}
    spelt = b"".join(
        b"\n" + member.encode() + canonical(record) for member, record in sorted(members.items())
    )
    return Cut(base, tuple(parts), spelt)


def spread(members: int) -> int:
    """Say how many parts so many members are dealt to: a power of two."""
    count = 1
    while count * limits.PART_MEMBERS < members and count < limits.MEMBER_PARTS:
        count *= 2
    return count


def place(member: str, count: int) -> int:
    """Say in which of `count` parts a member stands: the first bits of SHA-256 of the id."""
    first = int.from_bytes(hashlib.sha256(member.encode()).digest()[:4], "big")
    return first >> (32 - (count.bit_length() - 1))


def piece(sha256: str, frame: bytes, begin: int, size: int) -> bytes:
    """Spell a piece of a part's frame: the part's hash, the offset, the bytes."""
    return bytes.fromhex(sha256) + begin.to_bytes(4, "big") + frame[begin : begin + size]


def unpack(frame: bytes) -> bytes:
    """Unpack a frame that the cloud packed itself."""
    return zstandard.ZstdDecompressor().decompress(frame, max_output_size=limits.PART_BYTES)


def _part(name: str, data: bytes) -> Part:
    if len(data) > limits.PART_BYTES:
        raise ValueError(f"{name}: {len(data)} bytes, at most {limits.PART_BYTES}")
    frame = zstandard.ZstdCompressor(level=9).compress(data)
    return Part(name, digest(data), len(data), frame)
