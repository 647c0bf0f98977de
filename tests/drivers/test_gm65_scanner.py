"""A GM65 scanner is put right, watched, and put right again (drivers.gm65)."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from drivers import limits
from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.gm65 import Gm65Scanner
from hil.building.gm65 import FACTORY, Gm65
from hil.building.scanner import LineScanner, Scanner
from hil.building.scanner_faults import Faults
from tests.drivers.rigs import Tapped, impatient, now_ms, running, until

MODE, SETTING_CODES, OUTPUT, TAIL, RAW = 0x0000, 0x0003, 0x000D, 0x0060, 0x00BC
RIGHT = {**FACTORY, SETTING_CODES: 0x02}
LINK = "scanner.tty"
HEARTBEAT = bytes.fromhex("7E 00 0A 01 00 00 00 30 1A")
READ_MODE = bytes.fromhex("7E 00 07 01 00 00 01 01 41")


def _has(scans: list[Scan], count: int) -> bool:
    return len(scans) >= count


@pytest.fixture
def device() -> Gm65:
    """A scanner as it comes from the factory."""
    return Gm65()


@pytest.fixture
async def scanner(device: Gm65, tmp_path: Path) -> AsyncIterator[Scanner]:
    """The same, plugged in."""
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    yield scanner
    scanner.unplug()


@pytest.fixture
def driver(scanner: Scanner) -> Gm65Scanner:
    return Gm65Scanner("front.reader", port=str(scanner.tty.link))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


async def test_a_new_scanner_is_put_right_and_saved_once(device: Gm65, driver: Gm65Scanner) -> None:
    for _ in range(2):
        async with driver:
            assert device.zones == device.saved == RIGHT
    assert device.saves == 1


@pytest.mark.parametrize(
    ("zone", "found", "left"),
    [
        (MODE, 0xD5, 0xD6),
        (MODE, 0x00, 0x02),
        (MODE, 0xFF, 0xFE),
        (SETTING_CODES, 0x01, 0x02),
        (SETTING_CODES, 0x03, 0x02),
        (OUTPUT, 0xA1, 0xA0),
        (OUTPUT, 0x02, 0x00),
        (OUTPUT, 0x03, 0x03),
        (TAIL, 0x00, 0x01),
        (TAIL, 0x21, 0x01),
        (TAIL, 0x61, 0x01),
        (TAIL, 0x1F, 0x01),
        (RAW, 0x00, 0x00),
    ],
)
async def test_what_differs_is_put_right_and_the_rest_is_left(
    device: Gm65, driver: Gm65Scanner, zone: int, found: int, left: int
) -> None:
    device.zones = {**RIGHT, zone: found}
    async with driver:
        assert device.zones == {**RIGHT, zone: left}
    assert device.saves == (found != left)


async def test_it_can_wait_for_something_to_move(device: Gm65, scanner: Scanner) -> None:
    async with Gm65Scanner("front.reader", port=str(scanner.tty.link), mode="sense"):
        assert device.zones[MODE] == 0xD7


def test_a_mode_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match="mode must be one of continuous, sense, got 'manual'"):
        Gm65Scanner("front.reader", port="/dev/null", mode="manual")


@pytest.mark.parametrize("device", [Gm65(software=0x69)])
async def test_the_firmware_that_harms_binary_codes_is_told_not_to(
    scanner: Scanner, driver: Gm65Scanner
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        scanner.scan(b"\xb8\xd6\x90\xaf")
        await until(lambda: scans)
    assert scans == [Scan(b"\xb8\xd6\x90\xaf")]


@pytest.mark.parametrize("zone", [MODE, SETTING_CODES])
async def test_a_zone_that_keeps_no_value_is_named_and_wears_no_flash(
    device: Gm65, driver: Gm65Scanner, zone: int
) -> None:
    device.zones[MODE] = 0xD5
    device.stuck = frozenset({zone})
    with pytest.raises(DeviceMissing, match=f"zone {zone:04X} does not keep"):
        await driver.__aenter__()
    assert device.saves == 0


async def test_a_firmware_that_does_not_tell_its_version_is_put_right(
    device: Gm65, driver: Gm65Scanner
) -> None:
    device.unknown = frozenset({0x00E2})
    async with driver:
        assert device.zones == RIGHT


async def test_a_firmware_without_a_zone_is_missing(device: Gm65, driver: Gm65Scanner) -> None:
    device.unknown = frozenset({TAIL})
    with pytest.raises(DeviceMissing, match="refused a command with code 3"):
        await driver.__aenter__()


class Garbled(Gm65):
    """Hears the first question about the mode with a wrong checksum."""

    garbles = True

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        if data == READ_MODE and self.garbles:
            self.garbles = False
            data = data[:-1] + b"\0"
        return super().feed(data, now_ms)


@pytest.mark.parametrize("device", [Garbled()])
async def test_a_command_that_came_in_broken_is_given_again(
    device: Garbled, driver: Gm65Scanner
) -> None:
    async with driver:
        assert device.zones == RIGHT
        assert not device.garbles


class Hasty(Gm65):
    """Answers its first question about the mode with a value that it hasn't."""

    def __init__(self) -> None:
        super().__init__()
        self.zones = {**RIGHT, MODE: 0x00}
        self.saved = dict(RIGHT)

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        back = super().feed(data, now_ms)
        if data == READ_MODE:
            self.zones = dict(RIGHT)
        return back


@pytest.mark.parametrize("device", [Hasty()])
async def test_one_false_answer_changes_nothing(device: Gm65, driver: Gm65Scanner) -> None:
    async with driver:
        assert device.zones == RIGHT
    assert device.saves == 0


