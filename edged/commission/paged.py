"""A walk whose questions stand on the console's pages.

It listens at a socket of its own, `commission.sock` beside the control socket, because it freezes
the daemon on the way and has to be answered while that stands: a JSON object a line, one request
a connection. Answered are root, its own user, and the console's.

    {"do": "look", "after": 3}                      -> {"n": 4, "done": [...], "now": {...} or null}
    {"do": "answer", "key": "...", "answer": "yes"} -> {"taken": true}
    {"do": "stop"}                                  -> {"taken": true}
"""

import json
import os
import pwd
import socket
import struct
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edged.commission import limits
from edged.commission.acceptance import Acceptance
from edged.commission.asking import NoAnswer
from edged.commission.walk import Way, go
from edged.commission.words import Ask, Outcome, Step, Watch
from edged.settings.model import Settings


class Abandoned(Exception):
    """Nobody answers any more, or somebody stopped the walk; it can be gone on with."""


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class _Look(_Said):
    do: Literal["look"]
    after: int


class _Answer(_Said):
    do: Literal["answer"]
    key: str = Field(max_length=200)
    answer: str = Field(max_length=limits.ANSWER_CHARS)


class _Stop(_Said):
    do: Literal["stop"]


_Request: TypeAlias = _Look | _Answer | _Stop
_REQUEST: Final[TypeAdapter[_Request]] = TypeAdapter(Annotated[_Request, Field(discriminator="do")])


class Paged:
    """An installer with a phone. What is asked waits here for whoever looks.

    `by`: in whose name; a word of the audit.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        self._changed = threading.Condition()
        self._n = 1
        self._done: list[Mapping[str, object]] = []
        self._now: Mapping[str, object] | None = None
        self._asked: Ask | None = None
        self._answer: str | None = None
        self._stopped = False

    def ask(self, question: Ask) -> str:
        """Ask, and wait for the answer. Raises NoAnswer, Abandoned."""
        shown = {"ask": question.key, "text": question.text, "choices": question.choices}
        within_s = question.within_s or limits.IDLE_S
        with self._changed:
            self._asked, self._answer = question, None
            self._show(shown)
            self._changed.wait_for(lambda: self._answer is not None or self._stopped, within_s)
            said, self._asked = self._answer, None
            self._show(None)
        if self._stopped:
            raise Abandoned("it was stopped")
        if said is not None:
            return said
        if question.within_s is None:
            raise Abandoned("nobody answers any more")
        raise NoAnswer(f"nobody answered within {within_s:.0f} s")

    def tell(self, task: Watch) -> None:
        """Say what is to be done now."""
        with self._changed:
            self._show({"do": task.key, "text": task.text, "for_s": task.for_s})

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Say how a step ended."""
        with self._changed:
            said = {"step": step.key, "verdict": outcome.verdict.value, "why": outcome.why}
            self._done.append(said)
            self._show(None)

    def _show(self, now: Mapping[str, object] | None) -> None:
        self._now, self._n = now, self._n + 1
        self._changed.notify_all()

    def answer(self, request: _Request) -> Mapping[str, object]:
        """Answer a page; waits for something new where it asks for that."""
        with self._changed:
            match request:
                case _Look(after=after):
                    self._changed.wait_for(
                        lambda: self._n > after or self._stopped, limits.PAGE_WAIT_S
                    )
                    return {"n": self._n, "done": self._done, "now": self._now}
                case _Answer(key=key, answer=answer):
                    return {"taken": self._take(key, answer)}
                case _Stop():
                    self._stopped = True
                    self._changed.notify_all()
                    return {"taken": True}

    def _take(self, key: str, answer: str) -> bool:
        """Take an answer to the question that is open; one of its choices, if it has any."""
        asked = self._asked
        fits = asked is not None and asked.key == key and self._answer is None
        if asked is None or not fits or (asked.choices and answer not in asked.choices):
            return False
        self._answer = answer
        self._changed.notify_all()
        return True


def go_paged(config: Path, settings: Settings, by: str, way: Way) -> Acceptance:
    """Walk as `walk.go` does, asked on the pages.

    Raises:
        Abandoned: Nobody answers any more. Else as `walk.go`.
    """
    guest = None if settings.console is None else settings.console.user
    installer = Paged(by)
    with listening(settings.commission_socket, installer, guest):
        return go(config, settings, installer, way)


@contextmanager
def listening(path: Path, installer: Paged, guest: str | None) -> Iterator[None]:
    """Let pages see the walk and answer; `guest`: the console's user. Raises OSError."""
    users = {0, os.geteuid()}
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)  # nobody can connect before it listens
        if guest is not None:
            with suppress(KeyError, OSError):  # without it nobody else sees the walk
                user = pwd.getpwnam(guest)
                os.chown(path, -1, user.pw_gid)
                path.chmod(0o660)
                users.add(user.pw_uid)
        listener.listen(limits.PAGES)
        threading.Thread(target=_accept, args=(listener, installer, users), daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            path.unlink(missing_ok=True)


def _accept(listener: socket.socket, installer: Paged, users: Collection[int]) -> None:
    """Answer those who may, and not too many at once, until nobody listens any more."""
    free = threading.BoundedSemaphore(limits.PAGES)
    with suppress(OSError):
        while True:
            peer, _ = listener.accept()
            if _uid(peer) in users and free.acquire(blocking=False):
                given = peer, installer, free
                threading.Thread(target=_converse, args=given, daemon=True).start()
            else:
                peer.close()


def _uid(peer: socket.socket) -> int:
    """Return the user at the other end, as the kernel knows him."""
    size = struct.calcsize("3i")
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", told)[1])


def _converse(peer: socket.socket, installer: Paged, free: threading.Semaphore) -> None:
    """Take a line, give a line; whoever talks nonsense, or nothing, is hung up on."""
    with suppress(OSError, ValidationError), peer:
        peer.settimeout(limits.CONNECT_S)
        with peer.makefile("rb") as lines:
            said = _REQUEST.validate_json(lines.readline(limits.PAGE_LINE_BYTES))
        peer.sendall(json.dumps(installer.answer(said)).encode() + b"\n")
    free.release()
