import asyncio

import pytest
from structlog.typing import EventDict

from edged import limits
from edged.store import audit
from edged.store.ledger import Ledger
from tests.edged.fakes import settle
from tests.edged.rig import Rig


def broken(_: Ledger) -> None:
    raise ArithmeticError("a bug")


def note(rig: Rig, *names: str | int) -> None:
    for name in names:
        rig.recorder.append({"kind": "note", "name": str(name)})


def names(rig: Rig) -> list[str]:
    return [one.get("name", one["kind"]) for one in rig.records()]


async def back(rig: Rig) -> None:
    """Let the journal work again, and the recorder notice."""
    await rig.start_journal()
    await rig.written()


async def test_records_keep_their_order(rig: Rig) -> None:
    note(rig, "a", "b")
    await rig.written()
    await rig.stop_journal()
    note(rig, "c", *range(3 * limits.RECORDS_AT_ONCE))
    await settle()
    note(rig, "d")
    assert rig.recorder.failing
    await back(rig)
    assert names(rig) == ["a", "b", "c", *map(str, range(3 * limits.RECORDS_AT_ONCE)), "d"]
    assert not rig.recorder.failing


async def test_while_the_disk_fails_it_is_tried_again_and_again(rig: Rig) -> None:
    await rig.stop_journal()
    note(rig, "a")
    for _ in range(3):
        await settle()
        assert rig.clock.sleeping_ms == [limits.RECORD_RETRY_MS]
        assert (len(rig.recorder), rig.recorder.failing) == (1, True)
        await rig.clock.advance(limits.RECORD_RETRY_MS)
    assert not await rig.recorder.flush()
    await back(rig)
    assert names(rig) == ["a"]


async def test_a_broken_record_is_lost_alone(rig: Rig, logged: list[EventDict]) -> None:
    note(rig, "a")
    rig.recorder.record(broken)
    note(rig, "b")
    await rig.written()
    assert names(rig) == ["a", "b", "gap"]
    assert rig.records("gap")[0]["lost"] == 1
    assert [line["event"] for line in logged] == ["record_broken"]
    assert await rig.recorder.flush()


async def test_what_there_is_no_room_for_becomes_a_gap(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_RECORDS", 5)
    await rig.stop_journal()
    note(rig, *range(5))
    rig.clock.skip(2_000)
    note(rig, *range(5, 8))
    assert len(rig.recorder) == 5
    await settle()
    rig.clock.skip(60_000)
    await back(rig)
    assert names(rig) == ["gap", "3", "4", "5", "6", "7"]
    [gap] = rig.records("gap")
    assert (gap["lost"], gap["since"]) == (3, "2026-11-04T03:00:02.000Z")
    assert gap["occurred_at"] > "2026-11-04T03:01:02"


async def test_what_is_lost_while_a_gap_is_written_is_in_the_next(rig: Rig) -> None:
    held = await rig.hold_journal()
    rig.recorder.lose()
    await settle()
    rig.clock.skip(1_000)
    rig.recorder.lose()
    rig.recorder.lose()
    held.let_go.set()
    await rig.written()
    gaps = [(one["lost"], one["since"]) for one in rig.records("gap")]
    assert gaps == [(1, "2026-11-04T03:00:00.000Z"), (2, "2026-11-04T03:00:01.000Z")]


async def test_a_gap_that_cannot_be_written_grows(rig: Rig) -> None:
    await rig.stop_journal()
    rig.recorder.lose()
    await settle()
    rig.clock.skip(1_000)
    rig.recorder.lose()
    await back(rig)
    gaps = [(one["lost"], one["since"]) for one in rig.records("gap")]
    assert gaps == [(2, "2026-11-04T03:00:00.000Z")]


@pytest.mark.fault("flood")
@pytest.mark.threat("A20")
async def test_who_comes_in_finds_room_beside_a_flood_of_records(rig: Rig) -> None:
    held = await rig.hold_journal()
    note(rig, *range(1_000))
    await settle()
    entry = asyncio.create_task(rig.journal.commit(lambda _: "stored"))
    await settle()
    held.let_go.set()
    assert await entry == "stored"
    await rig.written()
    assert len(names(rig)) == 1_000


async def test_it_is_told_once_and_when_it_is_on_disk(rig: Rig) -> None:
    told: list[tuple[int, int]] = []
    await rig.stop_journal()
    rig.recorder.record(
        lambda ledger: ledger.append({"kind": "note"}),
        lambda seq: told.append((seq, len(audit.read_records(rig.path, 0, 9)))),
    )
    await settle()
    assert told == []
    await back(rig)
    assert told == [(1, 1)]
