"""Asking the daemon: plain blocking calls, for commands."""

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from edged import limits
from edged.control.wire import Verb, line


class DaemonUnreachable(Exception):
    """Nobody answers as the daemon would."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"the daemon does not answer at {path}: {problem}")


class DaemonAbsent(DaemonUnreachable):
    """Nobody listens: no daemon runs here."""


class ControlRefused(Exception):
    """The daemon said no. `code` is the exit code it asks for, `errors` its lines."""

    def __init__(self, code: int, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.code = code
        self.errors = tuple(errors)


def ask(path: Path, verb: Verb, /, **arguments: object) -> Mapping[str, object]:
    """Ask once and return the answer.

    Raises:
        DaemonAbsent, DaemonUnreachable: There is no answer.
        ControlRefused: There is one, and it is no.
        PermissionError: The socket is not for this user.
    """
    with _connect(path) as daemon:
        return daemon.ask(verb, arguments)


def follow(path: Path) -> Iterator[Mapping[str, object]]:
    """Yield what happens from now on, `{"event": {...}}` or `{"lagged": N}`; see `ask`.

    Ends with DaemonUnreachable when the daemon stops.
    """
    with _connect(path) as daemon:
        daemon.ask(Verb.WATCH, {})
        daemon.wait_for_ever()
        while True:
            yield daemon.read()


@contextmanager
def watched(path: Path) -> Iterator[Callable[[float], Mapping[str, object] | None]]:
    """Watch from now on: gives what waits at most so many seconds for the next event.

    None: there was none in time, and none will be given after. Raises as `follow`.
    """
    with _connect(path) as daemon:
        daemon.ask(Verb.WATCH, {})
        yield daemon.read_within


def daemon_pid(path: Path) -> int:
    """Give the id of the process that answers, by the kernel's word. Raises as `ask`."""
    with _connect(path) as daemon:
        daemon.ask(Verb.STATUS, {})
        return daemon.pid


class _Daemon:
    """The other end of a connection."""

    def __init__(self, path: Path, peer: socket.socket, lines: BinaryIO) -> None:
        self._path = path
        self._peer = peer
        self._lines = lines

    @property
    def pid(self) -> int:
        size = struct.calcsize("3i")
        told = self._peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", told)[0])

    def ask(self, verb: Verb, arguments: Mapping[str, object]) -> Mapping[str, object]:
        request = line({"verb": verb, **arguments})
        with suppress(BrokenPipeError):  # it hung up, and may have said why
            self._peer.sendall(request)
        said = self.read()
        answer = said.get("answer")
        if said.get("ok") is True and isinstance(answer, dict):
            return answer
        code, errors = said.get("exit"), said.get("errors")
        if not isinstance(code, int) or not isinstance(errors, list):
            raise DaemonUnreachable(self._path, "its answer makes no sense")
        raise ControlRefused(code, [str(error) for error in errors])

    def read(self) -> Mapping[str, object]:
        try:
            return self._read()
        except OSError as error:
            raise DaemonUnreachable(self._path, str(error)) from None

    def read_within(self, for_s: float) -> Mapping[str, object] | None:
        self._peer.settimeout(for_s)
        try:
            return self._read()
        except TimeoutError:
            return None
        except OSError as error:
            raise DaemonUnreachable(self._path, str(error)) from None

    def _read(self) -> Mapping[str, object]:
        data = self._lines.readline(limits.CONTROL_LINE_BYTES + 1)
        if not data.endswith(b"\n"):
            raise DaemonUnreachable(self._path, "it hung up")
        try:
            said = json.loads(data)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise DaemonUnreachable(self._path, "its answer makes no sense")
        return said

    def wait_for_ever(self) -> None:
        self._peer.settimeout(None)


@contextmanager
def _connect(path: Path) -> Iterator[_Daemon]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(limits.CONTROL_REQUEST_S)
        try:
            peer.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise DaemonAbsent(path, str(error.strerror)) from None
        except PermissionError as error:
            raise PermissionError(error.errno, error.strerror, str(path)) from None
        except OSError as error:
            raise DaemonUnreachable(path, str(error)) from None
        with peer.makefile("rb") as lines:
            yield _Daemon(path, peer, lines)
