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


Claims = MemberCode | FixedCode
CLAIMS: tuple[type[Claims], ...] = (MemberCode, FixedCode)

RESERVED: Mapping[str, int] = {"B1": 108, "R1": 23, "T1": 91, "T2": 75}
"""Kinds of spec/credentials.md that this release does not read: bytes of body and proof."""


def check_time(code: MemberCode, at: datetime, *, ttl_min: int, skew_s: int) -> Reason | None:
    """Say what is wrong with the code's dates at `at`, if anything (spec/rules.md 3.2 E4).

    Valid from `skew_s` seconds before it was issued, for the shorter of its own life and
    `ttl_min` minutes after; the last instant is not in it.
    """
    if at < code.issued_at - timedelta(seconds=skew_s):
        return Reason.CODE_NOT_YET_VALID
    if at >= code.issued_at + timedelta(minutes=min(code.ttl_min, ttl_min)):
        return Reason.CODE_EXPIRED
    return None


def check_version(code: FixedCode, current: int) -> Reason | None:
    """Say whether the member's `current` version has replaced this code (3.2 E5)."""
    return None if code.version == current else Reason.CODE_REVOKED
