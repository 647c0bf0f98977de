"""Who works here, at a door (spec/rules.md 3.2 E6)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import DeviceLost, Scan
from edged import limits
from edged.clock import ClockState
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from policy.model import Reason
from tests.edged.doors.house import two_doors
from tests.edged.fakes import NOON, settle, until
from tests.edged.readers.test_scene import Unsure, again, devices
from tests.edged.rig import ISSUER, STAFF_ISSUER, Rig, running, signal

HOUR = timedelta(hours=1)
OK = signal(Reason.STAFF)
HANDLE, STORE, STRANGER = b"boss....", b"store--1", b"nobody.."
CARD = STAFF_ISSUER.t2(HANDLE, 3).encode()
S1 = {"tz": "Asia/Tokyo", "handle": STORE.hex(), "bands": {"NOW": "11:00-15:00"}}


def staff(**more: object) -> dict[str, Any]:
    """One person, who may open and has a card of version 3."""
    return {"boss": {"handle": HANDLE.hex(), "roles": ["open"], "version": 3, **more}}


def shown(
    rig: Rig, nonce: int = 1, *, store: bytes = bytes(8), ago: timedelta = timedelta(0)
) -> bytes:
    """The person's code for minutes, issued `ago`."""
    at_s = int((rig.clock.wall - ago).timestamp())
    return STAFF_ISSUER.t1(HANDLE, at_s, 10, nonce, store=store).encode()


async def test_staff_come_in_by_code_and_by_card_and_never_count(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        assert await rig.enter(shown(rig)) == OK
        assert await rig.enter(CARD) == OK
        assert rig.lock.releases == [2_000, 2_000]
        for passage, kind in zip(rig.records("passage"), ("T1", "T2"), strict=True):
            assert (passage["decision"], passage["reason"]) == ("ALLOW", "STAFF")
            assert (passage["code_kind"], passage["via"]) == (kind, "staff:boss")
            assert (passage["member"], passage["staff"]) == (None, "boss")
            assert (passage["usage_keys"], passage["recorded_first"]) == ([], True)
        assert await rig.journal.commit(lambda ledger: ledger.visit("boss", "S1")) is None


async def test_a_use_is_on_disk_before_the_bolt_moves(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        seen: list[int] = []
        rig.lock.on_release = lambda: seen.append(len(rig.records("passage")))
        await rig.enter(shown(rig))
        assert seen == [1]


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"handle": STRANGER.hex()}, Reason.STAFF_UNKNOWN),
        ({"active": False}, Reason.STAFF_UNKNOWN),
        ({"valid_to": "2026-11-03"}, Reason.STAFF_UNKNOWN),
        ({"roles": ["operate", "install", "pass_lockdown"]}, Reason.STAFF_NOT_HERE),
        ({"stores": []}, Reason.STAFF_NOT_HERE),
    ],
)
async def test_who_does_not_work_here_is_told_and_recorded(
    tmp_path: Path, person: dict[str, Any], reason: Reason
) -> None:
    async with running(tmp_path, staff=staff(**person)) as rig:
        for text in (CARD, shown(rig)):
            assert await rig.enter(text) == signal(reason)
        assert rig.lock.releases == []
        who = HANDLE.hex() if "handle" in person else "boss"
        for passage in rig.records("passage"):
            assert (passage["decision"], passage["reason"]) == ("DENY", reason)
            assert (passage["member"], passage["staff"]) == (None, who)


@pytest.mark.parametrize(
    ("ago", "reason"),
    [(-1.1, Reason.CODE_NOT_YET_VALID), (9.9, Reason.STAFF), (10, Reason.CODE_EXPIRED)],
)
async def test_a_staff_code_is_good_for_its_minutes(
    tmp_path: Path, ago: float, reason: Reason
) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        await rig.enter(shown(rig, ago=timedelta(minutes=ago)))
        assert rig.records("passage")[0]["reason"] == reason


@pytest.mark.parametrize(
    ("roles", "reason"),
    [(["open"], Reason.LOCKDOWN), (["open", "pass_lockdown"], Reason.STAFF)],
)
async def test_in_a_lockdown_who_may_passes(
    tmp_path: Path, roles: list[str], reason: Reason
) -> None:
    async with two_doors(tmp_path, staff=staff(roles=roles)) as house:
        house.emergency.lockdown_switch(active=True)
        assert await house.rig.enter(CARD) == signal(reason)
        assert bool(house.rig.lock.releases) == (reason is Reason.STAFF)


