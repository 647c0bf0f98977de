"""The journal as an outbox: what is sent, how far the cloud has it, and what may go."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloud_link.ports import Outbox, Standing, Taken
from edged import limits
from edged.clock import ClockState
from edged.cloud.export import export_lines
from edged.cloud.outbox import JournalOutbox
from edged.cloud.retention import Retention
from edged.cloud.verify_audit import verify
from edged.store import audit
from edged.store import limits as kept
from edged.store.audit import Broken, Verified
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.record import GENESIS
from tests.edged.cloud.chain import KEY, checkpoint
from tests.edged.fakes import WITHIN_S
from tests.edged.rig import Rig, running


class Sent:
    """A rig whose audit is sent; `note` writes records, `ack` lets the cloud have some."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.outbox = JournalOutbox(rig.ports, rig.path)
        self.port: Outbox = self.outbox
        self.retention = Retention(rig.ports, self.outbox)

    async def note(self, count: int, text: str = "x") -> None:
        """Write `count` records in one transaction."""
        at = self.rig.ports.stamp().at.isoformat()

        def write(ledger: Ledger) -> None:
            for _ in range(count):
                ledger.append({"kind": "note", "occurred_at": at, "text": text})

        await self.rig.journal.commit(write)

    async def ack(self, seq: int, head: bytes | None = None, epoch: str | None = None) -> Taken:
        """Acknowledge a record, by default with the head that it has."""
        own = head or await self.rig.journal.commit(lambda ledger: ledger.hash_of(seq))
        mine = epoch or (await self.port.standing()).epoch
        envelope = checkpoint(seq, (own or GENESIS).hex(), epoch=mine)
        taken = await self.port.acknowledged(mine, seq, own or GENESIS, envelope)
        await self.outbox.keep()
        return taken

    async def hear(self, seq: int) -> Taken:
        """Acknowledge a record; it is not written down yet."""
        own = await self.rig.journal.commit(lambda ledger: ledger.hash_of(seq)) or GENESIS
        mine = (await self.port.standing()).epoch
        return await self.port.acknowledged(mine, seq, own, checkpoint(seq, own.hex(), epoch=mine))

    async def written(self) -> object:
        """Return the cursor as it is on the disk."""
        return await self.rig.journal.commit(lambda ledger: ledger.get("cosigned"))

    def verified(self) -> Verified | Broken:
        return audit.verify(self.rig.path)


@pytest.fixture
async def sent(tmp_path: Path) -> AsyncIterator[Sent]:
    async with running(tmp_path) as rig:
        made = Sent(rig)
        yield made
        await made.outbox.close()


async def test_a_new_journal_is_fresh_and_has_an_epoch_of_its_own(
    sent: Sent, tmp_path: Path
) -> None:
    found = await sent.port.standing()
    assert found == Standing(found.epoch, 0, GENESIS, 0, fresh=True)
    assert len(bytes.fromhex(found.epoch)) == 8
    (tmp_path / "other").mkdir()
    async with running(tmp_path / "other") as rig:
        other = Sent(rig)
        assert (await other.port.standing()).epoch != found.epoch
        await other.outbox.close()


async def test_records_come_in_order_and_never_all_at_once(sent: Sent) -> None:
    await sent.note(5)
    bodies = [json.loads(one) for one in await sent.port.records(2, 10, 1_000_000)]
    assert [body["seq"] for body in bodies] == [3, 4, 5]
    assert len(await sent.port.records(0, 2, 1_000_000)) == 2
    one = len((await sent.port.records(0, 1, 1))[0])
    assert len(await sent.port.records(0, 5, 2 * one)) == 2
    assert await sent.port.records(5, 5, 1_000_000) == []


async def test_the_bytes_that_are_sent_are_those_that_were_hashed(sent: Sent) -> None:
    await sent.note(3)
    stored = [record.data for record in audit.read_records(sent.rig.path, 0, 10)]
    assert list(await sent.port.records(0, 10, 1_000_000)) == stored


async def test_whoever_waits_for_records_hears_of_the_next(sent: Sent) -> None:
    await sent.note(1)
    await sent.port.wait_beyond(0)
    waiting = sent.rig.ports.journal.grown(1)
    await sent.note(1)
    await waiting


async def test_the_cursor_moves_on_acknowledgements_only_and_never_back(sent: Sent) -> None:
    await sent.note(5)
    assert (await sent.port.standing()).cosigned == 0
    assert await sent.ack(3) is Taken.MOVED
    assert await sent.ack(3) is Taken.KNOWN
    assert await sent.ack(2) is Taken.KNOWN
    assert (await sent.port.standing()).cosigned == 3
    assert await sent.ack(5) is Taken.MOVED
    assert sent.verified() == Verified(5, (await sent.port.standing()).head, 0, 5)


