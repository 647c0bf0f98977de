"""The eye's only output: lines at a Unix socket. The wire is in README.md."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drivers.eye import limits
from drivers.eye.capture import Sight


def text_line(text: bytes) -> bytes:
    """The line that reports one text of at most `TEXT_BYTES` bytes."""
    return _line({"text": b64encode(text).decode("ascii")})


def beat_line(sight: Sight) -> bytes:
    """The sign of life, which says how the camera does."""
    if sight is Sight.FROZEN:
        return _line({"frozen": True})
    return _line({"alive": sight is Sight.CLEAR})


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


class Repeats:
    """Lets each text through once every `REPEAT_S` seconds."""

    def __init__(self) -> None:
        self._told_at: dict[bytes, float] = {}

    def due(self, text: bytes, now_s: float) -> bool:
        """Whether `text` is to be reported at `now_s` (monotonic), and remember that it was."""
        self._told_at = {
            old: at for old, at in self._told_at.items() if now_s - at < limits.REPEAT_S
        }
        if text in self._told_at or len(self._told_at) >= limits.REMEMBERED:
            return False
        self._told_at[text] = now_s
        return True


class Audience:
    """Whoever is connected to `door`. Nothing here waits: who can't keep up is dropped."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._readers: list[socket.socket] = []

    def admit(self, greeting: bytes) -> None:
        """Accept who waits at the door, with `greeting` as the first line."""
        with suppress(BlockingIOError):
            while True:
                reader, _ = self._door.accept()
                reader.settimeout(0)
                if len(self._readers) < limits.READERS and _sent(reader, greeting):
                    self._readers.append(reader)
                else:
                    reader.close()

    def tell(self, line: bytes) -> None:
        """Send `line` to everybody; close those who left or don't read."""
        for reader in self._readers.copy():
            if not _sent(reader, line):
                self._readers.remove(reader)
                reader.close()

    def close(self) -> None:
        """Hang up on everybody."""
        for reader in self._readers:
            reader.close()


@contextmanager
def served(path: Path) -> Iterator[Audience]:
    """Serve the Unix socket `path`, mode 0660: the texts are for the eye's own group.

    Raises:
        OSError: `path` can't be created, is no socket, or is served by another eye.
    """
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(0)
        door.bind(str(path))
        path.chmod(0o660)  # before `listen`: until then nobody gets in
        door.listen(limits.READERS)
        audience = Audience(door)
        try:
            yield audience
        finally:
            audience.close()
            path.unlink(missing_ok=True)


def _sent(reader: socket.socket, line: bytes) -> bool:
    try:
        return reader.send(line) == len(line)
    except OSError:
        return False


def _remove_stale(path: Path) -> None:
    """Remove the socket that a killed predecessor left; never one that still answers."""
    if not path.exists():
        return
    if not path.is_socket():
        raise FileExistsError(f"{path} is there and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise FileExistsError(f"another eye serves {path}")
