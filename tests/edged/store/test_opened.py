import asyncio
import sqlite3
import threading
from pathlib import Path

from edged.store import opened
from edged.store.rules import RulesStore
from policy.model import Member
from tests.edged.fakes import WITHIN_S, until
from tests.edged.store.test_rules_store import M1, load


async def test_a_member_is_looked_up_in_the_callers_thread_too(tmp_path: Path) -> None:
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    assert await asyncio.to_thread(store.member_here, M1) == await store.member(M1) is not None
    assert await asyncio.to_thread(store.member_here, b"nobody..") is None
    await store.close()
    assert store.member_here(M1) is None


async def test_a_swap_leaves_whoever_looks_in_a_thread_what_it_looks_in(tmp_path: Path) -> None:
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    before, begun, let_go = store._opened, threading.Event(), threading.Event()
    assert before is not None

    def slowly(db: sqlite3.Connection) -> Member | None:
        begun.set()
        assert let_go.wait(WITHIN_S)
        return opened.by_handle(M1, db)

    looking = asyncio.create_task(asyncio.to_thread(before.beside.run, slowly))
    assert await asyncio.to_thread(begun.wait, WITHIN_S)
    load(tmp_path, 2, M1={"handle": M1.hex(), "suspended": True})
    late = asyncio.create_task(asyncio.to_thread(store.member_here, M1))  # behind it
    swap = asyncio.create_task(store.reload())
    await until(lambda: store.version == 2)
    found = store.member_here(M1)  # it is in nobody's way
    assert found is not None
    assert found.suspended
    assert not swap.done()
    let_go.set()
    found = await looking
    assert found is not None
    assert not found.suspended
    await swap
    assert await late is not None  # in the old set, or in the new one if that was closed
    await store.close()
