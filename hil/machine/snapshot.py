"""A machine that has booted, kept: the next one goes on from there instead of booting."""

import asyncio
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from hil.machine.device import CommandFailed, Device, connected
from hil.machine.image import fingerprint, make_image
from hil.machine.qemu import QEMU, Disks, Machine
from hil.machine.wired import BOOT_S
from hil.package.packages import HERE

_MADE_BY: Final = ("hil/machine/qemu.py", "hil/machine/snapshot.py")


def make_snapshot(work: Path, lines: Mapping[int, bool]) -> Disks:
    """Make what is missing or old, the image too, and give what a machine goes on from.

    It is anew when the image is, and with another QEMU or other code that starts it.

    Args:
        work: Where all of it is kept.
        lines: The levels of the header's inputs while nothing happens.
    """
    image = make_image(work, lines)
    place = image.disk.parent
    saved = replace(image, disk=place / "saved.qcow2", state=place / "saved")
    key, kept = _key(image, lines), place / "saved-of"
    if kept.is_file() and kept.read_text() == key:
        return saved
    kept.unlink(missing_ok=True)
    of = ("-b", image.disk, "-F", "raw", saved.disk)
    subprocess.run(["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", *of], check=True)
    with (
        tempfile.TemporaryDirectory(prefix="edged-machine-") as folder,
        Machine(replace(saved, state=None), Path(folder), [], kept=True) as machine,
    ):
        asyncio.run(_settle(machine))
        machine.save(place / "saved")
    kept.write_text(key)
    return saved


def _key(image: Disks, lines: Mapping[int, bool]) -> str:
    told = subprocess.run([QEMU, "--version"], check=True, capture_output=True).stdout.decode()
    return f"{image.disk.stat().st_mtime_ns} {told}" + fingerprint(
        [HERE / name for name in _MADE_BY], lines
    )


async def _settle(machine: Machine) -> None:
    """Wait until it has nothing left to start, and have no daemon running."""
    async with Device(partial(connected, machine.agent), lambda *_: None) as device:
        await device.up(BOOT_S)
        with suppress(CommandFailed):  # whatever failed in a Debian without settings and network
            await device.run("systemctl", "is-system-running", "--wait")
        await device.run("systemctl", "stop", "edged")
        await device.run("sync")
