"""The virtual building as a process: its wire, its terminals, its camera (its README.md)."""

import asyncio
import hashlib
import json
import os
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import serial
import zxingcpp

from hil.issuer import Issuer, png
from hil.people import BuildingGone, Observation, People, Refused
from tests.hil.process import SOON_S, Host, Process


def bolt(door: str, *, released: bool) -> Callable[[Observation], bool]:
    def fits(seen: Observation) -> bool:
        return seen["what"] == "bolt" and seen["door"] == door and seen["released"] is released

    return fits


def bare(seen: Observation) -> dict[str, Any]:
    return {key: value for key, value in seen.items() if key not in {"n", "at_ms", "seen_us"}}


def test_the_ready_line_says_where_everything_is(building: Process, tmp_path: Path) -> None:
    assert building.ready == {
        "ready": True,
        "socket": str(tmp_path / "building.sock"),
        "scanners": {"front-in": str(tmp_path / "front-in.tty")},
        "relays": {"panel": str(tmp_path / "panel.tty")},
        "buses": {},
        "cameras": building.ready["cameras"],
    }
    assert building.ready["cameras"]["front-cam"].startswith("http://127.0.0.1:")


def test_it_leaves_nothing_but_its_log(building: Process, tmp_path: Path) -> None:
    assert building.stop() == 0
    assert {path.name for path in tmp_path.iterdir()} == {"building.toml", "building.jsonl"}


async def test_a_release_is_seen_and_ends_by_itself(building: Process, people: People) -> None:
    async with Host(building, hello="lock", door="front") as lock:
        assert lock.answer == {"ok": True, "type": "strike"}
        assert await lock.ask({"id": 6, "release_ms": 60_000}) == {"id": 6, "ok": True}
        await people.wait_for(bolt("front", released=True), SOON_S)
        await people.open("front")
        await people.close("front")
        await lock.ask({"id": 6, "secure": True})
        secured = await people.wait_for(bolt("front", released=False), SOON_S)
        assert await lock.ask({"id": 7, "release_ms": 400}) == {"id": 7, "ok": True}
        released = await people.wait_for(bolt("front", released=True), SOON_S, after=secured["n"])
        thrown = await people.wait_for(bolt("front", released=False), SOON_S, after=released["n"])

    coil = next(seen for seen in people.seen if seen["what"] == "coil" and seen["n"] > secured["n"])
    assert released["at_ms"] - coil["at_ms"] == 50
    assert thrown["at_ms"] - coil["at_ms"] == 400
    with pytest.raises(Refused, match=r"^locked$"):
        await people.open("front")
    assert bare(coil) == {"what": "coil", "door": "front", "energised": True}


async def test_observations_have_no_gap_and_are_in_the_log(
    building: Process, people: People
) -> None:
    await people.press("front", for_ms=1)
    await people.force("front")
    await people.wait_for(lambda seen: seen["what"] == "button" and not seen["pressed"], SOON_S)
    await people.close("front")

    assert [seen["n"] for seen in people.seen] == list(range(1, len(people.seen) + 1))
    at_ms = [seen["at_ms"] for seen in people.seen]
    assert at_ms == sorted(at_ms)
    seen_us = [seen["seen_us"] for seen in people.seen]
    assert seen_us == sorted(seen_us)
    assert all(seen["at_ms"] * 1_000 <= seen["seen_us"] for seen in people.seen)
    assert [json.loads(line) for line in building.log.read_text().splitlines()] == people.seen
    assert {"what": "door", "door": "front", "open": True, "forced": True} in [
        bare(seen) for seen in people.seen
    ]


async def test_a_strike_locks_when_its_host_is_gone(building: Process, people: People) -> None:
    async with Host(building, hello="lock", door="front") as lock:
        await lock.ask({"id": 1, "release_ms": 60_000})
        await people.wait_for(bolt("front", released=True), SOON_S)

    await people.wait_for(bolt("front", released=False), SOON_S)


async def test_a_magnet_lets_go_when_its_host_is_gone(building: Process, people: People) -> None:
    async with Host(building, hello="lock", door="hall") as lock:
        assert lock.answer["type"] == "magnet"
        await lock.ask({"id": 1, "hold_ms": 60_000})
        held = await people.wait_for(bolt("hall", released=False), SOON_S)

    await people.wait_for(bolt("hall", released=True), SOON_S, after=held["n"])


async def test_a_wired_coil_is_fed_as_long_as_its_wire_says(
    building: Process, people: People
) -> None:
    async with Host(building, hello="coil", door="front") as coil:
        assert await coil.ask({"id": 1, "energised": True}) == {"id": 1, "ok": True}
        first = await people.wait_for(bolt("front", released=True), SOON_S)
        await coil.ask({"id": 2, "energised": False})
        locked = await people.wait_for(bolt("front", released=False), SOON_S, after=first["n"])
        await coil.ask({"id": 3, "energised": True})
        again = await people.wait_for(bolt("front", released=True), SOON_S, after=locked["n"])

    await people.wait_for(bolt("front", released=False), SOON_S, after=again["n"])


