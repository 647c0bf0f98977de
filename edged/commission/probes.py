"""Looking at the computer and at what stands around it. Nothing here changes or moves anything."""

import fcntl
import os
import socket
import ssl
import stat
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edged.commission import limits
from edged.commission.findings import FileSeen
from edged.identity.lasting import own_files
from edged.settings.model import Broker, Settings

_GET_CHIPINFO: Final = 0x8044B401
_CHIP_INFO: Final = struct.Struct("@32s32sI")
"""`struct gpiochip_info`: name, label, lines (linux/gpio.h)."""


def files(config: Path, settings: Settings, secrets_dir: Path) -> Iterator[FileSeen]:
    """Look at the files that the device lives by, those that are there.

    `secrets_dir`: where the system's secrets are, beside those that the settings name.
    """
    cloud = settings.cloud
    state = settings.state_dir
    open_ones = [config, config.absolute().parent, state / "journal.db"]  # in a closed folder
    secret = [state, state / "cloud", state / "cloud" / "device-key.pem"]
    if cloud is not None:
        certificate, key = own_files(settings, cloud) or (None, None)
        open_ones += [cloud.ca_file] + ([] if certificate is None else [certificate])
        secret += [] if key is None else [key]
    for folder in (secrets_dir, settings.secrets_dir):
        if folder is not None and folder.is_dir():
            secret += [folder, *sorted(folder.iterdir())]
    for path, is_secret in [(one, False) for one in open_ones] + [(one, True) for one in secret]:
        with suppress(FileNotFoundError):
            seen = path.stat()
            yield FileSeen(str(path), seen.st_uid, stat.S_IMODE(seen.st_mode), is_secret)


def fsync_ms(folder: Path) -> Sequence[float]:
    """Time writes of a page in a file of its own, gone when this returns. Raises OSError."""
    page = bytes(limits.FSYNC_BYTES)
    took_ms = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(limits.FSYNC_TIMES):
            began_ns = time.monotonic_ns()
            os.write(file.fileno(), page)
            os.fsync(file.fileno())
            took_ms.append((time.monotonic_ns() - began_ns) / 1e6)
    return took_ms


def has_rtc(root: Path) -> bool:
    """Tell whether the computer has a clock that goes on without power."""
    return any(root.glob("sys/class/rtc/rtc*"))


def gpio_chips(root: Path) -> Iterator[tuple[str, str]]:
    """Give each GPIO chip that may be opened, and its label. Raises OSError."""
    for path in sorted(root.glob("dev/gpiochip*")):
        info = bytearray(_CHIP_INFO.size)
        chip = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(chip, _GET_CHIPINFO, info)
        finally:
            os.close(chip)
        _, label, _ = _CHIP_INFO.unpack(info)
        yield path.name, label.rstrip(b"\0").decode(errors="replace")


def memory_bytes(root: Path) -> tuple[int, int] | None:
    """Give how much memory is available, and how much there is; None: it doesn't say.

    Raises OSError, ValueError.
    """
    file = root / "proc/meminfo"
    if not file.exists():
        return None
    rows = (line.split() for line in file.read_text().splitlines())
    kib = {row[0]: int(row[1]) for row in rows if row}
    return kib["MemAvailable:"] * 1_024, kib["MemTotal:"] * 1_024


def children(pid: int) -> Iterator[str]:
    """Give the command lines of a process's children."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            stat_line = (process / "stat").read_text(errors="replace")
            if stat_line.rpartition(")")[2].split()[1] == str(pid):
                yield (process / "cmdline").read_text(errors="replace")


def broker_certificate(
    broker: Broker, own: tuple[Path, Path], authorities: Sequence[bytes]
) -> bytes:
    """Shake hands with the broker as the daemon would, and give its certificate (DER).

    `authorities`: see `cloud_link.transport.Broker`.

    Raises:
        OSError: It does not answer, or one of both does not trust the other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities:
        context.load_verify_locations(cadata=b"".join(authorities))
    else:
        context.load_verify_locations(broker.ca_file)
    context.load_cert_chain(*own)
    place = broker.host, broker.port
    with (
        socket.create_connection(place, limits.CONNECT_S) as plain,
        context.wrap_socket(plain, server_hostname=broker.host) as wrapped,
    ):
        wrapped.settimeout(limits.ALERT_S)
        with suppress(TimeoutError):  # whoever does not trust us says so after the handshake only
            wrapped.recv(1)
        return wrapped.getpeercert(binary_form=True) or b""


def listens(host: str, port: int) -> None:
    """See that somebody listens there. Raises OSError."""
    socket.create_connection((host, port), limits.CONNECT_S).close()
