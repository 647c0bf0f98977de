import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.typing import EventDict

from edged import limits
from edged.core import events
from edged.core.alarm_words import AlarmName
from edged.records.keeping import Keeping
from edged.store.errors import SchemaTooNew
from edged.store.ledger import Ledger
from tests.edged.fakes import NOON, settle, until
from tests.edged.rig import Rig, load_rules

LATER = NOON + timedelta(hours=1)
SETTINGS = {"device": "01", "doors.front.lock.pin": "02"}


@pytest.fixture
def keeping(rig: Rig) -> Keeping:
    return Keeping(rig.ports, "S1-FRONT", "1.2.3", SETTINGS)


@pytest.fixture
async def kept(rig: Rig, keeping: Keeping) -> AsyncIterator[asyncio.Task[None]]:
    """The journal is served by `Keeping.run`."""
    await rig.stop_journal()
    task = asyncio.create_task(keeping.run())
    await until(keeping._tried[0].is_set)  # the journal; nobody reads rules here
    yield task
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def soon() -> float:
    return asyncio.get_running_loop().time() + limits.COMMIT_S


def keep_last_seen(ledger: Ledger) -> None:
    ledger.put("last_seen", events.stamp_text(LATER))


async def test_an_unclean_stop_is_seen_at_the_next_start(rig: Rig, keeping: Keeping) -> None:
    await keeping.began(soon())
    await rig.written()
    await keeping.began(soon())  # the one before was killed
    await rig.written()
    await keeping.end()
    await keeping.began(soon())
    await rig.written()
    records = [(one["kind"], one.get("clean")) for one in rig.records()]
    assert records == [
        ("started", True),
        ("settings_active", None),
        ("rules_active", None),
        ("started", False),
        ("stopped", None),
        ("started", True),
    ]
    first = rig.records()[0]
    assert (first["device"], first["release"]) == ("S1-FRONT", "1.2.3")


async def test_time_goes_on_where_it_was_last_seen(rig: Rig, keeping: Keeping) -> None:
    await rig.journal.commit(keep_last_seen)
    await keeping.began(soon())
    assert rig.clock.floor == LATER


async def test_also_when_the_journal_opens_late(rig: Rig, keeping: Keeping) -> None:
    await rig.journal.commit(keep_last_seen)
    await rig.stop_journal()
    await keeping.began(soon())
    assert rig.clock.floor < NOON
    await rig.start_journal()
    await rig.written()
    assert rig.clock.floor == LATER
    assert len(rig.records("started")) == 1


async def test_no_time_is_older_than_the_rules(rig: Rig, keeping: Keeping) -> None:
    await keeping.began(soon())
    assert rig.rules.rules is not None
    assert rig.clock.floor == rig.rules.rules.issued_at


async def test_rules_are_recorded_when_they_change(
    rig: Rig, keeping: Keeping, tmp_path: Path
) -> None:
    for _ in range(3):
        keeping.rules_changed()
    load_rules(tmp_path / "rules", 2)
    await rig.rules.reload()
    for _ in range(2):
        keeping.rules_changed()
    await rig.written()
    active = rig.records("rules_active")
    assert [one["version"] for one in active] == [1, 2]
    assert active[1]["fingerprint"] == rig.rules.fingerprint


async def test_settings_are_recorded_when_they_change(rig: Rig) -> None:
    others = {"device": "01", "doors.front.lock.pin": "03", "fire": "04"}
    for now in (SETTINGS, SETTINGS, others, others, SETTINGS):
        await Keeping(rig.ports, "S1-FRONT", "1.2.3", now).began(soon())
    await rig.written()
    active = rig.records("settings_active")
    differ = ["doors.front.lock.pin", "fire"]
    assert [one["changed"] for one in active] == [[], differ, differ]
    assert active[0]["fingerprint"] == active[2]["fingerprint"] != active[1]["fingerprint"]


async def test_without_rules_none_are_recorded(rig: Rig, keeping: Keeping) -> None:
    await rig.rules.close()
    await keeping.began(soon())
    await rig.written()
    assert [one["kind"] for one in rig.records()] == ["started", "settings_active"]


