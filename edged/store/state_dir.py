"""One daemon, one state directory."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edged.store.errors import StateInUse


@contextmanager
def claim(folder: Path) -> Iterator[Path]:
    """Hold the state directory for this process alone; create it (0700) if it is not there.

    The kernel gives it back when the process ends, however it ends.

    Raises:
        StateInUse: Another process holds it.
        PermissionError: It is another user's, who could not read what is written here.
        OSError: It can't be created or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise PermissionError(
            f"{folder} is {_name(owner)}'s: runuser -u {_name(owner)} -- edged ..."
        )
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 20, 0)
            raise StateInUse(folder, int(pid) if pid.isdigit() else None) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield folder
    finally:
        os.close(lock)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
