"""What the cloud reads in records: use, who holds what, refusals (cloud_link/README.md). Pure.

A record that says something that it should not is kept as it is, and taught nothing: the device
signed it, and the archive is not the place to correct it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

KEY_PARTS: Final = (3, 4)

_LOCKER_AFTER: Final = {
    "expired": "WAITING",
    "release_pulse": "RELEASING",
    "forced_end": "FREE",
    "returned": "FREE",
    "moved_to": "FREE",
    "confirmed_empty": "FREE",
    "stuck": "OUT_OF_ORDER",
    "set_aside": "OUT_OF_ORDER",
}
"""State of a locker after a word of its log."""


@dataclass(frozen=True, slots=True)
class Used:
    """An event supports a usage key. `store`: "" where the key has none."""

    owner: str
    day: str
    band: str
    store: str
    event: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An event supports nothing any more, for good."""

    event: str


@dataclass(frozen=True, slots=True)
class LockerHeld:
    """Somebody holds a locker. `start`, `end`: instants; `product` None: the records don't say."""

    locker: str
    occupancy: str
    member: str
    start: str
    end: str
    product: str | None


@dataclass(frozen=True, slots=True)
class LockerStands:
    """A locker's state changed, if it was `after` at all; FREE has no holder."""

    locker: str
    state: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class LockerMoved:
    """Who holds one locker holds another, too, until the first is told to be free."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class SeatHeld:
    """A seat was taken, left for a while, or given back (`io` None)."""

    store: str
    seat: str
    member: str
    product: str
    io: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody was refused at a door: every one of them is told (spec/rules.md 3.2)."""

    event: str
    door: str
    at: str
    member: str | None
    reason: str


Lesson: TypeAlias = Used | Withdrawn | LockerHeld | LockerStands | LockerMoved | SeatHeld | Refused


def lessons(body: Mapping[str, Any]) -> Iterator[Lesson]:
    """Yield what one record teaches, in its order."""
    match body:
        case {"kind": "passage", "event_id": str(event)}:
            yield from _passage(body, event)
        case {"kind": "outcome", "event_id": str(event), "withdrawn": True}:
            yield Withdrawn(event)
        case {"kind": "locker", "locker": str(locker), "word": str(word)}:
            yield from _locker(body, locker, word)
        case {
            "kind": "locker_command",
            "locker": str(locker),
            "occupancy": str(occupancy),
            "member": str(member),
            "end": str(end),
            "occurred_at": str(at),
        }:
            start = _text(body.get("start")) or at
            product = _text(body.get("product"))
            yield LockerHeld(locker, occupancy, member, start, end, product)
            if (body.get("verb"), body.get("result")) == ("extend", "OK"):
                yield LockerStands(locker, "IN_USE")
        case {
            "kind": "seat_check_in" | "seat_check_out",
            "store": str(store),
            "seat": str(seat),
            "member": str(member),
            "product": str(product),
            "since": str(since),
        }:
            yield SeatHeld(store, seat, member, product, _text(body.get("io")), since)
        case _:
            pass


def used(key: str, event: str) -> Used | None:
    """Read a usage key as records spell it: `OWNER/BAND/YYYY-MM-DD`, and `/STORE` if it has one.

    None: it is no usage key.
    """
    parts = key.split("/")
    if len(parts) not in KEY_PARTS or not all(parts):
        return None
    owner, band, day, *store = parts
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    return Used(owner, day, band, store[0] if store else "", event)


def _passage(body: Mapping[str, Any], event: str) -> Iterator[Lesson]:
    if body.get("decision") == "ALLOW":
        keys = [*_texts(body.get("usage_keys")), *_texts(body.get("kept_keys"))]
        yield from (found for key in keys if (found := used(key, event)) is not None)
    elif body.get("decision") == "DENY":
        said = (_text(body.get(name)) for name in ("door", "occurred_at"))
        door, at = (word or "" for word in said)
        reason = _text(body.get("reason")) or ""
        yield Refused(event, door, at, _text(body.get("member")), reason)


def _locker(body: Mapping[str, Any], locker: str, word: str) -> Iterator[Lesson]:
    about = _text(body.get("about"))
    if word == "moved_from" and about is not None:
        yield LockerMoved(about, locker)
    elif word == "pin_reset_failed":  # what a failed sync had stored of a pulse is taken back
        yield LockerStands(locker, "IN_USE", after="RELEASING")
    elif (state := _LOCKER_AFTER.get(word)) is not None:
        yield LockerStands(locker, state)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
