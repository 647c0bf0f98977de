"""Rules, use and what a new journal lacks, on their way down."""

import hashlib
import json
import random
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from cloud_link import limits
from cloud_link.fetch import is_whole
from cloud_link.verify import Why
from cloud_link.wire import Part
from hil.byzantine.cloud import Message, packed
from tests.cloud_link.worlds import Wire, World
from tests.drivers.rigs import until

SET = {
    "base": json.dumps({"stores": ["x" * 200] * 900}).encode(),
    **{f"members/{n}": json.dumps({f"m{n}": {"n": n}}).encode() for n in range(8)},
}


async def test_a_set_is_fetched_activated_and_confirmed(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET, confirm_s=600))
        await until(lambda: world.house.confirmations == [1])
        await until(lambda: world.cloud.reports[-1]["rules"]["version"] == 1)
    assert world.house.activated == [(1, SET)]
    assert world.house.wrong == []


async def test_a_change_fetches_what_changed(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET))
        await until(lambda: world.house.activated)
        before = world.cloud.pieces
        wire.tell(*world.cloud.publish(SET | {"members/3": b'{"m3":{"n":33}}'}))
        await until(lambda: len(world.house.activated) == 2)
    assert world.cloud.pieces == before + 1


async def test_a_manifest_counts_only_while_a_fresh_pulse_names_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        old = world.cloud.publish(SET)
        world.cloud.publish(SET | {"members/1": b"{}"})
        wire.down = lambda kind, data: [] if kind == "rules" else [(kind, data)]
        await until(lambda: world.house.highest == 2)
        wire.down = lambda kind, data: [(kind, data)]
        wire.tell(*old)
        wire.tell(*world.cloud.command("reload", {}))
        await until(lambda: world.house.active.version == 2)
    assert [version for version, _ in world.house.activated] == [2]


async def test_without_pulses_no_set_is_taken(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    wire.down = lambda kind, data: [] if kind == "pulse" else [(kind, data)]
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET))
        asked = len(world.cloud.nonces)
        await until(lambda: len(world.cloud.nonces) > asked + 1)
        assert world.house.activated == []
        wire.down = lambda kind, data: [(kind, data)]
        await until(lambda: world.house.activated)


async def test_a_set_that_is_refused_is_named_and_not_tried_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    world.house.refuses = "vector 3: ALLOW expected"
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET))
        await until(lambda: world.cloud.reports and world.cloud.reports[-1]["rules"]["refused"])
        refused = world.house.active.refused
        world.house.refuses = None
        seen = len(world.house.hours)
        wire.tell(*world.cloud.command("reload", {}))
        await until(lambda: len(world.house.hours) > seen)
    assert world.house.activated == []
    assert world.house.active.refused == refused
    reported = world.cloud.reports[-1]["rules"]["refused"]
    assert reported == [{"version": 1, "why": "vector 3: ALLOW expected"}]


async def test_what_was_reverted_comes_back_when_a_later_pulse_names_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET))
        await until(lambda: world.house.activated)
        kept = world.house.active
        wire.tell(*world.cloud.publish(SET | {"members/1": b"{}"}, confirm_s=600))
        await until(lambda: world.house.active.version == 2)
        await until(lambda: world.house.confirmations)
        named = len(world.house.hours)
        wire.down = lambda kind, data: [] if kind == "pulse" else [(kind, data)]
        world.house.active = kept
        reports = len(world.cloud.reports)
        await until(lambda: len(world.cloud.reports) > reports + 1)
        assert world.house.active == kept
        wire.down = lambda kind, data: [(kind, data)]
        world.clock.jump(limits.PULSE_MS)
        await until(lambda: world.house.active.version == 2)
        assert len(world.house.hours) > named


