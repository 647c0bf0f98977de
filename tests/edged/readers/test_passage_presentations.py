from dataclasses import replace
from pathlib import Path

import pytest
from structlog.typing import EventDict

from drivers.api import Scan
from edged import limits
from hil.issuer import forged
from policy.model import Reason, Rules
from tests.edged.fakes import settle, until
from tests.edged.rig import DOORS, Rig, running, signal

OK = signal(Reason.OK)


# --- one presentation, one effect


@pytest.mark.threat("A16")
async def test_a_code_that_is_held_up_opens_once(rig: Rig) -> None:
    text = rig.code()
    assert await rig.enter(text) == OK
    for _ in range(99):
        rig.clock.skip(300)
        await rig.hold_up(rig.way_in, text)
    await rig.written()
    assert len(rig.records("passage")) == len(rig.lock.releases) == 1
    assert rig.light_in.shown == [OK] * 10  # each to its end, which is 3 s


@pytest.mark.threat("A16")
@pytest.mark.parametrize("way", ["in", "out"])
async def test_a_code_held_up_while_the_disk_is_stuck_opens_once(rig: Rig, way: str) -> None:
    passage, text = {"in": rig.way_in, "out": rig.way_out}[way], rig.code()
    held = await rig.hold_journal()
    for _ in range(10 * limits.READER_MAILBOX):
        passage.scanned(Scan(text))
        rig.clock.skip(30)
    await settle()
    held.let_go.set()
    await rig.released(1)
    passage.scanned(Scan(text))
    await rig.written()
    assert len(rig.records("passage")) == len(rig.lock.releases) == 1
    assert passage.overflow == 0


@pytest.mark.fault("disk-slow")
@pytest.mark.parametrize("stays", [True, False])
async def test_who_has_left_while_others_waited_for_the_disk_opens_nothing(
    rig: Rig, stays: bool
) -> None:
    held, text = await rig.hold_journal(), rig.code("eun")
    rig.way_in.scanned(Scan(rig.code()))
    await settle()
    rig.way_in.scanned(Scan(text))
    for _ in range(200):
        rig.clock.skip(int(limits.COMMIT_S * 5) + 1)
        if stays:
            rig.way_in.scanned(Scan(text))
    held.let_go.set()
    await rig.written()
    await until(lambda: rig.light_in.shown[-1] == (OK if stays else signal(Reason.RECORD_FAILED)))
    assert len(rig.records("passage")) == len(rig.lock.releases) == 1 + stays


async def test_nothing_old_is_shown_while_a_decision_is_made(rig: Rig) -> None:
    text = rig.code()
    assert await rig.enter(text) == OK
    rig.clock.skip(20 * 60_000)
    held = await rig.hold_journal()
    for _ in range(5):
        rig.way_in.scanned(Scan(text))
        await settle()
    assert len(rig.light_in.shown) == 1
    held.let_go.set()
    await until(lambda: len(rig.light_in.shown) == 2)


async def test_a_code_that_comes_back_is_put_off_on_the_way_in_only(rig: Rig) -> None:
    text = rig.code()
    await rig.enter(text)
    rig.clock.skip(4_999)
    assert await rig.enter(text) == OK
    assert len(rig.lock.releases) == 1
    rig.clock.skip(1)
    await rig.enter(text)
    assert len(rig.lock.releases) == 2
    for expected in (3, 4):
        rig.clock.skip(1_500)
        await rig.leave(text)
        await rig.released(expected)


@pytest.mark.threat("A20")
async def test_what_comes_too_fast_is_counted_and_can_be_shown_again(rig: Rig) -> None:
    held = await rig.hold_journal()
    rig.way_in.scanned(Scan(rig.code()))
    await settle()
    for number in range(limits.READER_MAILBOX + 3):
        rig.way_in.scanned(Scan(b"noise %d" % number))
    last = b"noise %d" % (limits.READER_MAILBOX + 2)
    assert rig.way_in.overflow == 3
    held.let_go.set()
    await until(lambda: rig.way_in._refusals._counts.total() == limits.READER_MAILBOX + 3)
    await settle()
    assert await rig.enter(last) == signal(Reason.CODE_UNREADABLE)
    rig.way_in.sum_up()
    await rig.written()
    [refused] = rig.records("refused")
    unreadable = limits.READER_MAILBOX + 1
    assert refused["counts"] == {"CODE_UNREADABLE": unreadable, "OVERFLOW": 3}


