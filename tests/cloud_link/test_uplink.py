"""The audit on its way up."""

import asyncio
import hashlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zstandard import ZstdDecompressor

from cloud_link import limits
from cloud_link.uplink import Window
from cloud_link.verify import Why
from hil.byzantine.clock import WorldClock
from hil.byzantine.cloud import Message
from hil.byzantine.tenant import opened, seal, spelt
from tests.cloud_link.worlds import DEVICE_KEY, Wire, World
from tests.drivers.rigs import until


@given(st.lists(st.tuples(st.sampled_from("bbak"), st.integers(0, 20)), max_size=40))
def test_the_cursor_never_falls_and_the_window_never_overflows(
    story: list[tuple[str, int]],
) -> None:
    window, now_ms = Window("e", 0), 0
    for what, number in story:
        before, now_ms = window, now_ms + number * 500
        if window.due_in_ms(now_ms) == 0:
            window = window.from_cursor()
        elif what == "b" and not window.is_full:
            window = window.with_batch(window.sent + number + 1, now_ms)
        elif what == "a":
            window = window.acknowledged(number)
        assert window.cosigned >= before.cosigned
        assert window.cosigned <= window.sent
        assert len(window.waiting) <= limits.BATCHES_WAITING
        seqs = [seq for seq, _ in window.waiting]
        assert seqs == sorted(set(seqs))
        assert all(seq > window.cosigned for seq in seqs)


def test_what_is_not_acknowledged_is_due_after_ten_seconds_and_a_hole_after_one() -> None:
    window = Window("e", 5, is_open=True).with_batch(10, 1_000).with_batch(20, 2_000)
    assert window.due_in_ms(2_000) == 9_000
    assert window.due_in_ms(11_000) == 0
    holed = window.acknowledged(5)
    assert holed.due_in_ms(1_500) == 500
    assert holed.due_in_ms(2_000) == 0
    assert holed.acknowledged(10).due_in_ms(2_000) == 10_000
    assert Window("e", 5).acknowledged(5).due_in_ms(0) is None
    assert window.from_cursor() == Window("e", 5, is_open=True)


def test_the_first_batch_is_not_overtaken() -> None:
    first = Window("e", 0).with_batch(200, 0)
    assert first.is_full
    assert not first.acknowledged(200).is_full
    assert not first.acknowledged(0).is_full
    assert first.from_cursor().with_batch(200, 0).is_full


class Lossy:
    """Loses some of what passes, by a seed."""

    def __init__(self, seed: int, share: float) -> None:
        self._dice = random.Random(seed)
        self._share = share
        self.lost = 0

    def __call__(self, kind: str, data: bytes) -> list[Message]:
        if self._dice.random() < self._share:
            self.lost += 1
            return []
        return [(kind, data)] * self._dice.choice((1, 1, 2))


async def test_what_is_lost_is_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path, speed=200)
    world.journal.write(4_000)
    wire = Wire(world.cloud)
    wire.up, wire.down = lossy = Lossy(1, 0.3), Lossy(2, 0.3)
    async with world.running(wire):
        await until(lambda: world.journal.cosigned == 4_000)
    assert all(way.lost for way in lossy)
    held = [world.cloud.records[world.journal.epoch, seq] for seq in range(1, 4_001)]
    assert held == world.journal.written


async def test_a_batch_is_small_enough_to_send(tmp_path: Path) -> None:
    world = World(tmp_path)
    dice = random.Random(3)
    for _ in range(220):
        world.journal.write(1, dice.randbytes(2_000).hex())
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.journal.cosigned == 220)
    batches = [data for kind, data in wire.sent if kind == "audit"]
    assert len(batches) > 2
    for batch in batches:
        assert len(batch) <= limits.BATCH_PACKED_BYTES
        plain = ZstdDecompressor().decompress(batch)
        assert len(plain) <= limits.BATCH_BYTES
        head, *records = plain.splitlines()
        kind, checkpoint = opened(head, DEVICE_KEY)
        assert kind == "checkpoint"
        assert checkpoint["seq"] == json.loads(records[-1])["seq"]
        assert checkpoint["head"] == hashlib.sha256(records[-1]).hexdigest()


