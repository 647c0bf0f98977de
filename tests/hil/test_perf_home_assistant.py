"""What Home Assistant is given and believed, without one: a few lines stand in for it."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from hil.chain.broker import free_port, listening
from hil.perf.home_assistant import CONFIGURATION, let_in, running, write
from hil.perf.linked import rss_mb


@asynccontextmanager
async def standing_in(*members: str) -> AsyncIterator[int]:
    """Whoever hears codes at a broker and lets these in; the broker's port."""
    port = free_port()
    async with running("mosquitto", "-p", str(port)):
        await listening(port)
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("door/scan")

            async def obey() -> None:
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    if message.payload.decode() in members:
                        await client.publish("door/open", message.payload)

            obeying = asyncio.create_task(obey())
            yield port
            obeying.cancel()


def test_its_folder_names_the_broker_and_every_member(tmp_path: Path) -> None:
    write(tmp_path, 3, 18_830)
    told = (tmp_path / "configuration.yaml").read_text("utf-8")
    port = re.search(r"server_port: (\d+)\n", told)
    assert port is not None
    assert told == CONFIGURATION.format(port=port[1])
    assert "members: !include members.yaml" in told
    assert "members.get(trigger.payload, dict(until=''))" in told  # its braces are its own
    lines = (tmp_path / "members.yaml").read_text("utf-8").splitlines()
    assert lines == [f"m{n}: {{plan: ALL, until: '2099-12-31'}}" for n in range(3)]
    kept = json.loads((tmp_path / ".storage" / "core.config_entries").read_text("utf-8"))
    (entry,) = kept["data"]["entries"]
    assert (entry["domain"], entry["data"]) == ("mqtt", {"broker": "127.0.0.1", "port": 18_830})


async def test_it_counts_as_started_when_it_lets_the_member_in() -> None:
    async with standing_in("m0") as port:
        await let_in(port, "m0")


async def test_who_lets_a_stranger_in_is_no_yardstick() -> None:
    async with standing_in("m0", "stranger") as port:
        with pytest.raises(ValueError, match="stranger"):
            await let_in(port, "m0")


def test_memory_is_what_the_kernel_says_of_one_process() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    held = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert rss_mb(os.getpid()) == pytest.approx(held, rel=0.2)
