from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from drivers.api import Scan
from edged import limits
from edged.clock import ClockState
from edged.store import audit
from edged.store.audit import Verified
from hil.issuer import Issuer, forged, of_other_tenant, with_wrong_key
from policy.model import Plan, Reason, Warn
from tests.edged.fakes import NOON, settle, until
from tests.edged.rig import ISSUER, Rig, running, signal

MINUTE = timedelta(minutes=1)
OK = signal(Reason.OK)


class Broken(Mapping[str, Plan]):
    """Plans that can't be read: a fault in the rules' code."""

    def __getitem__(self, name: str) -> Plan:
        raise ArithmeticError("a bug")

    def __iter__(self) -> Iterator[str]:
        raise ArithmeticError("a bug")

    def __len__(self) -> int:
        raise ArithmeticError("a bug")


# --- coming in


async def test_an_entry_is_on_disk_before_the_bolt_moves(rig: Rig) -> None:
    seen: list[tuple[list[dict[str, Any]], int]] = []
    rig.lock.on_release = lambda: seen.append((rig.records("passage"), len(rig.used())))
    assert await rig.enter(rig.code()) == OK
    [([passage], keys)] = seen
    assert (passage["decision"], passage["reason"], passage["member"]) == ("ALLOW", "OK", "aiko")
    assert passage["usage_keys"] == ["C-aiko/NOW/2026-11-04"]
    assert keys == 1
    assert rig.lock.releases == [2_000]
    assert await rig.journal.commit(lambda ledger: ledger.visit("aiko", "S1")) is not None


async def test_the_settings_bound_what_the_rules_may_ask(tmp_path: Path) -> None:
    doors = {"front": {"store": "S1", "pulse_ms": 60_000}}
    async with running(tmp_path, doors=doors) as rig:
        await rig.enter(rig.code())
        assert rig.lock.releases == [3_000]


REFUSED_ANYWHERE: dict[str, Callable[[Rig], bytes]] = {
    "nothing": lambda _: b"",
    "noise": lambda _: b"\xff\x00" * 5_000,
    "a code cut short": lambda rig: rig.code()[:-1],
    "forged": lambda rig: forged(rig.code().decode()).encode(),
    "of another tenant": lambda _: of_other_tenant(ISSUER).f1(b"eun.....", 1).encode(),
    "of another key": lambda _: with_wrong_key(ISSUER).f1(b"eun.....", 1).encode(),
    "of an unknown key": lambda _: Issuer("acme", 9, b"\x07" * 32).f1(b"eun.....", 1).encode(),
}
REFUSED_IN: dict[str, tuple[Callable[[Rig], bytes], Reason]] = {
    "stopped": (lambda rig: rig.code("dan"), Reason.MEMBER_SUSPENDED),
    "out of hours": (lambda rig: rig.code("boram"), Reason.OUT_OF_BAND),
    "expired": (lambda rig: rig.code(ago=30 * MINUTE), Reason.CODE_EXPIRED),
    "not yet valid": (lambda rig: rig.code(ago=-1.1 * MINUTE), Reason.CODE_NOT_YET_VALID),
    "replaced": (lambda _: ISSUER.f1(b"eun.....", 2).encode(), Reason.CODE_REVOKED),
    "not known yet": (lambda _: ISSUER.f1(b"nobody..", 1).encode(), Reason.MEMBER_NOT_SYNCED),
}
LEAVING = {
    "stopped": [Warn.EXIT_NO_ENTRY, Warn.EXIT_SUSPENDED],
    "out of hours": [Warn.EXIT_NO_ENTITLEMENT, Warn.EXIT_NO_ENTRY],
    "expired": [Warn.EXIT_CODE_EXPIRED, Warn.EXIT_NO_ENTRY],
    "not yet valid": [Warn.EXIT_CODE_NOT_YET_VALID, Warn.EXIT_NO_ENTRY],
    "replaced": [Warn.EXIT_CODE_REVOKED, Warn.EXIT_NO_ENTRY],
    "not known yet": [Warn.EXIT_UNKNOWN_MEMBER],
}


@pytest.mark.parametrize("code", REFUSED_ANYWHERE.values(), ids=REFUSED_ANYWHERE)
async def test_what_proves_nothing_opens_neither_way(
    rig: Rig, code: Callable[[Rig], bytes]
) -> None:
    for present in (rig.enter, rig.leave):
        assert await present(code(rig)) == signal(Reason.CODE_UNREADABLE)
    await rig.written()
    assert rig.lock.releases == []
    assert rig.records("passage") == []


@pytest.mark.parametrize("case", REFUSED_IN)
async def test_who_may_not_come_in_is_told_and_recorded(rig: Rig, case: str) -> None:
    code, reason = REFUSED_IN[case]
    assert await rig.enter(code(rig)) == signal(reason)
    [passage] = rig.records("passage")
    assert (passage["decision"], passage["reason"], passage["delta"]) == ("DENY", reason, 0)
    assert rig.lock.releases == []


