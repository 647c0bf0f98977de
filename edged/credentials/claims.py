"""What the signed codes say, and the checks that need no more than the code and a clock.

This file is the one place where a kind is added (edged/credentials/README.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import ClassVar, Self

from policy.model import CodeKind, KeyRole, Reason


@dataclass(frozen=True, slots=True)
class MemberCode:
    """The code on a member's phone (`M1`, spec/credentials.md).

    `kid` 0..255, `handle` 8 bytes, `issued_at` whole seconds of UTC, `ttl_min` 0..65_535,
    `nonce` 32 bits.
    """

    kind: ClassVar = CodeKind.M1
    role: ClassVar = KeyRole.MEMBER
    layout: ClassVar = Struct(">B8sIHI")

    kid: int
    handle: bytes
    issued_at: datetime
    ttl_min: int
    nonce: int

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        kid, handle, issued_s, ttl_min, nonce = cls.layout.unpack(body)
        return cls(kid, handle, datetime.fromtimestamp(issued_s, UTC), ttl_min, nonce)


@dataclass(frozen=True, slots=True)
class FixedCode:
    """The printed code of a member (`F1`, spec/credentials.md).

    `kid` 0..255, `handle` 8 bytes, `version` 0..65_535.
    """

    kind: ClassVar = CodeKind.F1
    role: ClassVar = KeyRole.MEMBER
    layout: ClassVar = Struct(">B8sH")

    kid: int
    handle: bytes
    version: int

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        return cls(*cls.layout.unpack(body))


@dataclass(frozen=True, slots=True)
class StaffCode:
    """The code of a person who works here, good for minutes (`T1`, spec/credentials.md).

    `kid` 0..255, `handle` and `store` 8 bytes each, `issued_at` whole seconds of UTC, `ttl_min`
    0..65_535, `nonce` 32 bits. `store` None: all stores of this person.
    """

    kind: ClassVar = CodeKind.T1
    role: ClassVar = KeyRole.STAFF
    layout: ClassVar = Struct(">B8s8sIHI")

    kid: int
    handle: bytes
    store: bytes | None
    issued_at: datetime
    ttl_min: int
    nonce: int

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        kid, handle, store, issued_s, ttl_min, nonce = cls.layout.unpack(body)
        issued_at = datetime.fromtimestamp(issued_s, UTC)
        return cls(kid, handle, store if any(store) else None, issued_at, ttl_min, nonce)


@dataclass(frozen=True, slots=True)
class StaffCard:
    """The printed card of a person who works here (`T2`, spec/credentials.md).

    `kid` 0..255, `handle` 8 bytes, `version` 0..65_535.
    """

    kind: ClassVar = CodeKind.T2
    role: ClassVar = KeyRole.STAFF
    layout: ClassVar = Struct(">B8sH")

    kid: int
    handle: bytes
    version: int

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        return cls(*cls.layout.unpack(body))


Claims = MemberCode | FixedCode | StaffCode | StaffCard
CLAIMS: tuple[type[Claims], ...] = (MemberCode, FixedCode, StaffCode, StaffCard)

Shown = MemberCode | StaffCode
"""What is made when it is asked for: it has a time and a number of its own."""
Printed = FixedCode | StaffCard

RESERVED: Mapping[str, int] = {"B1": 108, "R1": 23}
"""Kinds of spec/credentials.md that this release does not read: bytes of body and proof."""


def check_time(code: Shown, at: datetime, *, ttl_min: int, skew_s: int) -> Reason | None:
    """Say what is wrong with the code's dates at `at`, if anything (spec/rules.md 3.2 E4).

    Valid from `skew_s` seconds before it was issued, for the shorter of its own life and
    `ttl_min` minutes after; the last instant is not in it.
    """
    if at < code.issued_at - timedelta(seconds=skew_s):
        return Reason.CODE_NOT_YET_VALID
    if at >= code.issued_at + timedelta(minutes=min(code.ttl_min, ttl_min)):
        return Reason.CODE_EXPIRED
    return None


def check_version(code: Printed, current: int) -> Reason | None:
    """Say whether the person's `current` version has replaced this code (3.2 E5)."""
    return None if code.version == current else Reason.CODE_REVOKED
