"""Each coroutine of the journal, cancelled at each of its waits, one after the other."""

import asyncio
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from edged.store import audit
from edged.store.audit import Verified
from edged.store.journal import Journal
from edged.store.ledger import Ledger

Call = Callable[[Journal], Coroutine[Any, Any, Any]]


def append(name: str) -> Callable[[Ledger], int]:
    return lambda ledger: ledger.append({"name": name})


@types.coroutine
def cut(call: Coroutine[Any, Any, Any], at: int) -> Generator[Any, Any, Any]:
    """Run a coroutine, and cancel the task that it is in at its nth wait."""
    thrown: asyncio.CancelledError | None = None
    for wait in count():
        try:
            waits = call.send(None) if thrown is None else call.throw(thrown)
        except StopIteration as over:
            return over.value
        task = asyncio.current_task()
        if wait == at and task is not None:
            task.cancel()
        thrown = None
        try:
            yield waits
        except asyncio.CancelledError as cancelled:
            thrown = cancelled
    return None


@asynccontextmanager
async def at_work(journal: Journal) -> AsyncIterator[None]:
    """Open it and let it write, until the block ends."""
    await journal.open()
    serving = asyncio.create_task(journal.serve())
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def heard(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def told(path: Path, call: Call, at: int) -> dict[str, Any]:
    """Cancel a call at its nth wait, beside another caller, and give what each of them heard."""
    journal = Journal(path)
    async with at_work(journal):
        said: dict[str, Any] = {"before": await journal.commit(append("before"))}
        beside = journal.commit(append("beside"))
        if call is reopened:
            await beside
        else:
            said["cut"], said["beside"] = await heard(_cut(call(journal), at), beside)
        db = journal._db
        assert db is not None
        assert not await db.run(lambda raw: raw.in_transaction)
        said["after"] = await journal.commit(append("after"))
    if call is reopened:
        (said["cut"],) = await heard(_cut(call(journal), at))
    await journal.close()
    return said


async def _cut(call: Coroutine[Any, Any, Any], at: int) -> Any:
    return await cut(call, at)


async def begun_anew(path: Path) -> list[str]:
    """What the next opening finds, which goes on as if nothing had been."""
    journal = Journal(path)
    async with at_work(journal):
        await journal.commit(append("last"))
    await journal.close()
    assert isinstance(audit.verify(path), Verified)
    records = audit.read_records(path, 0, 100)
    return [record.data.decode().split('"name":"')[1].split('"')[0] for record in records]


async def reopened(journal: Journal) -> None:
    await journal.close()
    await journal.open()


CALLS: dict[str, Call] = {
    "commit": lambda journal: journal.commit(append("cut")),
    "copy_log": Journal.copy_log,
    "make_room": Journal.make_room,
    "look_through": Journal.look_through,
    "grown": lambda journal: journal.grown(1),
    "close and open": reopened,
}


@pytest.mark.threat("D2")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_cancelling_at_each_wait_leaves_no_transaction_and_nobody_with_an_untruth(
    tmp_path: Path, call: Call, record_property: Callable[[str, object], None]
) -> None:
    for at in count():
        path = tmp_path / f"{at}.db"
        said = await told(path, call, at)
        stored = await begun_anew(path)
        numbers = {name: one for name, one in said.items() if isinstance(one, int)}
        assert numbers.keys() >= said.keys() - {"cut"}
        assert {name: stored.index(name) + 1 for name in numbers} == numbers
        assert (stored[-1], len(stored)) == ("last", len(set(stored)))
        if not isinstance(said["cut"], asyncio.CancelledError):
            break
    record_property("waits", at)
    assert at > 0, "it waited for nothing: there was nothing to cancel"