@pytest.mark.parametrize("case", REFUSED_IN)
async def test_whoever_has_a_signed_code_may_leave(rig: Rig, case: str) -> None:
    code, _ = REFUSED_IN[case]
    assert await rig.leave(code(rig)) == OK
    assert rig.lock.releases == [2_000]
    await rig.written()
    [passage] = rig.records("passage")
    assert (passage["decision"], passage["warnings"]) == ("ALLOW", LEAVING[case])


@pytest.mark.fault("disk-fails")
async def test_without_a_disk_nobody_comes_in(rig: Rig, logged: list[EventDict]) -> None:
    await rig.stop_journal()
    assert await rig.enter(rig.code()) == signal(Reason.RECORD_FAILED)
    assert await rig.enter(rig.code("eun")) == signal(Reason.RECORD_FAILED)
    assert rig.lock.releases == []
    assert [line["event"] for line in logged].count("entry_not_recorded") == 2
    await rig.start_journal()
    await rig.written()
    assert [(one["kind"], one["lost"]) for one in rig.records()] == [("gap", 2)]


async def test_a_commit_that_comes_too_late_opens_nothing_and_counts_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_S", 0.3)  # the member is found well within it
    held = await rig.hold_journal()
    assert await rig.enter(rig.code()) == signal(Reason.RECORD_FAILED)
    held.let_go.set()
    await rig.written()
    assert [(one["kind"], one.get("outcome")) for one in rig.records()] == [
        ("passage", None),
        ("outcome", "DOOR_NOT_OPENED"),
    ]
    assert rig.used() == frozenset()
    assert rig.lock.releases == []


@pytest.mark.fault("rules-broken")
@pytest.mark.threat("B5")
async def test_a_fault_in_the_rules_code_reads_as_no(rig: Rig, logged: list[EventDict]) -> None:
    rules = rig.rules.rules
    assert rules is not None
    rig.put_rules(replace(rules, plans=Broken()))
    assert await rig.enter(rig.code()) == signal(Reason.INTERNAL_ERROR)
    [passage] = rig.records("passage")
    assert (passage["decision"], passage["reason"]) == ("DENY", "INTERNAL_ERROR")
    assert rig.lock.releases == []
    assert "decision_failed" in [line["event"] for line in logged]
    rig.put_rules(rules)
    assert await rig.enter(rig.code()) == OK


@pytest.mark.threat("B5")
@pytest.mark.parametrize("way", ["in", "out"])
async def test_a_fault_anywhere_else_reads_as_no_and_stops_nobody(
    rig: Rig, logged: list[EventDict], way: str
) -> None:
    rules = rig.rules.rules
    assert rules is not None
    present = {"in": rig.enter, "out": rig.leave}[way]
    rig.put_rules(replace(rules, stores={}))
    shown = await present(rig.code())
    await rig.written()
    rig.put_rules(rules)
    assert await present(rig.code()) == OK
    await rig.written()
    assert [one["lost"] for one in rig.records("gap")] == [1]
    if way == "in":
        assert shown == signal(Reason.INTERNAL_ERROR)
        assert rig.lock.releases == [2_000]
        assert "scan_failed" in [line["event"] for line in logged]
    else:
        assert shown == OK
        assert len(rig.lock.releases) == 2


@pytest.mark.fault("door-swamped")
async def test_a_swamped_door_moves_nothing_and_says_so(rig: Rig) -> None:
    rig.lock.answers.clear()
    for _ in range(limits.GATE_MAILBOX + 1):
        rig.gate.button(pressed=True)
        await settle()
    assert await rig.enter(rig.code()) == signal(Reason.INTERNAL_ERROR)
    assert await rig.leave(rig.code()) == signal(Reason.INTERNAL_ERROR)
    await rig.written()
    assert [one["outcome"] for one in rig.records("outcome")] == ["LOCK_FAULT", "LOCK_FAULT"]
    assert rig.used() == frozenset()
    assert [one["alarm"] for one in rig.alarms.listing()] == ["LOCK_FAULT"]


@pytest.mark.fault("clock-in-doubt")
@pytest.mark.parametrize("who", ["aiko", "dan"])
async def test_without_a_clock_only_the_stopped_stay_out(rig: Rig, who: str) -> None:
    rig.clock.state = ClockState.RESTORED
    rig.clock.step_wall(timedelta(hours=-9))
    text = ISSUER.m1(who.encode().ljust(8, b"."), int(NOON.timestamp()), 30, 5).encode()
    shown = await rig.enter(text)
    [passage] = rig.records("passage")
    assert (passage["clock"], passage["delta"]) == ("RESTORED", 0)
    if who == "aiko":
        assert (shown, passage["warnings"]) == (OK, ["WARN_CLOCK_UNTRUSTED"])
        assert passage["occurred_at"] == "2026-11-04T03:00:00.000Z"  # as late as the code
    else:
        assert (shown, rig.lock.releases) == (signal(Reason.MEMBER_SUSPENDED), [])