async def test_acknowledgements_count_at_once_and_are_written_together(sent: Sent) -> None:
    await sent.note(5)
    writing = asyncio.create_task(sent.outbox.run())
    taken = [await sent.hear(seq) for seq in (1, 3, 2, 3)]
    assert taken == [Taken.MOVED, Taken.MOVED, Taken.KNOWN, Taken.KNOWN]
    assert (await sent.port.standing()).cosigned == 3
    assert (await sent.port.buffer()).records == 2
    assert await sent.written() is None
    await sent.rig.clock.advance(limits.ACKS_MS)
    async with asyncio.timeout(WITHIN_S):
        while await sent.written() is None:
            pass
    assert await sent.written() == 3
    writing.cancel()
    await asyncio.wait({writing})


async def test_what_a_crash_takes_of_acknowledgements_is_sent_again(sent: Sent) -> None:
    await sent.note(5)
    await sent.ack(2)
    await sent.hear(4)
    begun_anew = JournalOutbox(sent.rig.ports, sent.rig.path)
    assert (await begun_anew.standing()).cosigned == 2
    assert len(await begun_anew.records(2, 10, 10_000)) == 3
    await begun_anew.close()


async def test_what_was_acknowledged_before_a_roll_back_is_not_written_behind_it(
    sent: Sent,
) -> None:
    await sent.note(5)
    await sent.hear(4)
    await sent.port.rolled_back((await sent.port.standing()).epoch, 9)
    assert (await sent.port.standing()).cosigned == 0
    await sent.outbox.keep()
    assert await sent.written() == 0


@pytest.mark.parametrize("seq", [2, 4, 9])
async def test_an_acknowledgement_of_another_record_moves_nothing(sent: Sent, seq: int) -> None:
    await sent.note(5)
    await sent.ack(3)
    assert await sent.ack(seq, bytes(32)) is Taken.CONFLICT
    assert (await sent.port.standing()).cosigned == 3
    assert await sent.ack(seq, bytes(32), "ffffffffffffffff") is Taken.KNOWN
    assert (await sent.port.standing()).cosigned == 3


async def test_a_disk_that_was_rolled_back_begins_a_new_epoch_once(sent: Sent) -> None:
    await sent.note(5)
    await sent.ack(3)
    before = await sent.port.standing()
    for _ in range(2):  # the second is about an epoch that is over
        await sent.port.rolled_back(before.epoch, 9)
    after = await sent.port.standing()
    assert after.epoch != before.epoch
    assert (after.seq, after.cosigned, after.fresh) == (6, 0, before.fresh)
    (record,) = sent.rig.records("rolled_back")
    assert record["epoch"] == before.epoch
    assert (record["acked"], record["last"], record["began"]) == (9, 5, after.epoch)
    assert isinstance(sent.verified(), Verified)


async def test_a_record_that_the_cloud_signed_and_is_not_here_shows(sent: Sent) -> None:
    await sent.note(5)
    await sent.ack(5)
    await sent.rig.journal.commit(
        lambda ledger: ledger._db.execute("DELETE FROM audit WHERE seq = 5")
    )
    assert sent.verified() == Broken(5, "the cloud has cosigned record 5, which is missing")


async def test_a_rewritten_audit_shows_at_the_first_checkpoint(sent: Sent) -> None:
    await sent.note(4)
    await sent.ack(2)

    def rewrite(ledger: Ledger) -> None:
        ledger._db.execute("DELETE FROM audit")
        for _ in range(4):
            ledger.append({"kind": "note", "text": "forged"})

    await sent.rig.journal.commit(rewrite)
    assert sent.verified() == Broken(2, "the cloud has cosigned another record of this number")


# --- what may go


async def send_in_batches(sent: Sent, batches: int) -> None:
    for number in range(1, batches + 1):
        await sent.note(kept.COSIGNED_EVERY)
        assert await sent.ack(number * kept.COSIGNED_EVERY) is Taken.MOVED