async def test_a_magnet_lets_go_without_a_fresh_hold(building: Process, people: People) -> None:
    async with Host(building, hello="lock", door="hall") as lock:
        await lock.ask({"id": 1, "hold_ms": 100})
        held = await people.wait_for(bolt("hall", released=False), SOON_S)
        gone = await people.wait_for(bolt("hall", released=True), SOON_S, after=held["n"])

    assert gone["at_ms"] - held["at_ms"] == 150


async def test_contact_and_button_report_level_and_changes(
    building: Process, people: People
) -> None:
    async with (
        Host(building, hello="contact", door="front") as contact,
        Host(building, hello="button", door="front") as button,
    ):
        assert [await contact.line(), await button.line()] == [{"active": False}] * 2
        await people.force("front")
        assert await contact.line() == {"active": True}
        await people.close("front")
        assert await contact.line() == {"active": False}
        await people.press("front", for_ms=10)
        assert [await button.line(), await button.line()] == [{"active": True}, {"active": False}]


async def test_tamper_fire_and_lockdown_report_level_and_changes(
    building: Process, people: People
) -> None:
    await people.switch("fire", on=True)
    async with (
        Host(building, hello="tamper", door="front") as tamper,
        Host(building, hello="fire") as fire,
        Host(building, hello="lockdown") as lockdown,
    ):
        first = [await tamper.line(), await fire.line(), await lockdown.line()]
        assert first == [{"active": False}, {"active": True}, {"active": False}]
        await people.tamper("front", opened=True)
        await people.switch("fire", on=False)
        await people.switch("lockdown", on=True)
        await people.switch("lockdown", on=True)
        then = [await tamper.line(), await fire.line(), await lockdown.line()]
        assert then == [{"active": True}, {"active": False}, {"active": True}]
        await people.switch("lockdown", on=False)
        assert await lockdown.line() == {"active": False}
    seen = [(one["line"], one["on"]) for one in people.seen if one["what"] == "switch"]
    assert seen == [("fire", True), ("fire", False), ("lockdown", True), ("lockdown", False)]


async def test_a_bond_is_a_thrown_bolt_with_its_leaf(building: Process, people: People) -> None:
    async with (
        Host(building, hello="bond", door="front") as bond,
        Host(building, hello="lock", door="front") as lock,
    ):
        assert await bond.line() == {"active": True}
        await people.force("front")
        assert await bond.line() == {"active": False}
        await people.close("front")
        assert await bond.line() == {"active": True}
        before = people.last
        await lock.ask({"id": 1, "release_ms": 200})
        thrown = await people.lapse("front", SOON_S, after=before)
        assert thrown["released"] is False
        assert [await bond.line(), await bond.line()] == [{"active": False}, {"active": True}]


async def test_an_indicator_is_seen(building: Process, people: People) -> None:
    signal = {"light": "green", "tone": "high", "blinks": 0, "for_ms": 1_500, "lines": ["ようこそ"]}
    async with Host(building, hello="indicator", name="front-in") as indicator:
        assert await indicator.ask({"id": 3, **signal}) == {"id": 3, "ok": True}
        assert (await people.state())["indicators"] == {"front-in": signal}

    seen = await people.wait_for(lambda seen: seen["what"] == "indicator", SOON_S)
    assert bare(seen) == {"what": "indicator", "name": "front-in", **signal}


async def test_a_simulated_reader_reports_what_is_shown_to_it(
    building: Process, people: People
) -> None:
    async with Host(building, hello="reader", name="desk") as reader:
        await people.scan("desk", "M1:ABC")
        assert await reader.line() == {"scan": "M1:ABC"}

    seen = next(seen for seen in people.seen if seen["what"] == "scan")
    assert seen["sha256"] == hashlib.sha256(b"M1:ABC").hexdigest()
    connected = [bare(seen) for seen in people.seen if seen["what"] == "device"]
    assert connected[0] == {"what": "device", "hello": "reader", "name": "desk", "connected": True}
    with pytest.raises(Refused, match="nobody listens"):
        await people.scan("nowhere", "M1:ABC")


async def test_a_scanner_delivers_exactly_its_bytes(building: Process, people: People) -> None:
    with serial.Serial(str(building.tty), timeout=SOON_S) as port:
        await people.scan("front-in", "M1:ABC")
        assert await asyncio.to_thread(port.read, 7) == b"M1:ABC\r"
        every_byte = bytes(range(256))
        await people.raw("front-in", every_byte)
        assert await asyncio.to_thread(port.read, 256) == every_byte
        port.write(b"\x7e\x00")  # a scanner that is talked to stays a scanner
        await people.scan("front-in", "F1:D")
        assert await asyncio.to_thread(port.read, 5) == b"F1:D\r"
        port.timeout = 0
        assert port.read(1) == b""


