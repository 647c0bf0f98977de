"""Pieces of parts: what is none, what does not come, and what is not wanted any more."""

import hashlib
import json
import random
from pathlib import Path

from cloud_link import limits
from cloud_link.fetch import HEAD
from cloud_link.verify import Why
from hil.byzantine.cloud import Message, packed
from tests.cloud_link.worlds import Wire, World
from tests.drivers.rigs import until

LARGE = {"base": json.dumps(random.Random(1).randbytes(300_000).hex()).encode()}
PIECES = len(packed(LARGE["base"])) // limits.PIECE_BYTES + 1
SMALL = {"base": b'{"a":1}'}


async def test_a_piece_has_a_head_and_a_size(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        wire.tell("part", bytes(HEAD.size))
        wire.tell("part", bytes(HEAD.size + limits.PIECE_BYTES + 1))
        wire.tell("part", bytes(HEAD.size + limits.PIECE_BYTES))  # one that nobody awaits
        wire.tell(*world.cloud.publish(SMALL))
        await until(lambda: world.house.activated)
        await until(lambda: world.house.rejects[Why.MALFORMED] >= 2)
    assert world.house.rejects == {Why.MALFORMED: 2}


async def test_a_part_that_does_not_come_is_asked_for_some_times_and_later_again(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, speed=200)
    wire = Wire(world.cloud)
    kept: list[bytes] = []

    def keep(kind: str, data: bytes) -> list[Message]:
        if kind != "part":
            return [(kind, data)]
        kept.append(data)
        return []

    wire.down = keep
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SMALL))
        await until(lambda: len(kept) > limits.PIECE_TRIES)
        assert world.house.activated == []
        wire.down = lambda kind, data: [(kind, data)]
        await until(lambda: world.house.activated)
    assert {HEAD.unpack_from(data) for data in kept} == {
        (hashlib.sha256(SMALL["base"]).digest(), 0)
    }


async def test_what_is_not_the_newest_any_more_is_not_fetched_to_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    large = hashlib.sha256(LARGE["base"]).digest()
    came: list[int] = []

    def newer(kind: str, data: bytes) -> list[Message]:
        if kind != "part" or not data.startswith(large):
            return [(kind, data)]
        came.append(HEAD.unpack_from(data)[1])
        if len(came) > 1:
            return [(kind, data)]
        return [world.cloud.publish(SMALL), (kind, data)]  # before the first piece is there

    wire.down = newer
    async with world.running(wire):
        wire.tell(*world.cloud.publish(LARGE))
        await until(lambda: world.house.activated)
    assert world.house.activated == [(2, SMALL)]
    assert PIECES > 4
    assert len(came) < PIECES
