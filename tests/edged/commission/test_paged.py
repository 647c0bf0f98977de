"""A walk that is asked on pages, over its socket."""

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edged.commission import limits
from edged.commission.asking import NoAnswer
from edged.commission.paged import Abandoned, Paged, listening
from edged.commission.words import Ask, Kind, Outcome, Signal, Step, Verdict, Watch

WHICH = Ask("lock/front/which", "Which?", ("front", "none"))


def said(path: Path, line: bytes) -> bytes:
    """Say a line at the socket; what is answered."""
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(60)
        page.connect(str(path))
        with suppress(ConnectionError):  # it may be hung up on before it has spoken
            page.sendall(line)
            return page.makefile("rb").readline()
    return b""


def asked(path: Path, **request: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(path, json.dumps(request).encode() + b"\n"))
    return found


def beside(work: Callable[[], str]) -> "Future[str]":
    """Do something in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walk.sock"


def test_what_is_asked_is_shown_and_one_of_its_answers_is_taken_once(path: Path) -> None:
    walk = Paged("kim")
    with listening(path, walk, None):
        assert path.stat().st_mode & 0o777 == 0o600
        begun = asked(path, do="look", after=0)
        answer = beside(lambda: walk.ask(WHICH))
        now = asked(path, do="look", after=begun["n"])
        shown = {"ask": "lock/front/which", "text": "Which?", "choices": ["front", "none"]}
        assert now["now"] == shown
        for key, wrong in (("lock/yard/which", "front"), ("lock/front/which", "yard")):
            assert asked(path, do="answer", key=key, answer=wrong) == {"taken": False}
        right = {"do": "answer", "key": "lock/front/which", "answer": "front"}
        assert asked(path, **right) == {"taken": True}
        assert answer.result(60) == "front"
        assert asked(path, **right) == {"taken": False}


def test_tasks_and_ends_are_shown(path: Path) -> None:
    walk = Paged("kim")
    with listening(path, walk, None):
        walk.ended(Step(Kind.LOCK, "front"), Outcome(Verdict.PASSED, "its bolt moved"))
        walk.tell(Watch("reader/in/show", "Show a code.", Signal.CODE, 60.0))
        found = asked(path, do="look", after=0)
    assert found["done"] == [{"step": "lock/front", "verdict": "passed", "why": "its bolt moved"}]
    assert found["now"] == {"do": "reader/in/show", "text": "Show a code.", "for_s": 60.0}
    assert not path.exists()


def test_who_does_not_answer_in_time_has_not_answered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Paged("kim")
    with pytest.raises(NoAnswer, match="within 0 s"):
        walk.ask(Ask("way_out_frozen/front/out", "Out?", ("yes", "no"), within_s=0.01))
    monkeypatch.setattr(limits, "IDLE_S", 0.01)
    with pytest.raises(Abandoned):
        walk.ask(WHICH)
    with listening(path, walk, None):
        monkeypatch.setattr(limits, "IDLE_S", 30)
        answer = beside(lambda: walk.ask(WHICH))
        assert asked(path, do="stop") == {"taken": True}
        with pytest.raises(Abandoned):
            answer.result(60)


@pytest.mark.threat("D11")
@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{\n",
        b"[" * 5_000 + b"\n",
        b'{"do": "run"}\n',
        b'{"do": "look"}\n',
        b'{"do": "look", "after": "1"}\n',
        b'{"do": "answer", "key": "k", "answer": "%b"}\n' % (b"x" * (limits.ANSWER_CHARS + 1)),
        b'{"do": "stop", "more": 1}\n',
        b"x" * (limits.PAGE_LINE_BYTES + 1),
    ],
)
def test_nonsense_is_hung_up_on_and_the_walk_goes_on(path: Path, line: bytes) -> None:
    walk = Paged("kim")
    with listening(path, walk, None):
        for _ in range(limits.PAGES + 1):
            assert said(path, line) == b""
        assert asked(path, do="look", after=0)["done"] == []


@pytest.mark.threat("D11")
def test_strangers_and_crowds_are_not_answered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(path, Paged("kim"), "nobody"):
        peers = [socket.socket(socket.AF_UNIX) for _ in range(limits.PAGES)]
        for peer in peers:
            peer.connect(str(path))
        assert said(path, b'{"do": "look", "after": 0}\n') == b""
        for peer in peers:
            peer.close()
    uid = os.geteuid()
    monkeypatch.setattr("edged.commission.paged._uid", lambda _: uid + 4_711)
    with listening(path, Paged("kim"), "no such user"):
        assert said(path, b'{"do": "look", "after": 0}\n') == b""
