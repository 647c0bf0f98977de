"""A pseudo-terminal at a link that stays: how a serial device behind USB looks to a host."""

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path

from hil.building import limits


class Tty:
    """The device's side of a serial line. Starts unplugged; works in a running event loop.

    Args:
        link: Absolute path of the symbolic link that hosts open; an older link is replaced.
        received: Called with what the host wrote, in pieces as they come.
    """

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        self.link = link
        self._received = received
        self._ends: tuple[int, int] | None = None  # ours, the host's

    @property
    def plugged(self) -> bool:
        """Whether there is a line to a host."""
        return self._ends is not None

    def plug(self) -> None:
        """Make the pseudo-terminal and its link. Idempotent.

        Raises:
            OSError: there is no pseudo-terminal left, or something that isn't a link is there.
        """
        if self._ends is not None:
            return
        if self.link.exists() and not self.link.is_symlink():
            raise FileExistsError(f"{self.link}: is not a link to a pseudo-terminal")
        # The host's end stays open here too: without it each close by a host is a hang-up.
        ours, theirs = os.openpty()
        self._ends = ours, theirs
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(theirs))

    def unplug(self) -> None:
        """Take link and pseudo-terminal away; a host that has it open is hung up. Idempotent."""
        if self._ends is None:
            return
        ours, theirs = self._ends
        self._ends = None
        asyncio.get_running_loop().remove_reader(ours)
        self.link.unlink(missing_ok=True)
        os.close(theirs)
        os.close(ours)

    def send(self, data: bytes) -> bool:
        """Write to the host; False if it is unplugged or the line is full, and bytes were lost."""
        if self._ends is None:
            return False
        try:
            return os.write(self._ends[0], data) == len(data)
        except BlockingIOError:
            return False

    def _read(self, ours: int) -> None:
        self._received(os.read(ours, limits.TTY_READ_BYTES))