# --- what is refused is counted, and not kept


@pytest.mark.threat("A1")
async def test_refused_codes_are_summed_exactly(rig: Rig) -> None:
    for number in range(7):
        await rig.enter(b"noise %d" % number)
    forgery = forged(rig.code().decode()).encode()
    await rig.enter(forgery)
    for _ in range(4):
        await rig.hold_up(rig.way_in, forgery)
    assert rig.records() == []
    for _ in range(2):
        rig.way_in.sum_up()
    await rig.written()
    [refused] = rig.records()
    assert refused["counts"] == {"CODE_UNREADABLE": 7, "CODE_BAD_SIGNATURE": 1}
    assert (refused["device"], refused["since"]) == ("front-in", "2026-11-04T03:00:00.000Z")
    rig.clock.skip(10_000)
    rig.way_in.sum_up()
    await rig.enter(b"more noise")
    rig.way_in.sum_up()
    await rig.written()
    assert rig.records()[1]["counts"] == {"CODE_UNREADABLE": 1}
    assert rig.records()[1]["since"] == "2026-11-04T03:00:10.000Z"


@pytest.mark.threat("A10", "G9")
async def test_no_code_is_kept_anywhere(rig: Rig, logged: list[EventDict]) -> None:
    texts = [rig.code(), rig.code("dan"), rig.code("eun"), b"somebody's card number"]
    texts += [forged(rig.code().decode()).encode(), rig.code()[:-2]]
    for text in texts:
        await rig.enter(text)
        await rig.leave(text)
    await rig.stop_journal()
    await rig.enter(rig.code())
    await rig.start_journal()
    rig.way_in.sum_up()
    rig.way_out.sum_up()
    await rig.written()
    _, heard = await rig.watcher.take()
    kept = repr([logged, heard, vars(rig.way_in), vars(rig.way_out)]).encode()
    kept += b"".join(path.read_bytes() for path in rig.path.parent.glob("journal.db*"))
    assert b"aiko" in kept
    for text in texts:
        for piece in (text, text[3:30]):
            assert piece not in kept


# --- where there is nothing to decide by


@pytest.mark.threat("B4")
@pytest.mark.parametrize("lacking", ["rules", "device"])
async def test_without_rules_nobody_is_let_through_and_one_code_counts_once(
    rig: Rig, lacking: str
) -> None:
    rules = rig.rules.rules
    assert rules is not None
    if lacking == "rules":
        await rig.rules.close()
    else:
        rig.put_rules(replace(rules, devices={}))
    reason = Reason.NO_RULES if lacking == "rules" else Reason.DEVICE_DISABLED
    text = rig.code()
    assert await rig.enter(text) == signal(reason)
    assert await rig.leave(text) == signal(reason)
    for _ in range(9):
        await rig.hold_up(rig.way_in, text)
        await rig.hold_up(rig.way_out, text)
    rig.way_in.sum_up()
    await rig.written()
    assert rig.lock.releases == []
    assert [one["counts"] for one in rig.records("refused")] == [{reason.value: 1}]


async def test_a_disabled_entrance_lets_nobody_in_and_a_disabled_exit_everybody_out(
    tmp_path: Path,
) -> None:
    devices = {
        name: {"store": "S1", "door": "front", "side": side, "enabled": False}
        for name, side in DOORS["front"].items()
    }
    async with running(tmp_path, devices=devices) as rig:
        assert await rig.enter(rig.code()) == signal(Reason.DEVICE_DISABLED)
        assert await rig.leave(rig.code()) == OK
        assert len(rig.lock.releases) == 1


@pytest.mark.threat("B7")
async def test_new_rules_count_from_the_next_code_on(rig: Rig) -> None:
    rules = rig.rules.rules
    assert isinstance(rules, Rules)
    await rig.enter(rig.code())
    rig.put_rules(replace(rules, keys={}))
    assert await rig.enter(rig.code()) == signal(Reason.CODE_UNKNOWN_KEY)
