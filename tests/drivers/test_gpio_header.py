"""The gaps of the GPIO libraries (drivers.gpio_header), on the libraries themselves."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal
from unittest import mock

import pytest

from drivers import gpio_header, gpio_inputs
from drivers.api import DeviceLost, DeviceMissing, Header
from drivers.gpio_header import Chip, ChipInput, sense_of
from drivers.gpio_inputs import GpioInput
from drivers.line_keeper.protocol import Sense
from tests.drivers.header import MockHeader
from tests.drivers.rigs import running, until


@pytest.fixture
def mocked(tmp_path: Path) -> MockHeader:
    return MockHeader(tmp_path)


@pytest.mark.parametrize("label", ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"])
async def test_the_headers_chip_is_found_by_its_label(mocked: MockHeader, label: str) -> None:
    mocked.labels = {0: "raspberrypi-exp-gpio", 11: label}
    await mocked.plug()
    assert gpio_header.find_chip(mocked.lgpio) == 11
    await mocked.unplug()


async def test_another_computer_has_no_header(mocked: MockHeader) -> None:
    mocked.labels = {0: "INT34C5:00"}
    await mocked.plug()
    device = GpioInput(
        "front.contact", line=23, normally="closed", debounce_ms=50, header=mocked.header
    )
    with pytest.raises(DeviceMissing, match="INT34C5"):
        await device.__aenter__()
    await mocked.unplug()


async def test_an_output_is_claimed_with_its_level_in_one_step(
    mocked: MockHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[object, ...]] = []
    for name in ("gpio_claim_output", "gpio_claim_input", "gpio_write"):
        monkeypatch.setattr(
            mocked.lgpio, name, lambda *given, name=name: calls.append((name, *given))
        )
    await mocked.plug()
    chip = Chip(mocked.header.runtime_dir)
    chip.claim_output(17, level=True)
    chip.write(17, level=False)
    chip.claim_input(22, Sense.PULL_UP)
    await mocked.unplug()
    assert calls == [
        ("gpio_claim_output", 4, 17, 1),
        ("gpio_write", 4, 17, 0),
        ("gpio_claim_input", 4, 22, mocked.lgpio.SET_PULL_UP),
    ]


async def test_what_lgpio_refuses_is_an_os_error(mocked: MockHeader) -> None:
    await mocked.plug()
    chip = Chip(mocked.header.runtime_dir)
    with pytest.raises(OSError, match="unknown handle"):  # it is the mock's
        chip.claim_output(17, level=False)
    await mocked.unplug()


@pytest.mark.parametrize(
    ("normally", "pull", "sense"),
    [
        ("closed", "up", Sense.PULL_UP),
        ("open", "up", Sense.PULL_UP | Sense.ACTIVE_LOW),
        ("closed", "down", Sense.PULL_DOWN | Sense.ACTIVE_LOW),
        ("open", "down", Sense.PULL_DOWN),
        ("closed", "none", Sense(0)),
        ("open", "none", Sense.ACTIVE_LOW),
    ],
)
def test_an_input_is_active_when_it_is_not_as_normally(
    normally: Literal["open", "closed"], pull: Literal["up", "down", "none"], sense: Sense
) -> None:
    assert sense_of(normally, pull) == sense


async def test_a_callback_that_fails_deafens_nobody(mocked: MockHeader) -> None:
    heard: list[bool] = []

    def broken(level: bool) -> None:
        raise SystemExit(level)

    await mocked.plug()
    folder = mocked.header.runtime_dir
    first = ChipInput(folder, 23, Sense.PULL_UP, 50, broken)
    second = ChipInput(folder, 24, Sense.PULL_UP, 50, heard.append)
    mocked.level(23, level=False)  # on this thread the mock would raise here
    mocked.level(24, level=False)
    assert heard == [False]
    first.close()
    second.close()
    await mocked.unplug()


FRESH = """
import os, sys, threading
from pathlib import Path
from drivers import gpio_header, gpio_inputs

folder, here = Path(sys.argv[1]), Path.cwd()
lgpio = gpio_header.load(folder)
assert Path.cwd() == here
assert [one.name for one in folder.iterdir()] == [".lgd-nfy0"]
assert not [one for one in here.iterdir() if one.name.startswith(".lgd")]