async def test_a_replaced_card_opens_no_more(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff(version=4)) as rig:
        assert await rig.enter(CARD) == signal(Reason.CODE_REVOKED)
        assert rig.lock.releases == []


@pytest.mark.threat("A22")
@pytest.mark.parametrize(("store", "here"), [(STORE, True), (bytes(8), True), (b"store--2", False)])
async def test_a_code_for_one_store_opens_that_one(
    tmp_path: Path, store: bytes, here: bool
) -> None:
    async with running(tmp_path, staff=staff(), stores={"S1": S1}) as rig:
        shows = await rig.enter(shown(rig, store=store))
        assert shows == (OK if here else signal(Reason.STAFF_NOT_HERE))
        assert len(rig.lock.releases) == here


async def test_a_store_without_a_handle_is_no_codes_store(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        assert await rig.enter(shown(rig, store=STORE)) == signal(Reason.STAFF_NOT_HERE)


@pytest.mark.threat("A22")
async def test_a_members_key_signs_no_staff_code(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        text = ISSUER.t2(HANDLE, 3).encode()
        assert await rig.enter(text) == await rig.leave(text) == signal(Reason.CODE_UNKNOWN_KEY)
        assert rig.lock.releases == []


# --- a code works once


@pytest.mark.threat("A15")
async def test_a_staff_code_lets_in_once_and_not_after_a_start_either(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        text = shown(rig)
        assert await rig.enter(text) == OK
        await again(rig)
        assert await rig.enter(text) == signal(Reason.CODE_USED)
        assert await rig.enter(shown(rig, 2)) == OK
        assert await rig.leave(text) == OK  # nobody is held in
        await rig.written()
    async with running(tmp_path, staff=staff()) as rig:
        assert await rig.enter(text) == signal(Reason.CODE_USED)
        for _ in range(2):
            await again(rig)
            assert await rig.enter(CARD) == OK


async def test_a_code_is_used_up_by_what_is_recorded_with_it(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        text = shown(rig)
        rig.lock.refuses = DeviceLost("front.lock", "no answer")
        await rig.enter(text)
        rig.lock.refuses = None
        await again(rig)
        await rig.written()
        assert await rig.enter(text) == OK  # the door had not moved


# --- what stops members and no staff


@pytest.mark.fault("disk-full")
async def test_without_a_disk_staff_pass_and_it_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        text = shown(rig)
        await rig.stop_journal()
        assert await rig.enter(text) == OK
        assert await rig.enter(STAFF_ISSUER.t2(STRANGER, 1).encode()) == signal(
            Reason.STAFF_UNKNOWN
        )
        assert await rig.enter(rig.code()) == signal(Reason.RECORD_FAILED)
        assert rig.lock.releases == [2_000]
        assert [one["alarm"] for one in rig.alarms.listing()] == ["STORE_FAILED"]
        await rig.start_journal()
        await rig.written()
        [passage] = rig.records("passage")
        assert (passage["staff"], passage["gap"], passage["recorded_first"]) == (
            "boss",
            True,
            False,
        )
        await again(rig)
        assert await rig.enter(text) == signal(Reason.CODE_USED)  # known with its record


@pytest.mark.parametrize("before", [True, False])
async def test_while_the_disk_fails_a_code_opens_once_at_every_reader(
    tmp_path: Path, before: bool
) -> None:
    async with two_doors(tmp_path, staff=staff()) as house:
        rig, text = house.rig, shown(house.rig)
        if before:
            assert await rig.enter(text) == OK
        await rig.stop_journal()
        if not before:
            assert await rig.enter(text) == OK
        await again(rig)
        assert await rig.enter(text) == signal(Reason.CODE_USED)
        other = Passage("front-in", house.back, Feedback(None, rig.clock), rig.ports)
        rig._run(other.run())
        other.scanned(Scan(text))
        await until(lambda: not other._undecided)
        assert house.magnet.releases == []
        assert await rig.enter(shown(rig, nonce=2)) == OK


async def test_a_code_whose_record_comes_too_late_is_used_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        monkeypatch.setattr(limits, "COMMIT_S", 0.05)
        held, text = await rig.hold_journal(), shown(rig)
        assert await rig.enter(text) == OK
        held.let_go.set()
        await rig.written()
        tried, let_in = rig.records("passage")
        assert ("gap" in tried, let_in["gap"]) == (False, True)
        assert rig.lock.releases == [2_000]
        await again(rig)
        assert await rig.enter(text) == signal(Reason.CODE_USED)


async def test_members_that_cannot_be_read_stop_no_staff(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        await rig.lose_members()
        assert await rig.enter(CARD) == OK


async def test_old_rules_stop_no_staff(tmp_path: Path) -> None:
    settings = {"stale_policy": "deny", "rules_max_age_h": 1}
    async with running(tmp_path, staff=staff(), settings=settings) as rig:
        await rig.clock.advance(60_000)  # they are an hour old at the start
        assert await rig.enter(rig.code()) == signal(Reason.RULES_STALE)
        assert await rig.enter(CARD) == OK
        assert rig.records("passage")[-1]["warnings"] == []


async def test_an_untrusted_clock_stops_no_staff(tmp_path: Path) -> None:
    people = staff(valid_from="2026-11-04")
    async with running(tmp_path, staff=people, settings={"clock_policy": "deny"}) as rig:
        text = shown(rig)
        rig.clock.state = ClockState.RESTORED
        rig.clock.step_wall(-24 * HOUR)
        assert await rig.enter(CARD) == OK
        assert await rig.enter(text) == OK
        assert rig.records("passage")[-1]["occurred_at"] == "2026-11-04T03:00:00.000Z"
        assert rig.clock.now().at >= NOON  # as late as the code


@pytest.mark.parametrize("ago", [-1.5, 9.5, 10.5])
async def test_where_the_clock_leaves_it_open_staff_pass(tmp_path: Path, ago: float) -> None:
    async with running(tmp_path, staff=staff(), settings={"clock_policy": "deny"}) as rig:
        text = shown(rig, ago=timedelta(minutes=ago))
        rig.way_in._ports = replace(rig.ports, clock=Unsure(rig.clock.wall))
        assert await rig.enter(text) == OK


async def test_a_closed_day_stops_no_staff(tmp_path: Path) -> None:
    stores = {"S1": {**S1, "closed": ["2026-11-04"]}}
    async with running(tmp_path, staff=staff(), stores=stores) as rig:
        assert await rig.enter(CARD) == OK


# --- leaving, and devices that are no doors


@pytest.mark.parametrize(
    ("person", "ago", "warnings"),
    [
        ({}, 0, []),
        ({}, 10, ["EXIT_CODE_EXPIRED"]),
        ({"active": False}, 0, ["EXIT_UNKNOWN_MEMBER"]),
    ],
)
async def test_staff_leave_before_it_is_recorded(
    tmp_path: Path, person: dict[str, Any], ago: int, warnings: list[str]
) -> None:
    async with running(tmp_path, staff=staff(**person)) as rig:
        await rig.stop_journal()
        assert await rig.leave(shown(rig, ago=timedelta(minutes=ago))) == OK
        assert rig.lock.releases == [2_000]
        await rig.start_journal()
        await rig.written()
        [passage] = rig.records("passage")
        assert (passage["decision"], passage["warnings"]) == ("ALLOW", warnings)
        assert passage["staff"] == "boss"


async def test_a_counter_does_nothing_for_staff(tmp_path: Path) -> None:
    desk = devices(mode="APP", door=None, qualify=["seat"], loyalty=True)
    async with running(tmp_path, staff=staff(), devices=desk) as rig:
        await rig.enter(CARD)
        assert [one["reason"] for one in rig.records()] == ["STAFF"]


async def test_a_device_that_only_reports_uses_no_code_up(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff(), devices=devices(mode="RECORD_ONLY")) as rig:
        text = shown(rig)
        for _ in range(2):
            assert await rig.enter(text) == OK
            await again(rig)
        assert rig.lock.releases == []


async def test_no_staff_code_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path, staff=staff()) as rig:
        text = shown(rig)
        await rig.enter(text)
        await settle()
        await until(lambda: len(rig.records("passage")) == 1)
        kept = b"".join(path.read_bytes() for path in rig.path.parent.glob("journal.db*"))
        assert b"boss" in kept
        assert text[3:30] not in kept
