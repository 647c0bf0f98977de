"""What somebody tries who has taken over a program: run in its place, as its unit has it.

Prints a line `GOT ...` for everything that went through, and `TRIED n` at the end. Only the
standard library, read from standard input: nothing of it needs to be found inside the sandbox.
"""

import ctypes
import json
import mmap
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

_CLONE_NEWUSER = 0x1000_0000
_PTRACE_ATTACH = 16
_SETTIME = 0
_LIBC = ctypes.CDLL(None, use_errno=True)
SECRETS = (
    "/var/lib/edged/journal.db",
    "/var/lib/edged/device.key",
    "/etc/edged/secrets/store_pepper",
    "/etc/shadow",
    "/run/edged/lines",
    "/proc/1/environ",
    "/proc/kcore",
    "/dev/mem",
)
WRITES = (
    "/etc/edged/x",
    "/usr/lib/edged/x",
    "/var/lib/edged/x",
    "/usr/bin/x",
)
DEVICES = ("/dev/gpiochip0", "/dev/ttyAMA0", "/dev/ttyUSB0", "/dev/input/event0", "/dev/sda")
_ORDER = b'{"verb": "door", "order": {"do": "open", "door": "front", "command": "x", "by": "x"}}\n'
_TOO_MUCH = 1 << 30


def reads(path: str) -> bool:
    """Open a file that is somebody else's."""
    with open(path, "rb") as file:  # noqa: PTH123 - nothing but what is always there
        return bool(file.read(1))


def writes(path: str) -> bool:
    """Make a file where programs and settings are."""
    Path(path).write_bytes(b"x")
    return True


def sees_others() -> bool:
    """Find a process of another user."""
    mine = os.getuid()
    return any(
        entry.stat().st_uid != mine for entry in Path("/proc").iterdir() if entry.name.isdigit()
    )


def kills() -> bool:
    """Reach the first process with a signal."""
    os.kill(1, signal.SIGCONT)
    return True


def calls_out() -> bool:
    """Reach the world; none of the addresses is in the same house."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as mouth:
        mouth.settimeout(2)
        mouth.connect(("203.0.113.1", 443))
    return True


def has_devices() -> bool:
    """Open hardware: pins, lines, keyboards, disks."""
    found = False
    for path in DEVICES:
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR))
            found = True
    return found


def makes_devices() -> bool:
    """Make the hardware that is hidden."""
    os.mknod("/tmp/x", 0o20600, os.makedev(1, 1))  # noqa: S108 - whatever is there
    return True


def takes_memory() -> bool:
    """Take more memory than a program of ours may have, and use it, in a child that may die."""
    child = os.fork()
    if not child:
        block = bytearray(_TOO_MUCH)
        for at in range(0, _TOO_MUCH, mmap.PAGESIZE):
            block[at] = 1
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def orders(path: str) -> bool:
    """Be heard at the daemon's control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mouth:
        mouth.settimeout(2)
        mouth.connect(path)
        mouth.sendall(_ORDER)
        return bool(json.loads(mouth.recv(4096))["ok"])


def system(call: Callable[[], int]) -> bool:
    """Make a call of the kernel that gives power."""
    return call() == 0


def runs_what_it_writes() -> bool:
    """Have memory that is written and executed, as injected code needs it."""
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return True


def becomes_root() -> bool:
    """Be somebody else."""
    os.setuid(0)
    return True


def borrows_power() -> bool:
    """Run a program that lends root's power."""
    done = subprocess.run(["/usr/bin/su", "-c", "id -u"], capture_output=True, check=False)
    return done.stdout.strip() == b"0"


ATTEMPTS: dict[str, Callable[[], bool]] = {
    **{f"read {path}": partial(reads, path) for path in SECRETS},
    **{f"wrote {path}": partial(writes, path) for path in WRITES},
    "saw other users' processes": sees_others,
    "signalled the first process": kills,
    "reached the world by the network": calls_out,
    "opened hardware": has_devices,
    "made a device file": makes_devices,
    "opened a raw packet socket": lambda: bool(
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).fileno()
    ),
    "opened the door by the control socket": lambda: orders("/run/edged/control.sock"),
    "made a user namespace": lambda: system(lambda: _LIBC.unshare(_CLONE_NEWUSER)),
    "attached to another process": lambda: system(
        lambda: _LIBC.ptrace(_PTRACE_ATTACH, 1, None, None)
    ),
    "mounted a file system": lambda: system(
        lambda: _LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None)
    ),
    "set the clock": lambda: system(
        lambda: _LIBC.clock_settime(_SETTIME, ctypes.byref((ctypes.c_long * 2)(0, 0)))
    ),
    "changed the host's name": lambda: system(lambda: _LIBC.sethostname(b"x", 1)),
    "has memory that is written and executed": runs_what_it_writes,
    "became root": becomes_root,
    "borrowed root's power": borrows_power,
    "took a gigabyte of memory": takes_memory,
}


def main() -> None:
    """Try all of it."""
    if os.getuid() == 0:
        raise SystemExit("not as root: what is tried here would be done")
    for name, attempt in ATTEMPTS.items():
        with suppress(OSError, ValueError):
            if attempt():
                print(f"GOT {name}", flush=True)
    print(f"TRIED {len(ATTEMPTS)}", flush=True)


if __name__ == "__main__":
    main()