dead = threading.Thread()
vars(lgpio)["_notify_thread"] = dead
gpio_header._wake(lgpio, folder)
alive = vars(lgpio)["_notify_thread"]
assert alive is not dead and alive.is_alive() and Path.cwd() == here
gpio_header._wake(lgpio, folder)
assert vars(lgpio)["_notify_thread"] is alive
"""


def test_lgpio_leaves_its_fifo_in_its_folder_and_its_thread_is_woken(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRESH, tmp_path / "lgpio"],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cant_be_made_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        gpio_header.load(tmp_path / "no" / "folder")


async def test_an_input_that_goes_deaf_is_lost_and_says_so(tmp_path: Path) -> None:
    mocked = MockHeader(tmp_path)
    await mocked.plug()
    header = Header("header", tmp_path, tmp_path)
    device = GpioInput(
        "front.contact", line=23, normally="closed", pull="none", debounce_ms=1, header=header
    )
    levels: list[bool] = []
    async with device, running(device.run(levels.append)) as run:
        await until(lambda: levels)
        mocked.deaf = True
        mocked.level(23, level=True)
        with pytest.raises(DeviceLost, match="line 23 is deaf"):
            await run
    assert levels == [False]
    await mocked.unplug()


async def test_once_an_input_was_lost_no_input_is_deaf_though_no_edge_is_reported_again(
    tmp_path: Path,
) -> None:
    """What reads the kernel's edges may be stuck for good at a line that never moves."""
    mocked = MockHeader(tmp_path)
    await mocked.plug()
    header = Header("header", tmp_path, tmp_path)
    contact = GpioInput("front.contact", line=24, normally="closed", debounce_ms=1, header=header)
    button = GpioInput("front.exit", line=23, normally="open", debounce_ms=40, header=header)
    mocked.level(23, level=True)
    pressed: list[bool] = []
    async with button, running(button.run(pressed.append)):
        mocked.deaf = True
        opened: list[bool] = []
        async with contact, running(contact.run(opened.append)) as run:
            await until(lambda: opened)
            mocked.level(24, level=not opened[0])
            with pytest.raises(DeviceLost, match="line 24 is deaf"):
                await run
        mocked.level(23, level=False)
        await until(lambda: pressed == [False, True])
        mocked.level(23, level=True)
        await until(lambda: pressed == [False, True, False])
    async with contact, running(contact.run(opened.append)):
        await until(lambda: len(opened) == 2)
    await mocked.unplug()


async def test_a_level_that_does_not_last_is_not_seen_by_looking(
    mocked: MockHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mocked.plug()
    button = GpioInput("front.exit", line=23, normally="open", debounce_ms=80, header=mocked.header)
    mocked.level(23, level=True)
    async with button:
        assert button._levels is not None
        button._levels.doubt()
        looks = iter([False, False, True, False, False, False])
        clock = mock.Mock(monotonic=mock.Mock(side_effect=[0.04 * n for n in range(6)]))
        monkeypatch.setattr(gpio_inputs, "time", clock)
        monkeypatch.setattr(button._levels, "read", lambda: next(looks))
        assert await button._look(button._levels, level=True) is False
        assert list(looks) == []
    await mocked.unplug()


@pytest.mark.parametrize("woken", [False, True])
async def test_an_input_at_which_nothing_moves_is_lost_with_lgpios_thread(
    tmp_path: Path, *, woken: bool
) -> None:
    """A short press is over before it is read; and a new thread knows no old input."""
    mocked = MockHeader(tmp_path)
    await mocked.plug()
    header = Header("header", tmp_path, tmp_path)
    device = GpioInput("front.exit", line=23, normally="open", debounce_ms=1, header=header)
    levels: list[bool] = []
    async with device, running(device.run(levels.append)) as run:
        await until(lambda: levels)
        other = threading.current_thread() if woken else threading.Thread()
        with (
            mock.patch.object(mocked.lgpio, "_notify_thread", other),
            pytest.raises(DeviceLost, match="line 23 is deaf"),
        ):
            await run
    await mocked.unplug()


async def test_a_line_that_lgpio_holds_on_to_is_heard_when_it_is_open_again(
    mocked: MockHeader,
) -> None:
    """Else the old device takes the line from the new one when it is collected: it is deaf."""

    def busy() -> None:
        raise mocked.error("GPIO busy")

    await mocked.plug()
    device = GpioInput("front.exit", line=23, normally="open", debounce_ms=1, header=mocked.header)
    mocked.level(23, level=True)
    async with device:
        held = mock.patch.object(mocked.pin(23), "close", busy)
        held.start()
    held.stop()
    pressed: list[bool] = []
    async with device, running(device.run(pressed.append)):
        await until(lambda: pressed == [False])
        mocked.level(23, level=False)
        await until(lambda: pressed == [False, True])
    await mocked.unplug()
