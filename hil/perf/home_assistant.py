"""What Home Assistant holds in memory at the same job, as a yardstick for ours.

It is told to hear codes over MQTT, to look each up among so many members, and to say whose door
opens: a list of members in the variables of one automation, as its documentation has it, beside
the recorder. That is a part of what ours does: no signature, no count, no audit.

Installed by whoever asks: a Python environment of its own with `homeassistant==2024.3.3` (the last
for Python 3.11), and what that fetches at its first start by itself: `paho-mqtt==1.6.1`,
`SQLAlchemy==2.0.27`, `fnv-hash-fast`, `psutil-home-assistant`, `aiohttp_cors==0.7.0`,
`aiohttp-fast-url-dispatcher`, `aiohttp-zlib-ng`.
"""

import asyncio
import json
import signal
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiomqtt

from hil.chain.broker import free_port, listening
from hil.perf.linked import rss_mb

START_S: Final = 300
SETTLED_S: Final = 20
CONFIGURATION: Final = """\
http:
  server_host: 127.0.0.1
  server_port: {port}
recorder:
mqtt:
automation:
  - alias: door
    mode: queued
    max: 200
    variables:
      members: !include members.yaml
    trigger:
      - platform: mqtt
        topic: door/scan
    condition:
      - "{{{{ members.get(trigger.payload, dict(until='')).until >= now().date().isoformat() }}}}"
    action:
      - service: mqtt.publish
        data:
          topic: door/open
          payload: "{{{{ trigger.payload }}}}"
"""


async def held_mb(hass: Path, members: int) -> float:
    """Start it, let a member come and somebody whom it doesn't know; MB that it holds then.

    Raises:
        OSError: `hass`, its program, or mosquitto is not there.
        TimeoutError: It lets nobody in within `START_S`.
        ValueError: It let in whom it doesn't know.
    """
    with tempfile.TemporaryDirectory(prefix="edged-hass-") as made:
        folder, port = Path(made), free_port()
        write(folder, members, port)
        async with (
            running("mosquitto", "-p", str(port)),
            running(str(hass), "-c", made, "--skip-pip") as pid,
        ):
            await listening(port)
            await let_in(port, "m0")
            await asyncio.sleep(SETTLED_S)  # what its start left is given back
            return round(rss_mb(pid), 1)


def write(folder: Path, members: int, port: int) -> None:
    """Write its settings, its members, and the broker that a person would have clicked."""
    configuration = CONFIGURATION.format(port=free_port())
    (folder / "configuration.yaml").write_text(configuration, "utf-8")
    lines = (f"m{n}: {{plan: ALL, until: '2099-12-31'}}\n" for n in range(members))
    (folder / "members.yaml").write_text("".join(lines), "utf-8")
    broker = {"entry_id": "b", "version": 1, "domain": "mqtt", "title": "broker", "source": "user"}
    entry: dict[str, Any] = {**broker, "data": {"broker": "127.0.0.1", "port": port}, "options": {}}
    kept = {"version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    (folder / ".storage").mkdir()
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(kept), "utf-8")


async def let_in(port: int, member: str) -> None:
    """Show codes of a stranger and of a member until the member is let in, and nobody else."""
    async with asyncio.timeout(START_S), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("door/open")
        showing = asyncio.create_task(show(client, ("stranger", member)))
        try:
            message = await anext(aiter(client.messages))
        finally:
            showing.cancel()
        if message.payload != member.encode():
            raise ValueError(f"Home Assistant let in {message.payload!r}")


async def show(client: aiomqtt.Client, codes: tuple[str, ...]) -> None:
    """Show them again and again: whoever starts hears nothing at first."""
    while True:
        for code in codes:
            await client.publish("door/scan", code)
        await asyncio.sleep(1)


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[int]:
    """Run a program; its number."""
    process = await asyncio.create_subprocess_exec(*words, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
