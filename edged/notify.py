"""What systemd is told: sd_notify(3), one datagram to the socket that it named."""

import os
import socket
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"


def status(text: str) -> str:
    """Make the line that `systemctl status` shows."""
    return "STATUS=" + " ".join(text.split())


def notify(*lines: str) -> bool:
    """Tell systemd; False where nobody listens. Never waits, never raises OSError."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            sender.connect(address)
            sender.send("\n".join(lines).encode())
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """How often, in seconds, systemd wants WATCHDOG at the latest; None: it doesn't watch us."""
    wanted_us, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted_us.isdecimal() or pid not in {"", str(os.getpid())}:
        return None
    return int(wanted_us) / 1e6 or None
