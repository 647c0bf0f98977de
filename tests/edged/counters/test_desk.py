"""Seats, rooms, bookings and points: at the door, at the counter, and after new rules."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import Scan, Signal
from edged.clock import ClockState
from edged.counters.reader import CounterReader
from edged.lockers.bank import Bank
from edged.readers.feedback import Feedback
from policy.model import Reason
from tests.edged.fakes import NOON, FakeIndicator, settle, until
from tests.edged.rig import ISSUER, Rig, load_rules, running, signal

HOUR = timedelta(hours=1)
OK = signal(Reason.OK)
OUT, IN = (replace(OK, lines=(*OK.lines, f"Seat 9: checked {io}")) for io in ("out", "in"))
HANDLE = b"finn...."
CODE = ISSUER.f1(HANDLE, 1).encode()
DOOR = {"store": "S1", "door": "front"}


def devices(qualify: str, room: str | None = None) -> dict[str, Any]:
    desk = {"store": "S1", "side": "IN", "mode": "APP", "qualify": [qualify], "room": room}
    return {
        "front-in": {**DOOR, "side": "IN", "qualify": [qualify], "room": room},
        "front-out": {**DOOR, "side": "OUT"},
        "desk": {**desk, "loyalty": True},
    }


def text(hours: float) -> str:
    """An instant so many hours after noon, as the rules file spells it."""
    return (NOON + hours * HOUR).isoformat()


def finn(kind: str = "PERIOD_FIXED", io: str | None = "IN", **product: object) -> dict[str, Any]:
    """A member with a product, and with the seat that it holds since an hour."""
    seat = {"id": "9", "store": "S1", "product": "P1", "io": io, "since": text(-1)}
    return {
        "finn": {
            "handle": HANDLE.hex(),
            "products": [{"id": "P1", "kind": kind, **product}],
            "seats": [] if io is None else [seat],
        }
    }


async def reload(rig: Rig, version: int, **changes: Mapping[str, object]) -> None:
    """Let new rules come."""
    await asyncio.to_thread(load_rules, rig.path.parent / "rules", version, **changes)
    await rig.rules.reload()


async def later(rig: Rig, minutes: float = 1) -> None:
    await rig.clock.advance(int(minutes * 60_000))


class Desk:
    """A counter terminal, worked by the rig."""

    def __init__(self, rig: Rig, *banks: Bank) -> None:
        self.light = FakeIndicator("desk")
        feedback = Feedback(self.light, rig.clock)
        self.passage = CounterReader("desk", {"S1": banks}, feedback, rig.ports)
        rig._run(self.passage.run())
        rig._run(feedback.run())

    async def show(self, code: bytes = CODE) -> Signal:
        """Present a code; what the light shows."""
        before = len(self.light.shown)
        self.passage.scanned(Scan(code))
        await until(lambda: len(self.light.shown) > before)
        await settle()
        return self.light.shown[-1]


def changes_of(rig: Rig) -> list[tuple[str, str | None]]:
    """The seats' records: what was done, and whom it was told to."""
    seats = [one for one in rig.records() if one["kind"].startswith("seat_")]
    assert all((one["seat"], one["member"]) == ("9", "finn") for one in seats)
    return [(one["kind"], one["notice"]) for one in seats]


# --- seats


SEATS = devices("seat")
AT_THE_DOOR: list[tuple[dict[str, Any], Reason]] = [
    (finn(), Reason.OK),
    (finn(io="OUT"), Reason.SEAT_CHECKED_OUT),
    (finn(io=None), Reason.SEAT_NOT_ASSIGNED),
    (finn(valid_to=text(0)), Reason.PRODUCT_EXPIRED),
    (finn(valid_to=text(0.1)), Reason.OK),
    (finn("SINGLE"), Reason.OK),
    (finn("SINGLE", ended=True), Reason.PRODUCT_EXPIRED),
    (finn("TIME", minutes_left=60), Reason.TIME_BALANCE_EMPTY),
    (finn("TIME", minutes_left=61), Reason.OK),
]


@pytest.mark.parametrize(("people", "reason"), AT_THE_DOOR)
async def test_the_seat_is_the_right_to_come_in(
    tmp_path: Path, people: dict[str, Any], reason: Reason
) -> None:
    async with running(tmp_path, devices=SEATS, members=people) as rig:
        assert await rig.enter(CODE) == signal(reason)
        [passage] = rig.records("passage")
        assert (passage["reason"], passage["via"]) == (
            reason,
            "seat" if reason is Reason.OK else None,
        )
        assert rig.lock.releases == ([2_000] if reason is Reason.OK else [])