@pytest.mark.usefixtures("hasty")
async def test_three_heartbeats_are_missed_before_it_is_lost(
    device: Gm65, driver: Gm65Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driver:
        device.faults.mute = True
        tapped = Tapped(device, monkeypatch)
        with pytest.raises(DeviceLost, match="does not answer"):
            await driver.run(lambda _: None)
    assert tapped.heard == HEARTBEAT * 3


@pytest.mark.usefixtures("hasty")
async def test_a_visitor_can_not_change_it_and_what_changed_is_put_right(
    device: Gm65, driver: Gm65Scanner
) -> None:
    async with driver, running(driver.run(lambda _: None)):
        assert not device.show_setting(MODE, 0xD4)
        device.zones |= {MODE: 0xD4, TAIL: 0x00, SETTING_CODES: 0x00}
        await until(lambda: device.saves == 2)
        assert device.zones == device.saved == RIGHT


@pytest.mark.usefixtures("hasty")
async def test_a_scanner_that_lost_its_power_is_put_right(
    device: Gm65, driver: Gm65Scanner
) -> None:
    async with driver, running(driver.run(lambda _: None)):
        device.saved = dict(FACTORY)
        device.lose_power()
        await until(lambda: device.saves == 2)
        assert device.zones == RIGHT


@pytest.mark.usefixtures("hasty")
async def test_codes_overtake_answers_and_none_is_lost(
    device: Gm65, scanner: Scanner, driver: Gm65Scanner
) -> None:
    scans: list[Scan] = []
    shown = [b"CODE%d" % n for n in range(100)]
    async with driver, running(driver.run(scans.append)) as run:
        device.faults.late_ms = 5
        for count, text in enumerate(shown, start=1):
            scanner.scan(text)
            await until(partial(_has, scans, count))
        assert not run.done()
    assert [scan.text for scan in scans] == shown


async def test_codes_shown_before_anybody_listens_are_dropped(
    device: Gm65, scanner: Scanner, driver: Gm65Scanner
) -> None:
    scans: list[Scan] = []
    device.faults.noise_before = b"EARLY\r"
    async with driver:
        device.faults.noise_before = b""
        async with running(driver.run(scans.append)):
            scanner.scan(b"NOW")
            await until(lambda: scans)
    assert scans == [Scan(b"NOW")]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "faults",
    [
        Faults(echo=True),
        Faults(noise_before=b"\xff\x00"),
        Faults(noise_before=b"\x02\x00"),
        Faults(noise_after=b"\xff"),
        Faults(duplicate=True),
        Faults(late_ms=20),
        Faults(lost=1),
        Faults(lost=2),
    ],
    ids=repr,
)
async def test_a_scanner_behind_a_bad_line_is_put_right(
    device: Gm65, driver: Gm65Scanner, faults: Faults
) -> None:
    device.faults = faults
    async with driver:
        assert device.zones == device.saved == RIGHT


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "faults",
    [
        Faults(wrong_checksum=True),
        Faults(cut_bytes=1),
        Faults(mute=True),
        Faults(mute=True, echo=True),
        Faults(late_ms=280),
        Faults(late_ms=440),
        Faults(late_ms=520),
        Faults(late_ms=520, duplicate=True),
    ],
    ids=repr,
)
async def test_behind_a_worse_line_no_zone_gets_what_it_should_not_have(
    device: Gm65, driver: Gm65Scanner, faults: Faults
) -> None:
    device.faults = faults
    with suppress(DeviceMissing):
        async with driver:
            assert device.zones == device.saved == RIGHT
    assert device.zones in (RIGHT, FACTORY)


class Faint(Gm65):
    """Answers only every third heartbeat."""

    heartbeats = 0

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        self.heartbeats += data == HEARTBEAT
        return [] if data == HEARTBEAT and self.heartbeats % 3 else super().feed(data, now_ms)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("device", [Faint()])
async def test_two_heartbeats_in_a_row_may_be_missed(device: Faint, driver: Gm65Scanner) -> None:
    async with driver, running(driver.run(lambda _: None)) as run:
        await until(lambda: run.done() or device.heartbeats >= 12)
        assert not run.done()


@pytest.mark.usefixtures("hasty")
async def test_a_scanner_that_answers_no_more_is_lost_though_it_reads(
    device: Gm65, scanner: Scanner, driver: Gm65Scanner
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)) as run:
        device.faults.mute = True
        scanner.scan(b"A")
        with pytest.raises(DeviceLost, match="does not answer"):
            await run
    assert scans == [Scan(b"A")]


@pytest.mark.threat("A2")
@pytest.mark.usefixtures("hasty")
async def test_a_line_that_never_ends_is_lost(
    device: Gm65, scanner: Scanner, driver: Gm65Scanner
) -> None:
    scans: list[Scan] = []

    def endless() -> bool:
        scanner.tty.send(b"x" * 100)
        return run.done()

    async with driver, running(driver.run(scans.append)) as run:
        device.faults.mute = True
        await until(endless)
        with pytest.raises(DeviceLost, match="does not answer"):
            await run
    assert {len(scan.text) for scan in scans} == {limits.SCAN_BYTES}


@pytest.mark.usefixtures("hasty")
async def test_what_is_no_gm65_is_missing_and_named(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / LINK, LineScanner(b"\r"), now_ms)
    scanner.plug()
    with pytest.raises(DeviceMissing, match=r"scanner\.tty: does not answer as a GM65"):
        await Gm65Scanner("front.reader", port=str(scanner.tty.link)).__aenter__()
    scanner.unplug()