async def test_checkpoints_are_kept_one_a_batch_however_often_they_come(sent: Sent) -> None:
    for _ in range(3):
        for _ in range(kept.COSIGNED_EVERY // 40):
            await sent.note(40)
            await sent.ack((await sent.port.standing()).seq)
    rows = await sent.outbox.read(
        lambda db: [seq for (seq,) in db.execute("SELECT seq FROM cosigned ORDER BY seq")]
    )
    assert rows[-1] == 600
    assert len(rows) <= 6
    assert all(b - a <= kept.COSIGNED_EVERY for a, b in itertools.pairwise(rows))


async def test_old_records_go_up_to_a_checkpoint_and_the_rest_still_verifies(sent: Sent) -> None:
    await send_in_batches(sent, 10)
    assert await sent.retention.prune() == 0
    await sent.rig.clock.advance(int((kept.KEPT + timedelta(minutes=1)).total_seconds()) * 1000)
    await send_in_batches_from(sent, 10, 1)
    assert await sent.retention.prune() == 1_200
    found = sent.verified()
    assert isinstance(found, Verified)
    assert (found.count, found.after, found.cosigned) == (1_000, 1_200, 2_200)
    assert (await sent.port.records(0, 1, 1))[0].startswith(b'{"kind":"note","occurred_at"')
    assert await sent.retention.prune() == 0
    await sent.rig.stop_journal()
    await sent.rig.start_journal()  # a start looks at the tail
    await sent.note(1)
    assert isinstance(sent.verified(), Verified)


async def send_in_batches_from(sent: Sent, done: int, batches: int) -> None:
    for number in range(done + 1, done + batches + 1):
        await sent.note(kept.COSIGNED_EVERY)
        await sent.ack(number * kept.COSIGNED_EVERY)


async def test_what_is_not_acknowledged_is_kept_however_old(sent: Sent) -> None:
    await sent.note(3_000)
    await sent.rig.clock.advance(int((100 * kept.KEPT).total_seconds()) * 1000)
    assert await sent.retention.prune() == 0
    await sent.ack(200)
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    assert await sent.retention.prune() == 200
    found = sent.verified()
    assert isinstance(found, Verified)
    assert found.count == 2_800


async def test_what_is_sent_again_after_a_disk_was_rolled_back_is_kept(sent: Sent) -> None:
    await send_in_batches(sent, 10)
    await sent.port.rolled_back((await sent.port.standing()).epoch, 9_999)
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    assert await sent.retention.prune() == 0
    [first] = await sent.port.records((await sent.port.standing()).cosigned, 1, 1)
    assert json.loads(first)["seq"] == 1
    await sent.ack(400)
    assert await sent.retention.prune() == 200
    assert isinstance(sent.verified(), Verified)


async def test_a_clock_in_doubt_lets_nothing_go(sent: Sent) -> None:
    await send_in_batches(sent, 10)
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    sent.rig.clock.state = ClockState.SUSPECT
    assert await sent.retention.prune() == 0


async def test_what_came_while_the_clock_was_in_doubt_is_of_no_age(sent: Sent) -> None:
    sent.rig.clock.state = ClockState.RESTORED
    await send_in_batches(sent, 10)
    sent.rig.clock.state = ClockState.SYNCED
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    assert await sent.retention.prune() == 0


async def test_a_large_journal_keeps_less(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    await send_in_batches(sent, 10)
    await sent.rig.clock.advance(int((kept.KEPT_LEAST * 2).total_seconds()) * 1000)
    assert await sent.retention.prune() == 0
    monkeypatch.setattr(kept, "AUDIT_BYTES", 100_000)
    assert await sent.retention.prune() == 1_000


async def test_a_pruned_audit_without_its_checkpoint_does_not_verify(sent: Sent) -> None:
    await send_in_batches(sent, 10)
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    await sent.retention.prune()
    await sent.rig.journal.commit(lambda ledger: ledger._db.execute("DELETE FROM cosigned"))
    assert sent.verified() == Broken(
        1_000, "the audit does not begin at a checkpoint that was cosigned"
    )


async def test_an_export_is_verified_by_somebody_else(sent: Sent, tmp_path: Path) -> None:
    await send_in_batches(sent, 10)
    await sent.rig.clock.advance(int((2 * kept.KEPT).total_seconds()) * 1000)
    await sent.retention.prune()
    path = tmp_path / "audit.lines"
    with path.open("wb") as out:
        assert export_lines(sent.rig.path, out) == 1_000
    found = verify(path.read_bytes().splitlines(keepends=True), [KEY])
    assert (found.first, found.last, found.signed) == (1_001, 2_000, 2_000)


# --- how much waits


async def test_what_waits_is_told_with_the_room_that_is_left(sent: Sent) -> None:
    empty = await sent.port.buffer()
    assert (empty.records, empty.bytes, empty.days) == (0, 0, limits.BUFFER_DAYS)
    await sent.note(4)
    await sent.ack(1)
    size = sum(map(len, await sent.port.records(1, 10, 1_000_000)))
    found = await sent.port.buffer()
    assert found.records == 3
    assert abs(found.bytes - size) < 10
    assert found.days == limits.BUFFER_DAYS  # nothing tells yet how many come in a day
    await sent.rig.clock.advance(60_000)
    await sent.note(4, "x" * 10_000)
    assert (await sent.port.buffer()).days < limits.BUFFER_DAYS


async def test_room_for_longer_than_can_be_dated_is_told_like_any_other(sent: Sent) -> None:
    """Found by the simulation: records of a month on a large disk ended the link for good."""
    await sent.note(2)
    await sent.rig.clock.advance(30 * 86_400_000)
    await sent.note(1)
    assert (await sent.port.buffer()).days == limits.BUFFER_DAYS


async def test_reading_goes_on_after_the_file_failed(sent: Sent, tmp_path: Path) -> None:
    outbox = JournalOutbox(sent.rig.ports, tmp_path / "journal.db")
    await outbox.standing()
    await outbox.close()
    assert (await outbox.standing()).seq == 0
    await outbox.close()
    assert isinstance(sent.rig.journal, Journal)
