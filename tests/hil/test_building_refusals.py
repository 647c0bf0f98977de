"""What the building refuses, and that a refusal changes nothing (hil/building/README.md)."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from hil.people import People
from tests.hil.process import Host, Process

LOCK = {"hello": "lock", "door": "front"}
COIL = {"hello": "coil", "door": "front"}
LOCKERS = {"hello": "lockers", "bank": "row"}
PERSON = {"hello": "person"}
READER = {"hello": "reader", "name": "desk"}
INDICATOR = {"hello": "indicator", "name": "desk"}
SIGNAL = {"light": "red", "tone": "low", "blinks": 1, "for_ms": 1}


def png_head(width: int, height: int) -> str:
    """A PNG that claims this size and has no picture in it."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + size).decode()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A building for the tests that change nothing in it."""
    process = Process(tmp_path_factory.mktemp("refusing"))
    yield process
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("hello", "request_", "error"),
    [
        (LOCK, {"release_ms": 0}, "range"),
        (LOCK, {"release_ms": 60_001}, "range"),
        (LOCK, {"hold_ms": 1}, "hold_ms: a strike has no hold"),
        (LOCK, {"release_ms": "1"}, "release_ms: Input should be a valid integer"),
        (LOCK, {"release_ms": 1, "secure": True}, "one of release_ms, hold_ms, secure"),
        (LOCK, {"secure": False}, "secure: Input should be True"),
        (LOCK, {"release_ms": 1, "force": True}, "force: Extra inputs are not permitted"),
        (COIL, {"energised": 1}, "energised: Input should be a valid boolean"),
        (COIL, {"release_ms": 1}, "energised: Field required"),
        (READER, {"do": "scan"}, "there is nothing to ask here"),
        (INDICATOR, {**SIGNAL, "light": "pink"}, "light: Input should be"),
        (INDICATOR, {**SIGNAL, "lines": ["x"] * 9}, "lines: List should have at most 8"),
        (LOCKERS, {"pulse": 0}, "channel: this bank has 1..1"),
        (LOCKERS, {"pulse": 2}, "channel: this bank has 1..1"),
        (LOCKERS, {"pulse": True}, "pulse: Input should be a valid integer"),
        (PERSON, {"do": "open_locker", "bank": "wall", "channel": 1}, "locked"),
        (
            PERSON,
            {"do": "open_locker", "bank": "wall", "channel": 4},
            "channel: this bank has 1..3",
        ),
        (
            PERSON,
            {"do": "force_locker", "bank": "attic", "channel": 1},
            "bank: there is no 'attic'",
        ),
        (PERSON, {"do": "fly"}, "Input tag 'fly'"),
        (PERSON, {"do": "open", "door": "attic"}, "door: there is no 'attic'"),
        (PERSON, {"do": "open", "door": "front"}, "locked"),
        (PERSON, {"do": "press", "door": "front", "for_ms": 0}, "press.for_ms: Input should be"),
        (PERSON, {"do": "raw", "reader": "front-in", "hex": "0"}, "raw.hex: String should match"),
        (PERSON, {"do": "unplug", "reader": "desk"}, "reader: there is no scanner 'desk'"),
        (PERSON, {"do": "show", "camera": "x", "png": "", "for_ms": 1}, "camera: there is no 'x'"),
        (
            PERSON,
            {"do": "show", "camera": "front-cam", "png": "AAAA", "for_ms": 1},
            "png: not a PNG",
        ),
        (
            PERSON,
            {"do": "show", "camera": "front-cam", "png": png_head(4_097, 1), "for_ms": 1},
            "png: sides must be 1..4096 pixels",
        ),
        (
            PERSON,
            {"do": "show", "camera": "front-cam", "png": png_head(8, 8), "for_ms": 1},
            "png: damaged",
        ),
    ],
)
async def test_a_bad_request_is_answered_and_changes_nothing(
    refusing: Process,
    hello: dict[str, object],
    request_: dict[str, object],
    error: str,
) -> None:
    async with People(refusing.socket) as people, Host(refusing, **hello) as host:
        assert host.answer["ok"]
        before = await people.state()
        answer = await host.ask({"id": 5, **request_})
        assert (answer["id"], answer["ok"]) == (5, False)
        assert answer["error"].startswith(error)
        after = await people.state()

    assert {**before, "id": 0} == {**after, "id": 0}
    assert {seen["what"] for seen in people.seen} <= {"device"}


@pytest.mark.parametrize("line", [b"\xff\n", b"[]\n", b"{\n", b"7\n", b"\n", b"[" * 9_999 + b"\n"])
async def test_a_line_that_is_none_is_answered_and_the_next_one_counts(
    refusing: Process, line: bytes
) -> None:
    async with Host(refusing, **LOCK) as host:
        assert (await host.send(line))["ok"] is False
        assert await host.ask({"id": 1, "secure": True}) == {"id": 1, "ok": True}


async def test_a_line_has_a_limit(refusing: Process) -> None:
    async with Host(refusing, **PERSON) as host:
        text = "x" * (16_384 - len('{"id": 1, "do": "scan", "reader": "front-in", "text": ""}'))
        longest = {"id": 1, "do": "scan", "reader": "front-in", "text": text}
        assert len(json.dumps(longest)) == 16_384
        assert "id" in await host.ask(longest)
        assert (await host.ask({**longest, "text": text + "x"}))["error"] == (
            "a line has at most 16384 bytes"
        )
        assert await host.rest() == b""


@pytest.mark.parametrize(
    ("hello", "error"),
    [
        ({"hello": "lock", "door": "attic"}, "door: there is no 'attic'"),
        ({"hello": "coil", "door": "attic"}, "door: there is no 'attic'"),
        (
            {"hello": "coil", "door": "side"},
            "door: the coil of 'side' is fed by relays.panel.channels.1",
        ),
        ({"hello": "contact", "door": "hall"}, "door: 'hall' has no contact"),
        ({"hello": "reader", "name": "front-in"}, "name: 'front-in' is a scanner"),
        ({"hello": "ghost"}, "Input tag 'ghost'"),
        ({"hello": "person", "name": "x"}, "person.name: Extra inputs are not permitted"),
        ({"hello": "button"}, "button.door: Field required"),
    ],
)
async def test_a_stranger_is_told_why_and_hung_up(
    refusing: Process, hello: dict[str, object], error: str
) -> None:
    async with Host(refusing, **hello) as host:
        assert host.answer["ok"] is False
        assert host.answer["error"].startswith(error)
        assert await host.rest() == b""


async def test_a_witness_who_does_not_read_is_hung_up_on(building: Process) -> None:
    signal = {**SIGNAL, "lines": ["x" * 120] * 8}
    async with Host(building, **PERSON) as witness, Host(building, **INDICATOR) as indicator:
        assert (await witness.ask({"id": 1, "do": "watch"}))["ok"]
        for number in range(2_000):  # 2 MB: more than the building keeps and the kernel holds
            await indicator.ask({"id": number, **signal})

        assert (await witness.line())["n"] == 2  # what it was sent is without a gap
        assert len(await witness.rest()) < 2_000_000


async def test_connections_have_a_limit(building: Process) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(64):
            host = await stack.enter_async_context(Host(building, **PERSON))
            assert host.answer["ok"]
        reader, writer = await asyncio.open_unix_connection(building.socket)
        assert await reader.read() == b""
        writer.close()
