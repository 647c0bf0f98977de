"""An SSI scanner is told what to do, acknowledged, and told again (drivers.ssi)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.ssi import SsiScanner
from hil.building import ssi as simulated
from hil.building.scanner import LineScanner, Scanner
from hil.building.scanner_faults import Faults
from hil.building.ssi import GM67, PACKETS, ZEBRA, Ssi
from tests.drivers.rigs import Tapped, impatient, now_ms, running, until

LINK = "scanner.tty"
PUT = bytes.fromhex("07 C6 04 00 00 EE 01 FE 40")
PUT_AGAIN = bytes.fromhex("07 C6 04 01 00 EE 01 FE 3F")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    monkeypatch.setattr(simulated, "RESPONSE_MS", 500)


@pytest.fixture(params=[ZEBRA, GM67], ids=["Zebra", "GM67"])
def device(request: pytest.FixtureRequest) -> Ssi:
    """A scanner as it comes from the factory."""
    return Ssi(request.param)


@pytest.fixture
async def scanner(device: Ssi, tmp_path: Path) -> AsyncIterator[Scanner]:
    """The same, plugged in."""
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    yield scanner
    scanner.unplug()


@pytest.fixture
def driver(scanner: Scanner) -> SsiScanner:
    return SsiScanner("front.reader", port=str(scanner.tty.link))


async def test_it_is_put_right_in_its_memory_and_never_in_its_flash(
    device: Ssi, driver: SsiScanner
) -> None:
    device.enabled = False
    before = dict(device.saved)
    async with driver:
        assert device.enabled
        assert device.parameters[PACKETS] == 1
        assert device.show_setting(PACKETS, 0) is (device.model is GM67)
    assert device.saved == before


async def test_one_that_sleeps_is_woken(
    device: Ssi, driver: SsiScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.asleep = True
    tapped = Tapped(device, monkeypatch)
    async with driver:
        assert device.parameters[PACKETS] == 1
    assert tapped.heard.startswith(b"\0" + PUT)
    assert tapped.heard.count(PUT) == 1


async def test_an_order_that_came_in_broken_is_given_again_and_says_so(
    device: Ssi, driver: SsiScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.faults.garbled = 1
    tapped = Tapped(device, monkeypatch)
    async with driver:
        assert device.parameters[PACKETS] == 1
    assert tapped.heard.startswith(b"\0" + PUT + b"\0" + PUT_AGAIN)
    assert (tapped.heard.count(PUT), tapped.heard.count(PUT_AGAIN)) == (1, 1)


@pytest.mark.parametrize("text", [b"A", b"B" * 250, b"C" * 251, b"D" * 512])
async def test_every_code_is_acknowledged_once(
    device: Ssi, scanner: Scanner, driver: SsiScanner, text: bytes
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        for shown in (text, b"next"):
            scanner.scan(shown)
        await until(lambda: len(scans) >= 2)
        await until(lambda: device.due_ms() is None)
    assert [scan.text for scan in scans] == [text, b"next"]
    assert device.given_up == 0


@pytest.mark.parametrize("spoilt", [1, 2])
async def test_a_broken_packet_is_asked_for_again(
    device: Ssi, scanner: Scanner, driver: SsiScanner, spoilt: int
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        device.spoil_codes = spoilt
        scanner.scan(b"HC1:A")
        await until(lambda: scans)
        await until(lambda: device.due_ms() is None)
    assert scans == [Scan(b"HC1:A")]


async def test_a_lost_acknowledgement_makes_no_second_code(
    device: Ssi, scanner: Scanner, driver: SsiScanner
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        device.faults.mute = True
        scanner.scan(b"A")
        await until(lambda: scans)
        device.faults.mute = False  # it sends the code again, marked so
        await until(lambda: device.due_ms() is None)
        scanner.scan(b"B")
        await until(lambda: len(scans) >= 2)
    assert [scan.text for scan in scans] == [b"A", b"B"]


async def test_a_code_that_was_shown_to_nobody_is_dropped(
    device: Ssi, scanner: Scanner, driver: SsiScanner
) -> None:
    scans: list[Scan] = []
    device.parameters[PACKETS] = 1
    scanner.scan(b"OLD")
    async with driver, running(driver.run(scans.append)):
        await until(lambda: device.due_ms() is None)
        scanner.scan(b"NEW")
        await until(lambda: scans)
    assert scans == [Scan(b"NEW")]


async def test_bare_texts_are_no_codes_and_put_it_right(
    device: Ssi, scanner: Scanner, driver: SsiScanner
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        device.parameters[PACKETS] = 0
        scanner.scan(b"BARE")
        await until(lambda: device.parameters[PACKETS])
        scanner.scan(b"A")
        await until(lambda: scans)
    assert scans == [Scan(b"A")]


async def test_one_that_was_told_to_stop_is_told_to_scan(device: Ssi, driver: SsiScanner) -> None:
    async with driver, running(driver.run(lambda _: None)):
        device.enabled = False
        await until(lambda: device.enabled)


async def test_an_order_that_it_refuses_is_named(device: Ssi, driver: SsiScanner) -> None:
    device.model = simulated.Model(0x01, splits=True, parameters=frozenset({b"\xec"}))
    with pytest.raises(DeviceMissing, match=r"scanner\.tty: refused an order with code 6"):
        await driver.__aenter__()


@pytest.mark.parametrize(
    "faults",
    [
        Faults(noise_before=b"\xff"),
        Faults(noise_after=b"\0"),
        Faults(duplicate=True),
        Faults(late_ms=20),
        Faults(late_ms=280),
        Faults(lost=1),
        Faults(lost=2),
        Faults(echo=True),
    ],
    ids=repr,
)
async def test_a_scanner_behind_a_bad_line_is_put_right(
    device: Ssi, driver: SsiScanner, faults: Faults
) -> None:
    device.faults = faults
    async with driver:
        assert device.parameters[PACKETS] == 1
        assert device.enabled


@pytest.mark.parametrize(
    "faults", [Faults(wrong_checksum=True), Faults(cut_bytes=1), Faults(mute=True)], ids=repr
)
async def test_one_that_does_not_answer_is_missing(
    device: Ssi, driver: SsiScanner, faults: Faults
) -> None:
    device.faults = faults
    with pytest.raises(DeviceMissing, match="does not answer as an SSI scanner"):
        await driver.__aenter__()


async def test_one_that_answers_no_more_is_lost(device: Ssi, driver: SsiScanner) -> None:
    async with driver, running(driver.run(lambda _: None)) as run:
        device.faults.mute = True
        with pytest.raises(DeviceLost, match="does not answer"):
            await run


async def test_what_speaks_no_ssi_is_missing_and_named(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / LINK, LineScanner(b"\r"), now_ms)
    scanner.plug()
    with pytest.raises(DeviceMissing, match=r"scanner\.tty: does not answer as an SSI"):
        await SsiScanner("front.reader", port=str(scanner.tty.link)).__aenter__()
    scanner.unplug()