async def test_a_refusal_says_when_next_after_the_answer(rig: Rig) -> None:
    assert await rig.enter(rig.code("boram")) == signal(Reason.OUT_OF_BAND)
    await until(lambda: len(rig.light_in.shown) > 1)
    answer, ahead = rig.light_in.shown
    assert ahead.lines[: len(answer.lines)] == answer.lines
    assert len(ahead.lines) == 2 * len(answer.lines)
    assert replace(ahead, lines=answer.lines) == answer  # to be seen and heard as before


async def test_a_stopped_member_is_told_nothing_more(rig: Rig) -> None:
    assert await rig.enter(rig.code("dan")) == signal(Reason.MEMBER_SUSPENDED)
    heard: list[dict[str, object]] = []
    while not heard:
        await settle()
        heard = await rig.said("ahead")
    assert [(event["ahead"], event["lines"]) for event in heard] == [(None, ())]
    assert len(rig.light_in.shown) == 1


@pytest.mark.threat("A23")
async def test_a_code_from_the_future_does_not_shake_a_confirmed_clock(rig: Rig) -> None:
    ahead = rig.code(ago=-timedelta(hours=1))
    assert await rig.enter(ahead) == signal(Reason.CODE_NOT_YET_VALID)
    assert rig.clock.floor < NOON + timedelta(hours=1)
    assert rig.clock.now().trusted
    assert rig.lock.releases == []


# --- going out


@pytest.mark.parametrize("state", ["well", "closed", "failed", "full"])
async def test_leaving_comes_before_its_record(rig: Rig, state: str) -> None:
    assert await rig.enter(rig.code()) == OK
    await rig.written()
    broken = {
        "closed": rig.stop_journal,
        "failed": rig.break_journal,
        "full": rig.fill_journal,
    }
    if state != "well":
        await broken[state]()
    written: list[int] = []
    rig.lock.on_release = lambda: written.append(len(rig.records("passage")) + len(rig.recorder))
    assert await rig.leave(rig.code()) == OK
    rig.gate.button(pressed=True)
    await rig.released(3)
    assert written[0] == 1
    if state != "well":
        await until(lambda: rig.recorder.failing)
        assert len(rig.records("passage")) == 1
        await (rig.empty_journal() if state == "full" else rig.start_journal())
    await rig.written()
    kinds = [one["kind"] for one in rig.records() if one["kind"] != "filler"]
    assert sorted(kinds) == ["exit_button", "passage", "passage"]
    _, leaving = rig.records("passage")
    assert (leaving["side"], leaving["recorded_first"], leaving["warnings"]) == ("OUT", False, [])
    assert await rig.journal.commit(lambda ledger: ledger.visit("aiko", "S1")) is None
    assert isinstance(audit.verify(rig.path), Verified)


async def test_a_leaving_is_told_when_it_is_on_disk(rig: Rig, logged: list[EventDict]) -> None:
    await rig.stop_journal()
    await rig.leave(rig.code())
    await settle()
    assert await rig.said("decided") == []
    await rig.start_journal()
    await rig.written()
    [decided] = await rig.said("decided")
    [passage] = rig.records("passage")
    assert decided["seq"] == passage["seq"]
    assert [line["seq"] for line in logged if line["event"] == "scan_done"] == [passage["seq"]]


@pytest.mark.fault("disk-slow")
async def test_a_stuck_disk_keeps_nobody_in(rig: Rig) -> None:
    held = await rig.hold_journal()
    rig.way_in.scanned(Scan(rig.code()))
    await settle()
    assert await rig.leave(rig.code()) == OK
    rig.gate.button(pressed=True)
    await rig.released(2)
    assert rig.light_in.shown == []
    assert rig.records() == []
    held.let_go.set()
    await rig.released(3)
    await until(lambda: rig.light_in.shown == [OK])


@pytest.mark.fault("rules-unreadable")
@pytest.mark.threat("B5")
@pytest.mark.parametrize("stuck", [True, False])
async def test_rules_that_cannot_be_read_keep_nobody_in(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, stuck: bool
) -> None:
    monkeypatch.setattr(limits, "LOOKUP_S", 0.01)
    held = await rig.hold_rules() if stuck else None
    if not stuck:
        await rig.lose_members()
    assert await rig.leave(rig.code()) == OK
    assert await rig.leave(rig.code("eun")) == OK
    await until(lambda: len(rig.recorder) == 0 and len(rig.records("passage")) == 2)
    assert rig.records("passage")[0]["member"] == b"aiko....".hex()
    assert rig.records("passage")[0]["warnings"] == ["EXIT_UNKNOWN_MEMBER"]
    if held is not None:
        held.let_go.set()
