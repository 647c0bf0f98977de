"""The machine's serial, to which a claim is bound."""

import hashlib
import re
from pathlib import Path
from typing import Final

_BOARD: Final = Path("proc/device-tree/serial-number")
_MACHINE: Final = Path("etc/machine-id")
_SERIAL: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def serial(root: Path = Path("/")) -> str:
    """Return the board's serial; on a machine without one, what systemd knows it by.

    That is not shown as it is (machine-id(5)), so this is `machine:` and 32 digits of its hash.

    Raises:
        OSError: There is neither.
    """
    try:
        found = (root / _BOARD).read_bytes().rstrip(b"\0\n").decode("ascii", "replace")
    except OSError:
        found = ""
    if _SERIAL.fullmatch(found):
        return found
    known = (root / _MACHINE).read_bytes().strip()
    return "machine:" + hashlib.sha256(b"edged serial\n" + known).hexdigest()[:32]
