"""What the signed codes say, and the checks that need no more than the code and a clock.

This file is the one place where a kind is added (edged/credentials/README.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import ClassVar, Self

from policy.decision import value
from policy.model import CodeKind, KeyRole, Reason


@value
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


@dataclass(frozen=True, slots=True)
class BookingCode:
    """The code of somebody who uses a booking (`B1`, spec/credentials.md).

    `kid` 0..255; `booking`, `handle` (of the user), `store` and `room` 8 bytes each; `not_before`
    and `issued_at` whole seconds of UTC, `duration_min` 0..65_535, `uses` 0..255, 0: any number.
    `room` None: the store's entrance.
    """

    kind: ClassVar = CodeKind.B1
    role: ClassVar = KeyRole.BOOKING
    layout: ClassVar = Struct(">B8s8s8s8sIHBI")

    kid: int
    booking: bytes
    handle: bytes
    store: bytes
    room: bytes | None
    not_before: datetime
    duration_min: int
    uses: int
    issued_at: datetime

    @property
    def end(self) -> datetime:
        """The instant from which it opens nothing any more."""
        return self.not_before + timedelta(minutes=self.duration_min)

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        kid, booking, user, store, room, start_s, minutes, uses, issued_s = cls.layout.unpack(body)
        start, issued_at = (datetime.fromtimestamp(at_s, UTC) for at_s in (start_s, issued_s))
        where = room if any(room) else None
        return cls(kid, booking, user, store, where, start, minutes, uses, issued_at)


@dataclass(frozen=True, slots=True)
class RotatingCode:
    """The code that a phone makes anew every `STEP_S` (`R1`, spec/credentials.md).

    `kid` 0..255: the key epoch. `handle` 8 bytes, `store` 0..65_535: the store's number. `step`:
    Unix seconds // `STEP_S`, by the phone's clock, 32 bits.
    """

    kind: ClassVar = CodeKind.R1
    role: ClassVar = KeyRole.ROTATING
    layout: ClassVar = Struct(">B8sHI")

    kid: int
    handle: bytes
    store: int
    step: int

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Read a body of `layout.size` bytes; every such body has a meaning."""
        return cls(*cls.layout.unpack(body))


@dataclass(frozen=True, slots=True)
class PlainCode:
    """A code without a proof that led to a member of this `handle`, 8 bytes."""

    role: ClassVar = KeyRole.MEMBER

    kind: CodeKind
    handle: bytes


Proven = MemberCode | FixedCode | StaffCode | StaffCard | BookingCode | RotatingCode
Claims = Proven | PlainCode
CLAIMS: tuple[type[Proven], ...] = (
    MemberCode,
    FixedCode,
    StaffCode,
    StaffCard,
    BookingCode,
    RotatingCode,
)

Shown = MemberCode | StaffCode
"""What is made when it is asked for: it has a time and a number of its own."""
Printed = FixedCode | StaffCard
Issued = MemberCode | StaffCode | BookingCode
"""What says when the cloud made it. A rotating code says what a phone takes the time to be."""

STEP_S = 15
"""Seconds of one step of a rotating code."""
STEPS = 2
"""Steps by which a phone may be ahead or behind, and by which it may be known to be."""


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


def check_window(code: BookingCode, at: datetime) -> Reason | None:
    """Say whether `at` lies outside the code's window `[not_before, end)`, and on which side."""
    if at < code.not_before:
        return Reason.CODE_NOT_YET_VALID
    return Reason.CODE_EXPIRED if at >= code.end else None


def step_at(at: datetime) -> int:
    """Return the step that a phone whose clock is right shows at `at`."""
    return int(at.timestamp()) // STEP_S


def check_step(
    code: RotatingCode, earliest: datetime, latest: datetime | None, *, offset: int = 0
) -> Reason | None:
    """Say what is wrong with the code's step, wherever in these bounds the time is.

    Good within `STEPS` of now, and of now as a phone sees it that is known to be `offset` steps
    ahead. `latest` None: nobody knows, so that no step is too late.
    """
    if code.step < step_at(earliest) - STEPS + min(0, offset):
        return Reason.CODE_EXPIRED
    if latest is not None and code.step > step_at(latest) + STEPS + max(0, offset):
        return Reason.CODE_NOT_YET_VALID
    return None


def offset_of(code: RotatingCode, at: datetime) -> int:
    """Return how many steps the phone is ahead, no more than can be learnt."""
    return max(-STEPS, min(STEPS, code.step - step_at(at)))
