"""What only a keyboard wedge does (drivers.keyboard_wedge), at an event device made of a FIFO."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.api import DeviceLost, DeviceMissing, Scan
from drivers.keyboard_wedge import KeyboardWedge
from tests.drivers.keys import ENTER, GRAB, FakeNode, Kernel, press, typed
from tests.drivers.rigs import running, until


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    return kernel


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[FakeNode]:
    node = FakeNode(tmp_path / "event-kbd")
    await node.plug()
    yield node
    await node.unplug()


@pytest.mark.threat("A13")
async def test_the_device_is_taken_for_this_process_alone(kernel: Kernel, node: FakeNode) -> None:
    async with KeyboardWedge("kbd", path=str(node.path)):
        assert kernel.grabs == [GRAB]


@pytest.mark.threat("A13")
@pytest.mark.parametrize(
    ("usb_id", "problem"), [("0c2e:0201", "is 0c2e:0200, not 0c2e:0201"), ("0c2f:0200", "not 0c2f")]
)
async def test_another_product_at_the_path_is_not_taken(
    kernel: Kernel, node: FakeNode, usb_id: str, problem: str
) -> None:
    assert kernel.identity[1:3] == (0x0C2E, 0x0200)
    with pytest.raises(DeviceMissing, match=problem):
        await KeyboardWedge("kbd", path=str(node.path), usb_id=usb_id).__aenter__()
    assert kernel.grabs == []


async def test_a_device_that_somebody_else_has_taken_is_missing(
    kernel: Kernel, node: FakeNode
) -> None:
    kernel.taken = True
    with pytest.raises(DeviceMissing, match="busy"):
        await KeyboardWedge("kbd", path=str(node.path)).__aenter__()


@pytest.mark.threat("A13")
async def test_what_is_no_event_device_is_missing_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    before = open_files()
    with pytest.raises(DeviceMissing, match="can't take"):
        await KeyboardWedge("kbd", path=str(file)).__aenter__()
    assert open_files() == before
    assert file.read_text() == "precious"


@pytest.mark.usefixtures("kernel")
async def test_what_was_typed_before_it_was_opened_is_dropped(node: FakeNode) -> None:
    scans: list[Scan] = []
    node.type(typed("M1:EARLIER") + press(ENTER))
    async with KeyboardWedge("kbd", path=str(node.path)) as wedge, running(wedge.run(scans.append)):
        node.type(typed("M1:NOW") + press(ENTER))
        await until(lambda: scans)
    assert [scan.text for scan in scans] == [b"M1:NOW"]


@pytest.mark.usefixtures("kernel")
async def test_a_failed_read_is_a_lost_device(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel answers ENODEV for a keyboard that was pulled out."""

    def gone(*_: object) -> bytes:
        raise OSError(19, "No such device")

    wedge = KeyboardWedge("kbd", path=str(node.path))
    async with wedge:
        run = asyncio.create_task(wedge.run(lambda _: None))
        await asyncio.sleep(0)
        monkeypatch.setattr(os, "read", gone)
        node.type(press(ENTER))
        with pytest.raises(DeviceLost, match="No such device"):
            await run


@pytest.mark.parametrize("usb_id", ["", "0c2e", "0C2E:0200", "0c2e:0200\n", "0c2e-0200"])
def test_what_is_no_usb_id_is_named(usb_id: str) -> None:
    with pytest.raises(ValueError, match="usb_id must be like"):
        KeyboardWedge("kbd", path="/dev/input/by-id/x", usb_id=usb_id)
