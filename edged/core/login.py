"""Logging in at the console by a staff code that is shown to a door's reader. Pure.

The browser shows four digits. Whoever has it before them gives the digits to the reader, then the
code, then the digits once more. The first digits say that the next staff code is for the console
and opens no door; the last say that whose code it was meant this browser.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from edged.core import events, limits
from edged.core.access import Request
from policy import staff
from policy.model import Reason, StaffRole, Verdict

ROLES = (StaffRole.INSTALL, StaffRole.OPERATE, StaffRole.OPEN)
"""What a login can be worth, the most first."""


class Phase(StrEnum):
    """How far a login has come."""

    WAITING = "WAITING"
    """Nothing is different at the reader yet."""
    ARMED = "ARMED"
    """The digits were given: the next staff code is for the console."""
    SHOWN = "SHOWN"
    """A code was good; the digits are to be given once more."""
    CONFIRMED = "CONFIRMED"
    """They were; the browser may come in, once."""
    OVER = "OVER"


@dataclass(frozen=True, slots=True)
class Told:
    """Which login it is: at which reader, from which address."""

    event_id: str
    reader: str
    origin: str


@dataclass(frozen=True, slots=True)
class Granted:
    """Whose code it was, and what they may do."""

    staff: str
    role: StaffRole


@dataclass(frozen=True, slots=True)
class Login:
    """A login that waits at a reader. Times are monotonic milliseconds.

    `until_ms`: when the phase ends; `keyed_ms`: when the digits were read last.
    """

    until_ms: int
    phase: Phase = Phase.WAITING
    keyed_ms: int | None = None
    granted: Granted | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """The digits were read."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A staff code was judged, used up and recorded."""

    granted: Granted


Event: TypeAlias = Keyed | Proven


def begin(now_ms: int) -> Login:
    """Begin to wait."""
    return Login(now_ms + limits.LOGIN_MS)


def passed(login: Login, now_ms: int) -> Login:
    """Return the login at a time. Who was only armed for too long begins anew: it is over."""
    return login if now_ms < login.until_ms else replace(login, phase=Phase.OVER, granted=None)


def step(login: Login, event: Event, now_ms: int) -> Login:
    """Take what was read; what does not fit the phase changes nothing.

    Digits that are read on and on are given once: again only after `LOGIN_GAP_MS` without them.
    """
    login = passed(login, now_ms)
    match event, login.phase:
        case Keyed(), Phase.WAITING | Phase.SHOWN if _anew(login, now_ms):
            ahead = Phase.ARMED if login.phase is Phase.WAITING else Phase.CONFIRMED
            login = replace(login, phase=ahead, until_ms=now_ms + limits.LOGIN_STAGE_MS)
        case Proven(granted), Phase.ARMED:
            until_ms = now_ms + limits.LOGIN_STAGE_MS
            login = replace(login, phase=Phase.SHOWN, until_ms=until_ms, granted=granted)
        case _:
            pass
    return replace(login, keyed_ms=now_ms) if isinstance(event, Keyed) else login


def _anew(login: Login, now_ms: int) -> bool:
    return login.keyed_ms is None or now_ms - login.keyed_ms >= limits.LOGIN_GAP_MS


def judge(asked: Request) -> StaffRole | Reason:
    """Say what a staff code is worth at the console, or why nothing.

    Stricter than a door: while the time is in doubt a code is good only if it is so at the
    earliest and the latest, and by a clock that nobody trusts it is not. A lockdown stops nobody
    who may end it.
    """
    if not asked.scene.clock_trusted:
        return Reason.CLOCK_UNTRUSTED
    reason = Reason.STAFF_NOT_HERE
    for role in ROLES:
        times = (asked,) if asked.late is None else (asked, asked.late)
        denied = [found for one in times if (found := _denied(one, role)) is not None]
        if not denied:
            return role
        reason = denied[0]
    return reason


def _denied(asked: Request, role: StaffRole) -> Reason | None:
    decision = staff.decide(
        asked.rules,
        asked.device,
        asked.person,
        replace(asked.scene, lockdown=False),
        role=role,
        code_fault=asked.code_fault,
    )
    return None if decision.verdict is Verdict.ALLOW else decision.reason


def record(
    stamp: events.Stamp, told: Told, staff: str, role: StaffRole | None, result: str
) -> events.Body:
    """Give the body of the record: a code was SHOWN, or CONFIRMED; else the reason why not.

    `staff`: the id, or the handle in hex of whom the rules don't know.
    """
    return {
        "kind": events.Kind.LOGIN.value,
        "occurred_at": events.stamp_text(stamp.at),
        "clock": stamp.clock,
        "event_id": told.event_id,
        "device": told.reader,
        "origin": told.origin,
        "staff": staff,
        "role": role,
        "result": result,
    }