async def test_an_unplugged_scanner_hangs_up_and_comes_back(
    building: Process, people: People
) -> None:
    with serial.Serial(str(building.tty), timeout=SOON_S) as port:
        await people.unplug("front-in")
        assert not building.tty.is_symlink()
        with pytest.raises((serial.SerialException, termios.error)):
            await asyncio.to_thread(port.read, 1)
    with pytest.raises(Refused, match="unplugged"):
        await people.scan("front-in", "M1:ABC")

    await people.plug("front-in")
    with serial.Serial(str(building.tty), timeout=SOON_S) as port:
        await people.scan("front-in", "M1:ABC")
        assert await asyncio.to_thread(port.read, 7) == b"M1:ABC\r"


async def test_a_relay_board_drives_its_door(building: Process, people: People) -> None:
    flash = bytes.fromhex("0105020000050C71")  # relay 1 on for 500 ms
    with serial.Serial(building.ready["relays"]["panel"], timeout=SOON_S) as port:
        port.write(flash)
        assert await asyncio.to_thread(port.read, 8) == flash
        released = await people.wait_for(bolt("side", released=True), SOON_S)
        thrown = await people.wait_for(bolt("side", released=False), SOON_S)

    assert thrown["at_ms"] - released["at_ms"] >= 400
    async with Host(building, hello="lock", door="side") as lock:
        error = "door: the coil of 'side' is fed by relays.panel.channels.1"
        assert lock.answer == {"ok": False, "error": error}
        assert await lock.rest() == b""


async def _frame(url: str) -> bytes:
    """The newest whole frame of a stream, fetched as a plain HTTP client would."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(SOON_S):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"multipart/x-mixed-replace; boundary=frame" in head
        part = await reader.readuntil(b"\r\n\r\n")
        length = int(part.split(b"Content-Length: ")[1])
        frame = await reader.readexactly(length)
    writer.close()
    return frame


def _codes(jpeg: bytes) -> list[str]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (480, 640, 3)
    return [code.text for code in zxingcpp.read_barcodes(picture)]


async def test_a_camera_sees_what_is_shown_to_it(building: Process, people: People) -> None:
    text = Issuer("acme", 1, b"\x01" * 32).m1(bytes(8), 0, 30, 0)
    url = building.ready["cameras"]["front-cam"]
    empty = await _frame(url)
    assert _codes(empty) == []

    await people.show("front-cam", png(text), for_ms=60_000)
    assert _codes(await _frame(url)) == [text]
    await people.show("front-cam", png("SMALL", scale=1), for_ms=60_000)
    assert _codes(await _frame(url)) == ["SMALL"]
    await people.show("front-cam", png("GONE"), for_ms=1)
    async with asyncio.timeout(SOON_S):
        while _codes(frame := await _frame(url)):
            pass
    assert frame != empty  # noise: an empty scene is no frozen picture


async def test_opencv_can_watch_the_camera(building: Process) -> None:
    def watch() -> bool:
        stream = cv2.VideoCapture(building.ready["cameras"]["front-cam"], cv2.CAP_FFMPEG)
        pictures = [stream.read()[1] for _ in range(2)]
        stream.release()
        return not np.array_equal(pictures[0], pictures[1])

    assert await asyncio.to_thread(watch)


async def test_a_lock_has_one_host(building: Process) -> None:
    async with (
        Host(building, hello="lock", door="front"),
        Host(building, hello="lock", door="front") as second,
    ):
        assert second.answer == {"ok": False, "error": "door: the lock of 'front' has a host"}


async def test_a_building_that_is_gone_is_said_so(building: Process) -> None:
    async with People(building.socket) as people:
        building.stop()
        with pytest.raises(BuildingGone):
            await people.wait_for(lambda _: False, SOON_S)
        with pytest.raises(BuildingGone):
            await people.state()


async def test_a_terminal_passes_bytes_as_they_are_to_hosts_that_set_nothing(
    building: Process, people: People
) -> None:
    host = os.open(building.tty, os.O_RDONLY | os.O_NOCTTY)
    await people.scan("front-in", "M1:ABC")
    assert await asyncio.to_thread(os.read, host, 99) == b"M1:ABC\r"
    os.close(host)


async def test_a_plug_that_is_pulled_leaves_nothing_open(building: Process, people: People) -> None:
    before = building.open_files()
    for _ in range(3):
        await people.unplug("front-in")
        await people.plug("front-in")

    assert building.open_files() == before