async def test_a_counter_checks_a_fixed_seat_out_and_in(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        desk = Desk(rig)
        assert await rig.enter(CODE) == OK
        assert await desk.show() == OUT
        await later(rig)
        assert await rig.enter(CODE) == signal(Reason.SEAT_CHECKED_OUT)
        await later(rig)
        assert await desk.show() == IN
        await later(rig)
        assert await rig.enter(CODE) == OK
        assert changes_of(rig) == [
            ("seat_check_out", "CHECK_OUT"),
            ("seat_check_in", "CHECK_IN"),
        ]
        served = [one for one in rig.records("passage") if one["device"] == "desk"]
        assert {(one["via"], one["door"], one["mode"]) for one in served} == {("seat", None, "APP")}
        assert rig.lock.releases == [2_000] * 2  # for nobody at the counter
        assert (await rig.said("decided"))[1]["door"] is None


async def test_a_code_held_at_the_counter_toggles_once(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        desk = Desk(rig)
        assert await desk.show() == OUT
        for _ in range(5):
            rig.clock.skip(500)
            desk.passage.scanned(Scan(CODE))
            await settle()
        assert desk.light.shown[-1] == OUT
        assert set(desk.light.shown) <= {OK, OUT}
        assert changes_of(rig) == [("seat_check_out", "CHECK_OUT")]


AT_THE_COUNTER = {
    Reason.SEAT_NOT_ASSIGNED: finn("PERIOD_FREE"),
    Reason.PRODUCT_EXPIRED: finn(io="OUT", valid_to=text(0)),
}


@pytest.mark.parametrize("reason", AT_THE_COUNTER)
async def test_a_counter_says_why_not(tmp_path: Path, reason: Reason) -> None:
    people = AT_THE_COUNTER[reason]
    async with running(tmp_path, devices=SEATS, members=people) as rig:
        assert await Desk(rig).show() == signal(reason)
        assert [one["kind"] for one in rig.records()] == ["passage"]
        assert rig.records()[0]["reason"] == reason


async def test_a_counter_changes_nothing_that_it_cannot_record(tmp_path: Path) -> None:
    settings = {"disk_failure_policy": "members"}
    async with running(tmp_path, devices=SEATS, members=finn(), settings=settings) as rig:
        await rig.fill_journal()
        assert await Desk(rig).show() == signal(Reason.RECORD_FAILED)
        await rig.empty_journal()
        await rig.written()
        assert changes_of(rig) == []
        assert await rig.enter(CODE) == OK


async def test_of_the_cloud_and_the_counter_the_newer_counts(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        await Desk(rig).show()
        await later(rig)
        await reload(rig, 2, devices=SEATS, members=finn())  # the cloud has not heard of it
        assert await rig.enter(CODE) == signal(Reason.SEAT_CHECKED_OUT)
        newer = finn()
        newer["finn"]["seats"][0]["since"] = text(1)
        await reload(rig, 3, devices=SEATS, members=newer)
        await later(rig)
        assert await rig.enter(CODE) == OK


async def test_what_the_counter_did_outlives_the_daemon(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        await Desk(rig).show()
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        assert await rig.enter(CODE) == signal(Reason.SEAT_CHECKED_OUT)


async def test_a_forced_end_takes_the_right_and_tells_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        await reload(rig, 2, devices=SEATS, members=finn(io=None))
        assert await rig.enter(CODE) == signal(Reason.SEAT_NOT_ASSIGNED)
        await later(rig)
        assert await Desk(rig).show() == signal(Reason.SEAT_NOT_ASSIGNED)
        assert changes_of(rig) == []
        assert await rig.leave(CODE) == OK


@pytest.mark.parametrize("auto", [True, False])
@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("PERIOD_FIXED", Reason.SEAT_CHECKED_OUT),
        ("PERIOD_FREE", Reason.SEAT_NOT_ASSIGNED),
        ("SINGLE", Reason.SEAT_NOT_ASSIGNED),
    ],
)
async def test_leaving_checks_out_if_the_rules_say_so(
    tmp_path: Path, auto: bool, kind: str, after: Reason
) -> None:
    settings = {"auto_checkout_on_exit": auto}
    async with running(tmp_path, devices=SEATS, members=finn(kind), settings=settings) as rig:
        await rig.enter(CODE)
        for _ in range(2):  # leaving twice checks out once
            await later(rig)
            assert await rig.leave(CODE) == OK
            await rig.written()
        notice = "CHECK_OUT" if kind == "PERIOD_FIXED" else None
        assert changes_of(rig) == ([("seat_check_out", notice)] if auto else [])
        assert await rig.enter(CODE) == (signal(after) if auto else OK)


async def test_without_a_clock_no_seat_changes_at_the_counter(tmp_path: Path) -> None:
    async with running(tmp_path, devices=SEATS, members=finn()) as rig:
        rig.clock.state = ClockState.SUSPECT
        assert await Desk(rig).show() == signal(Reason.CLOCK_UNTRUSTED)
        assert changes_of(rig) == []


# --- rooms


def room(
    status: str = "PAID", start: float = 0, users: tuple[str, ...] = ("finn",)
) -> dict[str, Any]:
    booking = {
        "room": "R1",
        "start": text(start),
        "end": text(start + 2),
        "status": status,
        "users": users,
    }
    return {"S1": {"tz": "Asia/Tokyo", "room_bookings": {"RB1": booking}}}


ROOMS = devices("room", "R1")
NOBODY = {"finn": {"handle": HANDLE.hex()}}
QUARTER = 0.25
AT_THE_ROOM: list[tuple[dict[str, Any], Reason]] = [
    (room(), Reason.OK),
    (room(start=QUARTER), Reason.OK),
    (room(start=QUARTER + 0.01), Reason.TOO_EARLY),
    (room(start=-2), Reason.BOOKING_OVER),
    (room(users=("aiko",)), Reason.NOT_A_REGISTERED_USER),
    (room("RESERVED", start=0.1), Reason.BOOKING_UNPAID),
    (room("RESERVED", start=-QUARTER + 0.01), Reason.BOOKING_UNPAID),
    (room("RESERVED", start=-QUARTER), Reason.BOOKING_CANCELLED),
    (room("CANCELLED"), Reason.BOOKING_CANCELLED),
    (room("FINISHED"), Reason.BOOKING_OVER),
]


@pytest.mark.parametrize(("stores", "reason"), AT_THE_ROOM)
async def test_a_rooms_users_come_in_when_it_is_paid(
    tmp_path: Path, stores: dict[str, Any], reason: Reason
) -> None:
    parts = {"devices": ROOMS, "members": NOBODY, "stores": stores, "plans": {}}
    async with running(tmp_path, **parts) as rig:
        assert await rig.enter(CODE) == signal(reason)
        [passage] = rig.records("passage")
        assert (passage["reason"], passage["delta"]) == (reason, 0)
        assert passage["via"] == ("room" if reason is Reason.OK else None)


async def test_another_rooms_booking_opens_nothing(tmp_path: Path) -> None:
    parts = {"devices": devices("room", "R2"), "members": NOBODY, "stores": room(), "plans": {}}
    async with running(tmp_path, **parts) as rig:
        assert await rig.enter(CODE) == signal(Reason.NOT_A_REGISTERED_USER)


async def test_the_cloud_ends_a_rooms_use_at_once(tmp_path: Path) -> None:
    parts = {"devices": ROOMS, "members": NOBODY, "stores": room(), "plans": {}}
    async with running(tmp_path, **parts) as rig:
        assert await rig.enter(CODE) == OK
        await reload(rig, 2, **{**parts, "stores": room("FINISHED")})
        await later(rig)
        assert await rig.enter(CODE) == signal(Reason.BOOKING_OVER)


# --- facility rights and LINE bookings: bookings whose status decides


def booked(status: str) -> dict[str, Any]:
    booking = {
        "id": "B1",
        "store": "S1",
        "program": "HALL",
        "start": text(0),
        "end": text(1),
        "status": status,
        "paid": True,
    }
    return {"finn": {"handle": HANDLE.hex(), "bookings": [booking]}}


@pytest.mark.parametrize("status", ["CANCELLED", "REQUESTED", "REJECTED"])
async def test_a_booking_that_is_taken_back_stops_opening_at_once(
    tmp_path: Path, status: str
) -> None:
    async with running(tmp_path, members=booked("CONFIRMED")) as rig:
        assert await rig.enter(CODE) == OK
        await reload(rig, 2, members=booked(status))
        await later(rig)
        assert await rig.enter(CODE) == signal(Reason.NO_ENTITLEMENT)
        assert await rig.leave(CODE) == OK
        await reload(rig, 3, members=booked("CONFIRMED"))
        await later(rig)
        assert await rig.enter(CODE) == OK
        # that its place is free again is the cloud's to say: nothing here tells it
        await rig.written()
        assert {one["kind"] for one in rig.records()} == {"passage"}


# --- points


def points(rig: Rig) -> list[tuple[str, str]]:
    return [(one["member"], one["service_date"]) for one in rig.records("visit_point")]


async def test_a_visit_is_noted_once_a_member_and_day(tmp_path: Path) -> None:
    async with running(tmp_path, devices=devices("any_member")) as rig:
        desk, printed = Desk(rig), rig.code("eun")
        for _ in range(2):
            assert await desk.show(printed) == OK
            await later(rig)
        await desk.show(rig.code())
        assert await desk.show(rig.code("dan")) == signal(Reason.MEMBER_SUSPENDED)
        await later(rig, 24 * 60)
        await desk.show(printed)
        assert points(rig) == [
            ("eun", "2026-11-04"),
            ("aiko", "2026-11-04"),
            ("eun", "2026-11-05"),
        ]
        assert {one["via"] for one in rig.records("passage")} == {"loyalty", None}
        assert rig.used() == frozenset()
