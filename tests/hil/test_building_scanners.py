"""The simulated scanners, held against frames in print and a published client."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ws_barcode_scanner import BarcodeScanner

from hil.building.gm65 import FACTORY, Gm65
from hil.building.honeywell import Honeywell
from hil.building.scanner import Scanner
from hil.building.ssi import ATTEMPTS, GM67, PACKETS, RESPONSE_MS, ZEBRA, Ssi
from tests.drivers.rigs import PATIENCE_S, now_ms
from tests.drivers.vectors import GM65, HONEYWELL, SSI, Frame

ACK = SSI["CMD_ACK host"].sent
NAK = SSI["CMD_NAK resend"].sent
HELLO = SSI["decode data QR HELLO (GM67 type F1); host must ACK"].back[0]
TAIL = 0x0060


@pytest.mark.parametrize("frame", GM65.values(), ids=GM65)
def test_a_gm65_answers_as_in_print(frame: Frame) -> None:
    assert Gm65().feed(frame.sent, 0) == list(frame.back)


@pytest.mark.parametrize(
    ("name", "zone", "value"),
    [("command-trigger mode", 0, 0xD5), ("CRLF tail", TAIL, 0x21), ("set 115200", 0x002A, 0x1A)],
)
def test_a_gm65_forgets_what_was_not_saved(name: str, zone: int, value: int) -> None:
    device = Gm65()
    device.feed(GM65[name].sent, 0)
    assert device.zones[zone] == value
    device.lose_power()
    assert device.zones == FACTORY
    for frame in (GM65[name], GM65["save to flash"]):
        device.feed(frame.sent, 0)
    device.lose_power()
    assert device.zones[zone] == value
    assert device.saves == 1


def test_a_gm65_goes_back_to_what_it_was() -> None:
    device = Gm65()
    device.feed(GM65["CRLF tail"].sent + GM65["save to flash"].sent, 0)
    device.feed(bytes.fromhex("7E 00 08 01 00 D9 50 81 D3"), 0)
    assert device.zones == FACTORY
    device.feed(bytes.fromhex("7E 00 08 01 00 D9 55 D1 76"), 0)
    assert device.zones[TAIL] == 0x21


def test_a_gm65_reads_one_code_a_command() -> None:
    device = Gm65()
    device.feed(GM65["command-trigger mode"].sent, 0)
    assert device.scan(b"A", 0) == []
    device.feed(GM65["trigger (CRC skipped)"].sent, 0)
    assert [device.scan(text, 0) for text in (b"A", b"B")] == [[b"A\r"], []]


@pytest.mark.parametrize(
    ("form", "sent"), [(0x01, b"A\r"), (0x21, b"A\r\n"), (0x41, b"A\t"), (0x61, b"A"), (0, b"A")]
)
def test_a_gm65_ends_its_codes(form: int, sent: bytes) -> None:
    device = Gm65()
    device.zones[TAIL] = form
    assert device.scan(b"A", 0) == [sent]


def test_a_gm65_that_types_sends_nothing() -> None:
    device = Gm65()
    device.zones[0x000D] = 0x01
    assert device.scan(b"A", 0) == []


def test_a_gm65_finds_commands_in_noise_and_in_pieces() -> None:
    device = Gm65()
    heartbeat = GM65["heartbeat"]
    stream = b"\x7e\x7e\x01" + heartbeat.sent + b"\xff" + heartbeat.sent
    back = [answer for byte in stream for answer in device.feed(bytes([byte]), 0)]
    assert back == [*heartbeat.back] * 2
    device.feed(heartbeat.sent[:5], 0)
    assert device.feed(heartbeat.sent[5:], 10_000) == []


def test_the_faults_of_a_line() -> None:
    device = Gm65()
    heartbeat, alive = GM65["heartbeat"].sent, GM65["heartbeat"].back[0]
    device.faults.echo = True
    assert device.feed(heartbeat, 0) == [heartbeat, alive]
    device.faults.mute = True
    assert device.feed(heartbeat, 0) == [heartbeat]
    device.faults.echo = device.faults.mute = False
    device.faults.lost = 1
    assert device.feed(heartbeat, 0) == []
    device.faults.late_ms, device.faults.duplicate, device.faults.noise_before = 50, True, b"\0"
    assert device.feed(heartbeat, 0) == []
    assert device.due_ms() == 50
    assert device.tick(50) == [b"\0" + alive + alive]
    device.faults.late_ms, device.faults.duplicate, device.faults.noise_before = 0, False, b""
    device.faults.cut_bytes, device.faults.noise_after = 2, b"\xff"
    assert device.feed(heartbeat, 0) == [alive[:-2] + b"\xff"]


def test_a_honeywell_answers_as_in_print() -> None:
    device = Honeywell()
    assert device.feed(b"\x16M\rcbrena?.", 0) == [b"CBRENA1\x06."]
    assert device.feed(b"\x16M\rxyzabc?.", 0) == [b"XYZABC?\x05."]
    assert device.feed(b"\x16M\rTRGMOD9!", 0) == [b"TRGMOD9\x15!"]
    assert device.feed(b"\x16M\rSUFBK2990D0A!", 0) == [b"SUFBK2990D0A\x06!"]
    assert (device.saves, device.saved["SUFBK2"]) == (0, "")


def test_a_honeywell_reads_one_code_a_trigger() -> None:
    device = Honeywell()
    device.feed(b"\x16M\rSUFBK2990D.", 0)
    assert device.scan(b"A", 0) == device.scan(b"B", 0) == []
    assert device.feed(HONEYWELL["trigger on"].sent, 0) == [b"A\r"]
    assert device.feed(HONEYWELL["trigger on"].sent, 0) == [b"B\r"]
    device.feed(HONEYWELL["trigger on"].sent + HONEYWELL["trigger off"].sent, 0)
    assert device.scan(b"C", 0) == []
    assert device.feed(b"\x16M\rTRGMOD3!" + HONEYWELL["trigger on"].sent, 0)[-1] == b"C\r"


@pytest.mark.parametrize("frame", [SSI[name] for name in SSI if SSI[name].sent], ids=str)
def test_an_ssi_scanner_answers_as_in_print(frame: Frame) -> None:
    assert Ssi(GM67).feed(frame.sent, 0) == list(frame.back)


def packeting(model: object = GM67) -> Ssi:
    device = Ssi(GM67 if model is GM67 else ZEBRA)
    device.parameters[PACKETS] = 1
    return device


def test_an_ssi_scanner_sends_a_code_as_in_print() -> None:
    device = packeting()
    assert device.scan(b"HELLO", 0) == [HELLO]
    assert device.scan(b"WAITS", 0) == []
    (second,) = device.feed(ACK, 0)
    assert b"WAITS" in second
    assert device.feed(ACK, 0) == []
    assert device.due_ms() is None


def test_an_ssi_scanner_sends_again_and_gives_up() -> None:
    device = packeting()
    again = bytes.fromhex("0A F3 00 01 F1 48 45 4C 4C 4F FC 9D")
    assert device.scan(b"HELLO", 0) == [HELLO]
    assert device.feed(NAK, 0) == [again]
    assert device.tick(RESPONSE_MS) == [again]
    assert device.tick(2 * RESPONSE_MS) == []
    assert (device.given_up, device.due_ms(), ATTEMPTS) == (1, None, 3)


def test_long_codes_of_both_kinds() -> None:
    text = bytes(range(256)) + b"the rest"
    (long,) = packeting(GM67).scan(text, 0)
    assert long.startswith(bytes.fromhex("FF F4 01 10 F4 00 00 F1"))
    assert len(long) == 0x110 + 2
    assert sum(long[:-2]) + int.from_bytes(long[-2:], "big") & 0xFFFF == 0
    zebra = packeting(ZEBRA)
    first, *none = zebra.scan(text, 0)
    (second,) = zebra.feed(ACK, 0)
    assert none == []
    assert (first[3], second[3]) == (2, 0)
    assert first[5:-2] + second[5:-2] == text


@pytest.mark.parametrize(
    "wrong", ["04 E9 04 00 FF 00", "05 C6 04 00 00 FF 31", "04 55 04 00 FF A3"]
)
def test_an_ssi_scanner_refuses_what_is_wrong(wrong: str) -> None:
    ((head, opcode, *_),) = Ssi().feed(bytes.fromhex(wrong), 0)
    assert (head, opcode) == (5, 0xD1)


def test_one_that_sleeps_loses_what_wakes_it() -> None:
    device = Ssi()
    device.asleep = True
    assert device.feed(b"\0", 0) == []
    assert device.feed(SSI["SCAN_ENABLE"].sent, 50) == [*SSI["SCAN_ENABLE"].back]


@pytest.fixture
async def plugged(tmp_path: Path) -> AsyncIterator[tuple[Gm65, Scanner]]:
    device = Gm65()
    scanner = Scanner(tmp_path / "scanner.tty", device, now_ms)
    scanner.plug()
    yield device, scanner
    scanner.unplug()


async def test_another_client_works_the_gm65(plugged: tuple[Gm65, Scanner]) -> None:
    device, scanner = plugged
    client = await asyncio.to_thread(BarcodeScanner, str(scanner.tty.link))
    zones = client.memory_map

    def change() -> tuple[int, int]:
        before = zones[0x0000]
        zones[0x0060] = 0x21
        zones[0x0000] = 0xD5
        client.save_to_flash()
        return before, zones[0x002A:0x002C]

    assert await asyncio.to_thread(change) == (0xD6, 0x3901)
    assert (device.saved[0x0000], device.saved[0x0060], device.saves) == (0xD5, 0x21, 1)
    device.zones = dict(FACTORY)
    scanner.scan(b"HC1:A")
    scanner.scan(b"HC1:B")
    codes: list[bytes] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(codes) < 2:
            codes += await asyncio.to_thread(client.query_for_codes)
    assert codes == [b"HC1:A", b"HC1:B"]
    client._BarcodeScanner__serial_port._SerialPort__serial_port.close()
