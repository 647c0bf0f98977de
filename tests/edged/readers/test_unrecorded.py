"""Coming in while it can't be recorded in time (spec/rules.md 3.7 "Failed disk")."""

from datetime import timedelta
from pathlib import Path

import pytest

from drivers.api import Scan
from edged import limits
from edged.readers.feedback import Feedback
from edged.readers.passage import Passage
from policy.model import Reason
from tests.edged.fakes import until
from tests.edged.readers.test_scene import CODE, CONTRACT, devices, member, used
from tests.edged.rig import running, signal

HOUR = timedelta(hours=1)
OK = signal(Reason.OK)
MEMBERS = {"disk_failure_policy": "members"}


@pytest.mark.parametrize("state", ["closed", "full"])
async def test_members_may_be_let_in_without_a_disk_and_it_is_said(
    tmp_path: Path, state: str
) -> None:
    async with running(tmp_path, settings=MEMBERS) as rig:
        await (rig.fill_journal() if state == "full" else rig.stop_journal())
        assert await rig.enter(rig.code("boram")) == OK  # hours are not looked at
        assert await rig.enter(rig.code("dan")) == signal(Reason.MEMBER_SUSPENDED)
        assert await rig.enter(rig.code(ago=HOUR)) == signal(Reason.CODE_EXPIRED)
        assert rig.lock.releases == [2_000]
        assert [one["alarm"] for one in rig.alarms.listing()] == ["STORE_FAILED"]
        await (rig.empty_journal() if state == "full" else rig.start_journal())
        await rig.written()
        [passage] = rig.records("passage")
        assert (passage["member"], passage["decision"]) == ("boram", "ALLOW")
        assert (passage["gap"], passage["recorded_first"], passage["unsettled"]) == (
            True,
            False,
            True,
        )
        assert sum(one["lost"] for one in rig.records("gap")) == 2


async def test_a_record_that_comes_too_late_is_another_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, settings=MEMBERS) as rig:
        monkeypatch.setattr(limits, "COMMIT_S", 0.3)  # the member is found well within it
        held = await rig.hold_journal()
        assert await rig.enter(rig.code()) == OK
        held.let_go.set()
        await rig.written()
        tried, let_in = rig.records("passage")
        assert tried["event_id"] != let_in["event_id"]
        assert ("gap" in tried, let_in["gap"]) == (False, True)
        [outcome] = rig.records("outcome")
        assert (outcome["event_id"], outcome["outcome"]) == (tried["event_id"], "DOOR_NOT_OPENED")
        assert rig.used() == frozenset()
        assert rig.lock.releases == [2_000]


async def test_what_a_device_reports_is_kept_without_a_disk(tmp_path: Path) -> None:
    async with running(tmp_path, devices=devices(mode="RECORD_ONLY")) as rig:
        await rig.stop_journal()
        assert await rig.enter(rig.code()) == OK
        await rig.start_journal()
        await rig.written()
        [passage] = rig.records("passage")
        assert (passage["decision"], passage["gap"]) == ("RECORDED", True)
        assert rig.lock.releases == []


async def test_a_terminal_without_a_door_takes_back_what_came_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = {**devices(), "desk": {"store": "S1", "side": "IN", "mode": "APP"}}
    people = member(contracts=[CONTRACT])
    async with running(tmp_path, devices=terminal, members=people) as rig:
        desk = Passage("desk", None, Feedback(None, rig.clock), rig.ports)
        rig._run(desk.run())
        monkeypatch.setattr(limits, "COMMIT_S", 0.3)  # the member is found well within it
        held = await rig.hold_journal()
        desk.scanned(Scan(CODE))
        await until(lambda: not desk._undecided)
        held.let_go.set()
        await rig.written()
        [tried] = rig.records("passage")
        assert (tried["decision"], tried["door"]) == ("ALLOW", None)
        assert used(rig) == []
        assert await rig.journal.commit(lambda ledger: ledger.visit("finn", "S1")) is None
        assert rig.lock.releases == []


async def test_without_members_to_ask_nobody_comes_in(tmp_path: Path) -> None:
    async with running(tmp_path, settings=MEMBERS) as rig:
        await rig.lose_members()
        assert await rig.enter(rig.code()) == signal(Reason.RECORD_FAILED)
        assert rig.lock.releases == []
