import asyncio
from pathlib import Path

import pytest

from edged import limits
from edged.control.broadcast import Broadcast
from edged.control.client import DaemonUnreachable, follow
from tests.edged.control.peers import WITHIN_S, peer, serving, until


async def test_a_watcher_is_told_what_happens(path: Path) -> None:
    events = Broadcast()
    async with serving(path, events=events), peer(path) as someone:
        events.publish({"event": "before"})
        assert await someone.asks("watch") == {"ok": True, "answer": {}}
        events.publish({"event": "first"})
        events.publish({"event": "second"})
        assert await someone.hear() == {"event": {"event": "first"}}
        assert await someone.hear() == {"event": {"event": "second"}}


async def test_a_command_follows(path: Path) -> None:
    events = Broadcast()
    async with serving(path, events=events):
        said = follow(path)
        first = asyncio.create_task(asyncio.to_thread(next, said))
        async with asyncio.timeout(WITHIN_S):
            while not first.done():
                events.publish({"event": "again"})
                await asyncio.sleep(0.001)
        assert first.result() == {"event": {"event": "again"}}
    with pytest.raises(DaemonUnreachable, match="hung up"):
        await asyncio.to_thread(lambda: list(said))


async def test_a_slow_watcher_misses_events_and_is_told_so(path: Path) -> None:
    events = Broadcast(size=2)
    async with serving(path, events=events), peer(path) as someone:
        assert (await someone.asks("watch"))["ok"]
        for n in range(5):  # nothing else runs between these
            events.publish({"n": n})
        assert await someone.hear() == {"lagged": 3}
        assert await someone.hear() == {"event": {"n": 3}}
        assert await someone.hear() == {"event": {"n": 4}}


async def test_a_stuck_watcher_is_dropped_and_holds_nobody_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONTROL_WRITE_S", 0.05)
    events = Broadcast()
    async with serving(path, events=events), peer(path) as stuck, peer(path) as awake:
        assert (await stuck.asks("watch"))["ok"]
        assert isinstance(stuck.writer.transport, asyncio.Transport)
        stuck.writer.transport.pause_reading()
        async with asyncio.timeout(WITHIN_S):
            while events.watchers:
                events.publish({"padding": "x" * 30_000})
                assert (await awake.asks("status"))["ok"]


@pytest.mark.parametrize("bye", ["hang up", "say something"])
async def test_a_watcher_that_goes_gives_its_place_back(path: Path, bye: str) -> None:
    events = Broadcast()
    async with serving(path, events=events), peer(path) as someone:
        assert (await someone.asks("watch"))["ok"]
        if bye == "hang up":
            someone.writer.transport.abort()
        else:
            await someone.say(b"x")
        await until(lambda: not events.watchers)
