"""A Honeywell scanner is triggered, watched and put right (drivers.honeywell)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.honeywell import HoneywellScanner
from hil.building.honeywell import FACTORY, Honeywell
from hil.building.scanner import LineScanner, Scanner
from hil.building.scanner_faults import Faults
from tests.drivers.rigs import impatient, now_ms, running, until

RIGHT = {**FACTORY, "TRGMOD": "0", "SUFBK2": "990D"}
LINK = "scanner.tty"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


@pytest.fixture
def device() -> Honeywell:
    """A scanner as it comes from the factory."""
    return Honeywell()


@pytest.fixture
async def scanner(device: Honeywell, tmp_path: Path) -> AsyncIterator[Scanner]:
    """The same, plugged in."""
    scanner = Scanner(tmp_path / LINK, device, now_ms)
    scanner.plug()
    yield scanner
    scanner.unplug()


@pytest.fixture
def driver(scanner: Scanner) -> HoneywellScanner:
    return HoneywellScanner("front.reader", port=str(scanner.tty.link))


async def test_it_is_put_right_in_its_memory_and_never_in_its_flash(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    device.settings["TRGMOD"] = "3"
    async with driver:
        assert device.settings == RIGHT
    assert device.saves == 0


async def test_it_is_triggered_while_it_is_open(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    async with driver:
        await until(lambda: device.triggered)
    await until(lambda: not device.triggered)


async def test_a_trigger_that_ran_out_is_given_again(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    async with driver, running(driver.run(lambda _: None)):
        device.triggered = False
        await until(lambda: device.triggered)


async def test_what_a_visitor_changed_is_put_right(
    device: Honeywell, scanner: Scanner, driver: HoneywellScanner
) -> None:
    scans: list[Scan] = []
    async with driver, running(driver.run(scans.append)):
        device.show_setting("TRGMOD", "3")
        device.show_setting("SUFBK2", "")
        await until(lambda: device.settings == RIGHT)
        scanner.scan(b"A")
        await until(lambda: scans)
    assert scans == [Scan(b"A")]


async def test_a_setting_that_it_does_not_know_is_named(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    del device.settings["SUFBK2"]
    with pytest.raises(DeviceMissing, match=r"scanner\.tty: SUFBK2: unknown"):
        await driver.__aenter__()


async def test_a_setting_that_it_forgets_while_it_works_is_named(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    async with driver, running(driver.run(lambda _: None)) as run:
        del device.settings["TRGMOD"]
        with pytest.raises(DeviceLost, match="TRGMOD: unknown"):
            await run


@pytest.mark.parametrize(
    "faults",
    [
        Faults(echo=True),
        Faults(noise_before=b"\xff"),
        Faults(noise_after=b"\xff"),
        Faults(duplicate=True),
        Faults(late_ms=20),
        Faults(late_ms=280),
        Faults(lost=1),
        Faults(lost=2),
    ],
    ids=repr,
)
async def test_a_scanner_behind_a_bad_line_is_put_right(
    device: Honeywell, driver: HoneywellScanner, faults: Faults
) -> None:
    device.faults = faults
    async with driver:
        await until(lambda: device.settings == RIGHT)


@pytest.mark.parametrize("faults", [Faults(cut_bytes=1), Faults(mute=True), Faults(lost=100)])
async def test_one_that_does_not_answer_is_missing(
    device: Honeywell, driver: HoneywellScanner, faults: Faults
) -> None:
    device.faults = faults
    with pytest.raises(DeviceMissing, match="does not answer menu commands"):
        await driver.__aenter__()


async def test_one_that_answers_no_more_is_lost(
    device: Honeywell, driver: HoneywellScanner
) -> None:
    async with driver, running(driver.run(lambda _: None)) as run:
        device.faults.mute = True
        with pytest.raises(DeviceLost, match="does not answer"):
            await run


async def test_what_is_no_honeywell_is_missing_and_named(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / LINK, LineScanner(b"\r"), now_ms)
    scanner.plug()
    with pytest.raises(DeviceMissing, match=r"scanner\.tty: does not answer menu commands"):
        await HoneywellScanner("front.reader", port=str(scanner.tty.link)).__aenter__()
    scanner.unplug()
