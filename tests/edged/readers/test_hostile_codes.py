"""Texts that are meant for something behind the door: a database, a shell, a terminal, a page."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hil.issuer import forged
from policy.model import Reason
from tests.edged.rig import Rig, signal

HOSTILE = [
    b"' OR '1'='1",
    b"M1:' UNION SELECT handle FROM members --",
    b'"; DROP TABLE records; --',
    b"$(touch opened)`touch opened`;touch opened",
    b"../../../../etc/passwd\x00.png",
    b"<script>alert(1)</script>{{7*7}}%s%n",
    b"\x1b[2J\x1b]0;opened\x07\r\nlet in: everybody",
    "\u202eneppo\u2066".encode(),
]


def all_but_audit(path: Path) -> list[str]:
    """What a database holds, as SQL, without the rows of its audit."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return [line for line in db.iterdump() if not line.startswith('INSERT INTO "audit"')]


@pytest.mark.threat("A1", "A9")
@pytest.mark.parametrize("text", HOSTILE)
async def test_it_is_a_text_that_is_no_code_and_nothing_else(rig: Rig, text: bytes) -> None:
    before = all_but_audit(rig.path)
    assert await rig.enter(text) == signal(Reason.CODE_UNREADABLE)
    assert await rig.leave(text) == signal(Reason.CODE_UNREADABLE)
    await rig.written()
    assert all_but_audit(rig.path) == before
    assert rig.lock.releases == []
    assert await rig.enter(rig.code()) == signal(Reason.OK)


@pytest.mark.threat("A19")
async def test_nobody_is_looked_up_for_a_code_that_proves_nothing(rig: Rig) -> None:
    """So that neither the answer nor its time tells whether a handle is somebody's."""
    held = await rig.hold_rules()
    assert await rig.enter(forged(rig.code().decode()).encode()) == signal(
        Reason.CODE_BAD_SIGNATURE
    )
    held.let_go.set()