@pytest.mark.parametrize("state", ["stuck", "closed"])
async def test_a_dead_disk_does_not_hold_up_the_end(
    rig: Rig,
    keeping: Keeping,
    logged: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    held = None
    if state == "stuck":
        held = await rig.hold_journal()
    else:
        await rig.stop_journal()
    await keeping.end()
    assert logged[-1]["event"] == "ended_unrecorded"
    if held is not None:
        held.let_go.set()


@pytest.mark.parametrize("clean", [True, False])
async def test_after_a_start_the_journal_is_looked_through(
    rig: Rig, keeping: Keeping, monkeypatch: pytest.MonkeyPatch, clean: bool
) -> None:
    looks: list[str] = []

    async def look() -> None:
        looks.append("all of it")

    monkeypatch.setattr(rig.journal, "look_through", look)
    await rig.journal.commit(lambda ledger: ledger.put("running", value=not clean))
    looking = asyncio.create_task(keeping.look_through())
    await keeping.began(soon())
    await rig.written()
    await settle()
    assert looks == ["all of it"]
    assert not looking.done()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def test_all_that_waits_is_recorded_before_the_end(rig: Rig, keeping: Keeping) -> None:
    for number in range(3 * limits.RECORDS_AT_ONCE):
        rig.recorder.append({"kind": "note", "name": str(number)})
    rig.recorder.lose()
    await keeping.end()
    assert len(rig.records("note")) == 3 * limits.RECORDS_AT_ONCE
    assert len(rig.records("gap")) == 1
    assert rig.records()[-1]["kind"] == "stopped"


async def test_a_journal_that_failed_is_opened_again(rig: Rig, kept: asyncio.Task[None]) -> None:
    await until(lambda: rig.journal.failed is None)
    await rig.break_writing()
    await until(lambda: bool(rig.alarms.listing()))
    [alarm] = rig.alarms.listing()
    assert (alarm["source"], alarm["alarm"]) == ("journal", AlarmName.STORE_FAILED)
    assert rig.journal.failed is not None
    await until(lambda: limits.REOPEN_MS[1] in rig.clock.sleeping_ms)
    await rig.clock.advance(limits.REOPEN_MS[1])
    await until(lambda: rig.journal.failed is None)
    await rig.written()
    assert [one["alarm"] for one in rig.records("alarm")] == [AlarmName.STORE_FAILED]
    assert not kept.done()


async def test_a_journal_that_cannot_be_opened_is_tried_again(
    rig: Rig, keeping: Keeping, logged: list[EventDict]
) -> None:
    await rig.stop_journal()
    rig.path.rename(rig.path.with_suffix(".away"))
    rig.path.mkdir()
    task = asyncio.create_task(keeping.run())
    await until(keeping._tried[0].is_set)  # the journal; nobody reads rules here
    assert [one["event"] for one in logged] == ["journal_failed", "alarm"]
    await until(lambda: limits.REOPEN_MS[1] in rig.clock.sleeping_ms)
    rig.path.rmdir()
    await rig.clock.advance(limits.REOPEN_MS[1])
    await until(lambda: rig.journal.failed is None)
    await settle()
    assert await rig.journal.commit(lambda ledger: ledger.get("running")) is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_newer_releases_journal_is_left_alone(rig: Rig, keeping: Keeping) -> None:
    await rig.stop_journal()
    with closing(sqlite3.connect(rig.path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew):
        await keeping.run()


async def test_a_start_does_not_wait_for_ever_for_a_disk_that_hangs(
    rig: Rig, keeping: Keeping
) -> None:
    by_s = asyncio.get_running_loop().time() + 0.01
    await keeping.opened(by_s)  # nobody has begun to open it
    held = await rig.hold_journal()
    await keeping.began(by_s)
    held.let_go.set()
    await rig.written()
    assert len(rig.records("started")) == 1


async def test_rules_that_cannot_be_read_are_tried_again(
    rig: Rig, keeping: Keeping, logged: list[EventDict], tmp_path: Path
) -> None:
    await rig.rules.close()
    active = (tmp_path / "rules" / "rules.db").resolve()
    whole = active.read_bytes()
    active.write_bytes(b"no rules")
    reading = asyncio.create_task(keeping.read_rules())
    await until(lambda: limits.REOPEN_MS[1] in rig.clock.sleeping_ms)
    assert (logged[-1]["event"], rig.rules.rules) == ("rules_not_read", None)
    active.write_bytes(whole)
    await rig.clock.advance(limits.REOPEN_MS[1])
    await reading
    await rig.written()
    assert [one["kind"] for one in rig.records()] == ["rules_active"]


async def test_rules_that_came_meanwhile_are_not_read_again(
    rig: Rig, keeping: Keeping, tmp_path: Path
) -> None:
    await rig.rules.close()
    (tmp_path / "rules" / "rules.db").resolve().write_bytes(b"no rules")
    reading = asyncio.create_task(keeping.read_rules())
    await until(lambda: limits.REOPEN_MS[1] in rig.clock.sleeping_ms)
    load_rules(tmp_path / "rules", 2)
    await rig.rules.reload()
    opened = rig.rules._opened
    await rig.clock.advance(limits.REOPEN_MS[1])
    await reading
    assert rig.rules._opened is opened