async def test_a_fetch_goes_on_after_the_connection_was_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    large = {"base": json.dumps(random.Random(1).randbytes(300_000).hex()).encode()}
    pieces = len(packed(large["base"])) // limits.PIECE_BYTES + 1
    assert pieces >= 5

    def cut_at_third(kind: str, data: bytes) -> list[Message]:
        if kind == "part" and world.cloud.pieces == 3:
            wire.cut()
            return []
        return [(kind, data)]

    wire.down = cut_at_third
    async with world.running(wire):
        wire.tell(*world.cloud.publish(large))
        await until(lambda: not wire.is_up)
        wire.down = lambda kind, data: [(kind, data)]
        wire.is_up = True
        await until(lambda: world.house.activated)
    assert world.cloud.pieces <= pieces + 2


async def test_pieces_of_others_spoil_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, speed=200)
    wire = Wire(world.cloud)
    spoilt: list[bytes] = []

    def spoil(kind: str, data: bytes) -> list[Message]:
        if kind == "part" and len(spoilt) < 20:
            spoilt.append(data)
            return [("part", data[:-1] + bytes([data[-1] ^ 1])), ("part", data)]
        return [(kind, data)]

    wire.down = spoil
    async with world.running(wire):
        wire.tell(*world.cloud.publish(SET))
        await until(lambda: world.house.activated)
    assert world.house.activated == [(1, SET)]
    assert world.house.wrong == []


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(packed(b"{}"), id="another part"),
        pytest.param(packed(b"x" * 100), id="a byte less"),
        pytest.param(packed(b"x" * 1_000_000), id="a bomb"),
        pytest.param(packed(b"x" * 101) + b"x", id="more behind it"),
        pytest.param(packed(b"x" * 101) * 2, id="twice"),
        pytest.param(packed(b"x" * 101)[:-1], id="cut short"),
        pytest.param(b"", id="empty"),
        pytest.param(b"x" * 30, id="noise"),
        pytest.param(
            ZstdCompressor(write_content_size=False).compress(b"x" * 101), id="size not said"
        ),
    ],
)
def test_a_file_is_a_part_or_not(tmp_path: Path, frame: bytes) -> None:
    right = packed(b"x" * 101)
    sha256 = hashlib.sha256(b"x" * 101).hexdigest()
    file = tmp_path / "part"
    file.write_bytes(right)
    assert is_whole(file, Part(name="base", sha256=sha256, bytes=101, packed=len(right)))
    file.write_bytes(frame)
    assert not is_whole(file, Part(name="base", sha256=sha256, bytes=101, packed=len(frame) or 1))


async def test_use_comes_down_in_pages_whatever_is_lost(tmp_path: Path) -> None:
    world = World(tmp_path, speed=200)
    wire = Wire(world.cloud)
    for n in range(1_300):
        world.cloud.use("aiko", "2026-11-28", "day", "shibuya", f"e{n}")
    async with world.running(wire):
        await until(lambda: world.house.position == 1_300)
        wire.down = lambda kind, data: [] if kind == "usage" else [(kind, data)]
        wire.tell(*world.cloud.use("ben", "2026-11-28", "day", "", "e1300"))
        wire.down = lambda kind, data: [(kind, data)]
        wire.tell(*world.cloud.use("e7"))
        await until(lambda: world.house.position == 1_302)
    assert {entry[4] for entry in world.house.added} == {f"e{n}" for n in range(1_301)}
    assert world.house.withdrawn == {"e7"}


async def test_a_new_journal_is_told_what_it_cannot_know(tmp_path: Path) -> None:
    world = World(tmp_path, fresh=True)
    world.cloud.restorable = {
        "lockers": [{"id": "A-1", "state": "FREE", "occupancy": None}],
        "seats": [],
        "unknown": ["PINs"],
    }
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.house.restored)
    assert world.house.restored[0].unknown == ["PINs"]


async def test_a_restore_nobody_asked_for_is_rejected(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    members = {"nonce": "0" * 32, "as_of": "2026-11-28T03:00:00.000Z"}
    async with world.running(wire):
        empty: dict[str, list[str]] = {"lockers": [], "seats": [], "unknown": []}
        wire.tell("restore", world.cloud.tenant.said("restore", "gate-1", **members, **empty))
        await until(lambda: world.house.rejects[Why.NOT_ASKED])
    assert world.house.restored == []
