"""Booking codes at a door (spec/credentials.md, B1)."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import DeviceLost
from edged import limits
from edged.clock import ClockState
from edged.store.ledger import Ledger
from hil.issuer import Issuer, Stay
from policy.model import Reason
from tests.edged.doors.house import two_doors
from tests.edged.fakes import NOON
from tests.edged.readers.test_scene import HANDLE, Unsure, again, devices, member
from tests.edged.rig import ISSUER, STAFF_ISSUER, running, signal

OK = signal(Reason.OK)
USED = signal(Reason.CODE_USED)
MINUTE = timedelta(minutes=1)
HERE, ROOM, BOOKED, GUEST = b"store--1", b"room---1", b"booking1", b"guest..."
OFFICE = Issuer("acme", 5, b"\x05" * 32)
KEYS = {
    str(ISSUER.kid): {"role": "member", "public": ISSUER.public.hex()},
    str(STAFF_ISSUER.kid): {"role": "staff", "public": STAFF_ISSUER.public.hex()},
    str(OFFICE.kid): {"role": "booking", "public": OFFICE.public.hex()},
}
STORE = {"tz": "Asia/Tokyo", "handle": HERE.hex(), "rooms": {"R1": ROOM.hex()}}
RESERVED = {
    "room": "R1",
    "start": "2026-11-04T12:00:00+09:00",
    "end": "2026-11-04T13:00:00+09:00",
    "status": "RESERVED",
    "users": ["finn"],
    "handle": BOOKED.hex(),
}


def rules(**store: object) -> dict[str, Any]:
    return {"keys": KEYS, "stores": {"S1": {**STORE, **store}}, "members": member()}


def code(
    user: bytes = GUEST,
    *,
    starts: timedelta = timedelta(0),
    issued: timedelta = -60 * MINUTE,
    uses: int = 0,
    issuer: Issuer = OFFICE,
) -> bytes:
    """A code that opens for an hour; times are from noon on."""
    start_s, issued_s = (int((NOON + one).timestamp()) for one in (starts, issued))
    stay = Stay(BOOKED, HERE, start_s, 60, ROOM)
    return issuer.b1(stay, user, issued_s, uses=uses).encode()


async def test_a_booking_that_nobody_has_heard_of_opens_in_and_out(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(code()) == OK
        assert await rig.leave(code()) == OK
        await rig.written()
        came, left = rig.records("passage")
        assert (came["code_kind"], came["member"]) == ("B1", GUEST.hex())
        assert (came["via"], came["delta"]) == (f"booking:{BOOKED.hex()}", 0)
        assert (left["decision"], left["warnings"]) == ("ALLOW", ["EXIT_UNKNOWN_MEMBER"])


async def test_a_member_who_came_by_a_booking_leaves_without_a_word(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(code(HANDLE)) == OK
        await rig.clock.advance(74 * 60_000)
        assert await rig.leave(code(HANDLE)) == OK
        await rig.written()
        assert rig.records("passage")[-1]["warnings"] == ["EXIT_CODE_EXPIRED"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (code(starts=MINUTE), Reason.CODE_NOT_YET_VALID),
        (code(starts=-60 * MINUTE), Reason.CODE_EXPIRED),
        (code(issuer=Issuer("acme", 5, bytes(32))), Reason.CODE_BAD_SIGNATURE),
        (code(issuer=Issuer("acme-2", 5, b"\x05" * 32)), Reason.CODE_BAD_SIGNATURE),
        (code(issuer=ISSUER), Reason.CODE_UNKNOWN_KEY),
        (code(issuer=STAFF_ISSUER), Reason.CODE_UNKNOWN_KEY),
    ],
)
async def test_what_is_not_for_now_or_not_of_the_office_opens_nothing(
    tmp_path: Path, text: bytes, reason: Reason
) -> None:
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(text) == signal(reason)
        assert rig.lock.releases == []
        timely = reason in {Reason.CODE_NOT_YET_VALID, Reason.CODE_EXPIRED}
        assert await rig.leave(text) == (OK if timely else signal(reason))


@pytest.mark.parametrize("later", [-1, 0, 1])
@pytest.mark.parametrize("user", [HANDLE, GUEST])
async def test_a_code_sent_on_payment_beats_an_older_unpaid(
    tmp_path: Path, later: int, user: bytes
) -> None:
    at = datetime.fromisoformat("2026-11-04T11:00:00+09:00") + later * MINUTE
    booked = {"RB1": {**RESERVED, "changed_at": at.isoformat()}}
    async with running(tmp_path, **rules(room_bookings=booked)) as rig:
        shown = await rig.enter(code(user))
        assert shown == (OK if later < 0 else signal(Reason.BOOKING_UNPAID))


async def test_uses_count_in_the_grants_transaction_and_per_user(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        for _ in range(2):
            assert await rig.enter(code(uses=2)) == OK
            await again(rig)
        assert await rig.enter(code(uses=2)) == USED
        assert rig.records("passage")[-1]["reason"] == "CODE_USED"
        sent_again = code(uses=2, issued=-30 * MINUTE)
        assert await rig.enter(sent_again) == USED
        assert await rig.enter(code(HANDLE, uses=2)) == OK
        assert await rig.leave(code(uses=2)) == OK  # nobody is held in


async def test_uses_are_known_after_a_restart_and_given_back_after_a_fault(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(code(uses=1))
        await rig.written()
        rig.lock.refuses = None
        await again(rig)
        assert await rig.enter(code(uses=1)) == OK
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(code(uses=1)) == USED


async def test_uses_are_forgotten_when_nothing_is_left_to_use(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        await rig.enter(code(uses=1))
        later = limits.SPENT_KEPT + 61 * MINUTE

        def kept(ledger: Ledger) -> int:
            return ledger.booking_uses(BOOKED.hex(), GUEST.hex())

        for after, count in ((later - 2 * MINUTE, 1), (later, 0)):
            rig.clock.wall = NOON + after
            assert await rig.enter(code(HANDLE, uses=3, starts=after, issued=after)) == OK
            assert await rig.journal.commit(kept) == count


@pytest.mark.parametrize("user", [HANDLE, GUEST])
async def test_without_a_disk_only_members_come_in_and_no_oftener(
    tmp_path: Path, user: bytes
) -> None:
    settings = {"disk_failure_policy": "members"}
    async with running(tmp_path, **rules(), settings=settings) as rig:
        await rig.stop_journal()
        known = user == HANDLE
        refused = signal(Reason.RECORD_FAILED)
        assert await rig.enter(code(user, uses=1)) == (OK if known else refused)
        await again(rig)
        assert await rig.enter(code(user, uses=1)) == (USED if known else refused)
        assert await rig.enter(code(user, starts=MINUTE)) == signal(Reason.CODE_NOT_YET_VALID)


async def test_in_a_lockdown_no_booking_opens(tmp_path: Path) -> None:
    async with two_doors(tmp_path, **rules()) as house:
        house.emergency.lockdown_switch(active=True)
        assert await house.rig.enter(code()) == signal(Reason.LOCKDOWN)


async def test_at_a_device_that_is_off_no_booking_opens(tmp_path: Path) -> None:
    async with running(tmp_path, **rules(), devices=devices(enabled=False)) as rig:
        assert await rig.enter(code()) == signal(Reason.DEVICE_DISABLED)


async def test_a_counter_does_nothing_for_a_booking(tmp_path: Path) -> None:
    desk = devices(mode="APP", door=None, qualify=["seat"], loyalty=True)
    async with running(tmp_path, **rules(), devices=desk) as rig:
        assert await rig.enter(code(HANDLE)) == signal(Reason.DEVICE_NOT_QUALIFIED)


@pytest.mark.parametrize("user", [HANDLE, GUEST])
@pytest.mark.parametrize("edge", [-0.5, 59.5])
async def test_a_window_that_ends_within_the_clocks_error_is_a_members(
    tmp_path: Path, user: bytes, edge: float
) -> None:
    async with running(tmp_path, **rules()) as rig:
        unsure = Unsure(NOON + edge * MINUTE)
        rig.way_in._ports = replace(rig.ports, clock=unsure)
        known = user == HANDLE
        assert await rig.enter(code(user)) == (OK if known else signal(Reason.CLOCK_UNTRUSTED))


async def test_a_code_tells_a_clock_that_nobody_confirms_the_time(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        rig.clock.state = ClockState.RESTORED
        rig.clock.step_wall(timedelta(hours=-9))
        await rig.enter(code(HANDLE))
        assert rig.clock.now().at == NOON - 60 * MINUTE