async def test_no_more_than_four_batches_wait(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.journal.write(20_000)
    wire = Wire(world.cloud)
    tried: list[int] = []
    most = limits.BATCHES_WAITING

    def count(kind: str, data: bytes) -> list[Message]:
        tried.extend([1] if kind == "audit" else [])
        return [] if kind == "audit" else [(kind, data)]

    wire.up = count
    async with world.running(wire):
        await until(lambda: len(tried) == 1)
        await until(lambda: world.house.hours)
        assert len(tried) == 1
        wire.up = lambda kind, data: [(kind, data)]
        world.clock.jump(limits.ACK_MS)
        await until(lambda: world.journal.cosigned)
        wire.up = count
        await until(lambda: len(tried) == 1 + most)
        heard = len(world.house.hours)
        wire.tell(*world.cloud.command("reload", {}))
        await until(lambda: len(world.house.hours) > heard)
        assert len(tried) == 1 + most
        world.clock.jump(limits.ACK_MS)
        await until(lambda: len(tried) == 1 + 2 * most)


class Held(WorldClock):
    """Holds whoever gathers records until `go` is set; `gathering`: somebody does."""

    def __init__(self, speed: int) -> None:
        super().__init__(speed)
        self.gathering, self.go = asyncio.Event(), asyncio.Event()

    async def sleep_ms(self, for_ms: int) -> None:
        if for_ms != limits.GATHER_MS:
            await super().sleep_ms(for_ms)
            return
        self.gathering.set()
        await self.go.wait()


async def test_a_record_lets_its_door_go_first_and_takes_along_what_follows(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.clock = clock = Held(world.speed)
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.house.hours)
        world.journal.write(1)
        await until(clock.gathering.is_set)
        assert not [kind for kind, _ in wire.sent if kind == "audit"]
        world.journal.write(1)
        clock.go.set()
        await until(lambda: world.journal.cosigned == 2)
    assert [kind for kind, _ in wire.sent if kind == "audit"] == ["audit"]


async def test_an_acknowledgement_by_anyone_else_moves_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.journal.write(3)
    wire = Wire(world.cloud)

    def forge(kind: str, data: bytes) -> list[Message]:
        if kind != "ack":
            return [(kind, data)]
        wrong = world.cloud.tenant.by_role["commands"]
        _, checkpoint = opened(data, world.cloud.tenant.by_role["acks"])
        return [("ack", seal("checkpoint", spelt(checkpoint), wrong))]

    wire.down = forge
    async with world.running(wire):
        await until(lambda: world.house.rejects[Why.SIGNATURE])
    assert world.journal.cosigned == 0


@pytest.mark.parametrize("by", ["ack", "pulse"])
async def test_a_disk_that_was_rolled_back_begins_a_new_epoch(tmp_path: Path, by: str) -> None:
    world = World(tmp_path)
    world.journal.write(300)
    epoch = world.journal.epoch
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.journal.cosigned == 300)
    del world.journal.written[100:]
    world.journal.cosigned = 50
    if by == "pulse":
        wire.down = lambda kind, data: [] if kind == "ack" else [(kind, data)]
    else:
        world.journal.write(250, "something else")
        wire.down = lambda kind, data: [] if kind == "pulse" else [(kind, data)]
    async with world.running(wire):
        await until(lambda: world.journal.rollbacks)
        wire.down = lambda kind, data: [(kind, data)]
        last = len(world.journal.written)
        await until(lambda: world.journal.cosigned == last)
    assert world.journal.rollbacks == [(epoch, 300)]
    assert world.journal.epoch != epoch
    held = [world.cloud.records[world.journal.epoch, seq] for seq in range(1, last + 1)]
    assert held == world.journal.written
