"""What an entry or a leaving hangs on beside the rules, tried at a door."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import DeviceLost
from edged import limits
from edged.clock import ClockState, Instant
from edged.store.ledger import Ledger
from hil.issuer import forged
from policy.model import Reason, Verdict
from tests.edged.fakes import FakeClock, settle, until
from tests.edged.rig import ISSUER, Rig, running, signal

HOUR = timedelta(hours=1)
OK = signal(Reason.OK)
HANDLE = b"finn...."


def devices(**front_in: object) -> dict[str, Any]:
    return {
        "front-in": {"store": "S1", "door": "front", "side": "IN", **front_in},
        "front-out": {"store": "S1", "door": "front", "side": "OUT"},
    }


def member(**more: object) -> dict[str, Any]:
    """One more person, with what is said and a printed code."""
    return {"finn": {"handle": HANDLE.hex(), **more}}


CODE = ISSUER.f1(HANDLE, 1).encode()
TICKET = {"id": "T1", "type": "ENTRY", "remaining": 1, "valid_from": "2026-11-01"}
BOOKING = {
    "id": "B1",
    "store": "S1",
    "program": "YOGA",
    "start": "2026-11-04T12:00:00+09:00",
    "end": "2026-11-04T13:00:00+09:00",
    "status": "CONFIRMED",
    "paid": True,
}
CONTRACT = {"id": "C1", "plan": "DAY8", "start": "2026-01-01"}


def used(rig: Rig) -> list[str]:
    return sorted(str(key) for owner in ("C1", "T1") for key in rig.used(owner))


async def again(rig: Rig) -> None:
    """Let so much time pass that a code is presented anew."""
    await rig.clock.advance(6_000)


@pytest.mark.threat("A15")
async def test_a_ticket_is_used_once_and_given_back_after_a_fault(tmp_path: Path) -> None:
    async with running(tmp_path, members=member(tickets=[TICKET])) as rig:
        rig.gate.contact(is_open=False)
        rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(CODE)
        await rig.written()
        assert (used(rig), rig.lock.releases) == ([], [])
        rig.lock.refuses = None
        await again(rig)
        assert await rig.enter(CODE) == OK
        assert used(rig) == ["T1/*/2026-11-04"]
        await again(rig)
        assert await rig.enter(CODE) == OK  # the same day
        await rig.clock.advance(24 * 3_600_000)
        assert await rig.enter(CODE) == signal(Reason.TICKET_USED_UP)
        assert [one["delta"] for one in rig.records("passage")] == [1, 1, 0, 0]


async def test_every_entry_of_a_day_supports_its_key(tmp_path: Path) -> None:
    async with running(tmp_path, members=member(contracts=[CONTRACT])) as rig:
        await rig.enter(CODE)
        await again(rig)
        await rig.enter(CODE)
        assert [one["delta"] for one in rig.records("passage")] == [1, 0]
        await rig.journal.commit(lambda ledger: ledger.withdraw("event-1"))
        assert used(rig) == ["C1/NOW/2026-11-04"]
        await rig.journal.commit(lambda ledger: ledger.withdraw("event-2"))
        assert used(rig) == []


@pytest.mark.parametrize("consume_on", ["grant", "door_opened"])
@pytest.mark.parametrize("opened", [True, False])
async def test_when_an_entry_counts_is_a_setting(
    tmp_path: Path, consume_on: str, opened: bool
) -> None:
    people, settings = member(tickets=[TICKET]), {"consume_on": consume_on}
    async with running(tmp_path, members=people, settings=settings) as rig:
        rig.gate.contact(is_open=False)
        await rig.enter(CODE)
        await rig.clock.advance(0 if opened else 2_600)
        rig.gate.contact(is_open=opened)
        await until(lambda: rig.gate.state.pending == ())
        await rig.written()
        [outcome] = rig.records("outcome")
        assert outcome["outcome"] == ("DOOR_OPENED" if opened else "DOOR_NOT_OPENED")
        counts = opened or consume_on == "grant"
        assert used(rig) == (["T1/*/2026-11-04"] if counts else [])
        visit = await rig.journal.commit(lambda ledger: ledger.visit("finn", "S1"))
        assert (visit is not None) is opened  # nobody came in through a shut door


async def test_a_paid_booking_is_marked_as_attended(tmp_path: Path) -> None:
    people = member(bookings=[BOOKING])
    async with running(tmp_path, members=people, devices=devices(auto_check_in=True)) as rig:
        await rig.enter(CODE)
        [passage] = rig.records("passage")
        assert (passage["via"], passage["checks_in"]) == ("booking:B1", "B1")


async def test_a_booking_is_marked_as_attended_once(tmp_path: Path) -> None:
    later = {**BOOKING, "id": "B2", "start": "2026-11-04T12:30:00+09:00"}
    people = member(bookings=[BOOKING, later])
    inwards = devices(auto_check_in=True, booking_early_min=10)
    async with running(tmp_path, members=people, devices=inwards) as rig:
        for _ in range(2):
            await rig.enter(CODE)
            await again(rig)
        await rig.clock.advance(25 * 60_000)
        for _ in range(2):
            await rig.enter(CODE)
            await again(rig)
        told = [one.get("checks_in") for one in rig.records("passage")]
        assert told == ["B1", None, "B2", None]


@pytest.mark.parametrize("result", ["fault", "not opened"])
async def test_who_did_not_come_in_did_not_attend(tmp_path: Path, result: str) -> None:
    people, inwards = member(bookings=[BOOKING]), devices(auto_check_in=True)
    async with running(tmp_path, members=people, devices=inwards) as rig:
        rig.gate.contact(is_open=False)
        if result == "fault":
            rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(CODE)
        rig.lock.refuses = None
        await again(rig)
        rig.gate.contact(is_open=False)
        await until(lambda: rig.gate.state.pending == ())
        await rig.written()
        await rig.enter(CODE)
        assert [one.get("checks_in") for one in rig.records("passage")] == ["B1", "B1"]


# --- being inside already


@pytest.mark.threat("A18")
@pytest.mark.parametrize("mode", ["off", "soft", "hard"])
async def test_whoever_is_inside_meets_the_passback_rule(tmp_path: Path, mode: str) -> None:
    settings = {"anti_passback": mode}
    async with running(tmp_path, members=member(contracts=[CONTRACT]), settings=settings) as rig:
        await rig.enter(CODE)
        await again(rig)
        shown = await rig.enter(CODE)
        assert shown == (signal(Reason.ANTI_PASSBACK) if mode == "hard" else OK)
        warnings = rig.records("passage")[-1]["warnings"]
        assert warnings == (["WARN_PASSBACK"] if mode == "soft" else [])
        await rig.leave(CODE)
        await rig.written()
        await again(rig)
        assert await rig.enter(CODE) == OK
        assert rig.records("passage")[-1]["warnings"] == []


@pytest.mark.parametrize("result", ["fault", "not opened"])
async def test_who_did_not_come_in_is_not_inside(tmp_path: Path, result: str) -> None:
    settings = {"anti_passback": "hard"}
    async with running(tmp_path, members=member(contracts=[CONTRACT]), settings=settings) as rig:
        rig.gate.contact(is_open=False)
        if result == "fault":
            rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(CODE)
        rig.lock.refuses = None
        await again(rig)
        rig.gate.contact(is_open=False)
        await until(lambda: rig.gate.state.pending == ())
        await rig.written()
        assert await rig.enter(CODE) == OK


async def test_an_old_visit_is_forgotten(tmp_path: Path) -> None:
    people = {**member(contracts=[{**CONTRACT, "plan": "FREE"}])}
    async with running(tmp_path, members=people, settings={"visit_max_h": 24}) as rig:
        await rig.enter(CODE)
        await rig.clock.advance(24 * 3_600_000 + 1)
        await rig.leave(CODE)
        await rig.written()
        assert rig.records("passage")[-1]["warnings"] == ["EXIT_NO_ENTRY"]


# --- a code that works once


@pytest.mark.threat("A15")
async def test_a_single_use_code_lets_in_once(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"code_single_use": True}) as rig:
        code = rig.code()
        assert await rig.enter(code) == OK
        await again(rig)
        assert await rig.enter(code) == signal(Reason.CODE_USED)
        assert rig.records("passage")[-1]["reason"] == "CODE_USED"
        assert await rig.leave(code) == OK  # nobody is held in
        await rig.written()
        assert await rig.enter(rig.code()) == OK
        printed = rig.code("eun")
        for _ in range(2):
            await again(rig)
            assert await rig.enter(printed) == OK


async def test_a_code_that_let_nobody_in_is_not_used_up(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"code_single_use": True}) as rig:
        later = rig.code("boram")
        assert await rig.enter(later) == signal(Reason.OUT_OF_BAND)
        await until(lambda: len(rig.light_in.shown) == 2)  # and when it is time
        code = rig.code()
        rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(code)
        rig.lock.refuses = None
        await again(rig)
        await rig.written()
        assert await rig.enter(code) == OK
        await again(rig)
        assert await rig.enter(later) == signal(Reason.OUT_OF_BAND)


async def test_used_codes_are_forgotten_when_they_have_expired(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"code_single_use": True}) as rig:
        await rig.enter(rig.code())
        rig.clock.step_wall(limits.SPENT_KEPT - 2 * HOUR)
        await rig.enter(rig.code("eun"))
        await rig.enter(rig.code())
        rig.clock.step_wall(3 * HOUR)
        await rig.enter(rig.code("chen"))

        def kept(ledger: Ledger) -> int:
            (count,) = ledger._db.execute("SELECT count(*) FROM spent").fetchone()
            assert isinstance(count, int)
            return count

        granted = [one for one in rig.records("passage") if one["decision"] == "ALLOW"]
        phones = sum(one["code_kind"] == "M1" for one in granted)
        assert await rig.journal.commit(kept) == phones - 1


# --- time


class Unsure(FakeClock):
    """A confirmed clock that may be a minute off, either way."""

    def now(self) -> Instant:
        error = timedelta(minutes=1)
        known = super().now()
        return replace(known, earliest=known.at - error, latest=known.at + error)


@pytest.mark.parametrize("minutes", [-2, -0.5, 0.5, 2])
async def test_a_boundary_within_the_clocks_error_is_settled_by_the_cloud(
    tmp_path: Path, minutes: float
) -> None:
    people = member(contracts=[{**CONTRACT, "plan": "DAY1"}])  # its band closes at 14:00
    async with running(tmp_path, members=people) as rig:
        unsure = Unsure(rig.clock.wall + 2 * HOUR + timedelta(minutes=minutes))
        for way in (rig.way_in, rig.way_out):
            way._ports = replace(rig.ports, clock=unsure)
        await rig.enter(CODE)
        [passage] = rig.records("passage")
        doubted = abs(minutes) < 1
        assert passage["decision"] == ("ALLOW" if minutes < 1 else "DENY")
        assert passage.get("unsettled", False) is doubted
        assert passage["warnings"] == (["WARN_CLOCK_UNTRUSTED"] if doubted else [])
        assert used(rig) == (["C1/NOW/2026-11-04"] if minutes < 1 else [])
        await rig.leave(CODE)
        await rig.written()
        assert rig.records("passage")[-1]["decision"] == "ALLOW"


@pytest.mark.fault("clock-in-doubt")
async def test_who_comes_in_by_an_untrusted_clock_is_unsettled(rig: Rig) -> None:
    rig.clock.state = ClockState.RESTORED
    await rig.enter(rig.code())
    [passage] = rig.records("passage")
    assert (passage["unsettled"], passage["delta"]) == (True, 0)


@pytest.mark.threat("B8")
@pytest.mark.parametrize("policy", ["normal", "deny"])
async def test_old_rules_are_told(tmp_path: Path, policy: str) -> None:
    settings = {"stale_policy": policy, "rules_max_age_h": 1}
    async with running(tmp_path, settings=settings) as rig:
        await rig.clock.advance(60_000)  # they are an hour old at the start
        shown = await rig.enter(rig.code())
        [passage] = rig.records("passage")
        assert passage["warnings"] == ["WARN_RULES_STALE"]
        assert shown == (OK if policy == "normal" else signal(Reason.RULES_STALE))


# --- devices that are no doors of ours


@pytest.mark.parametrize("who", ["aiko", "dan"])
async def test_a_device_that_only_reports_moves_nothing(tmp_path: Path, who: str) -> None:
    reporting: dict[str, Any] = {
        name: {**device, "mode": "RECORD_ONLY"} for name, device in devices().items()
    }
    async with running(tmp_path, devices=reporting) as rig:
        assert await rig.enter(rig.code(who)) == OK
        await rig.leave(rig.code(who))
        await rig.written()
        await settle()
        assert rig.lock.releases == []
        came, left = rig.records("passage")
        assert {came["decision"], left["decision"]} == {Verdict.RECORDED}
        assert (came["mode"], came["delta"]) == ("RECORD_ONLY", 1)
        assert came["warnings"] == ([] if who == "aiko" else ["WARN_SUSPENDED"])


async def test_a_counter_terminal_moves_a_lock_if_there_is_one(tmp_path: Path) -> None:
    async with running(tmp_path, devices=devices(mode="APP", qualify=["plan"])) as rig:
        assert await rig.enter(rig.code()) == OK
        assert await rig.enter(rig.code("boram")) == signal(Reason.OUT_OF_BAND)
        assert rig.lock.releases == [2_000]


# --- the way out


UNKNOWN: Mapping[str, bytes] = {
    "noise": b"\xff\x00",
    "forged": forged(CODE.decode()).encode(),
}


@pytest.mark.parametrize("unlock", [True, False])
@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
async def test_unknown_codes_open_the_way_out_if_the_rules_say_so(
    tmp_path: Path, text: bytes, unlock: bool
) -> None:
    async with running(tmp_path, settings={"exit_unlock_unknown": unlock}) as rig:
        assert await rig.enter(text) == signal(Reason.CODE_UNREADABLE)
        assert await rig.leave(text) == (OK if unlock else signal(Reason.CODE_UNREADABLE))
        await rig.written()
        assert rig.lock.releases == ([2_000] if unlock else [])
        told = [(one["member"], one["warnings"]) for one in rig.records("passage")]
        assert told == ([(None, ["EXIT_UNKNOWN_MEMBER"])] if unlock else [])
