"""How long queued records take until they are durable in the cloud, beside one message each.

The yardstick sends every record as a message of its own, 20 in flight, to a consumer that keeps
them in SQLite as durably (`synchronous=FULL`, one commit for all that has come meanwhile). It
verifies and signs nothing, which is to its advantage.
"""

import asyncio
import json
import os
import sqlite3
import tempfile
import time
from asyncio import Event
from collections import deque
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiomqtt

from hil.chain.cost import cost
from hil.chain.device import Device
from hil.chain.line import connected, now, tls
from hil.chain.site import Site, site

IN_FLIGHT: Final = 20
DEVICE: Final = "queue"
CONSUMER: Final = "cloud-2"
UNBOUNDED: Final = "max_queued_messages 0\nmax_queued_bytes 0\n"
"""What one by one waits for its consumer is more than a broker should keep."""
PATIENCE_S: Final = 600
BODY: Final = {  # what most records are: a member who was let in
    "kind": "passage",
    "device": "front-in",
    "door": "front",
    "side": "IN",
    "mode": "LOCK_QR",
    "code_kind": "M1",
    "occurred_at": "2026-11-28T15:30:00.000Z",
    "local_time": "2026-11-29T00:30:00+09:00",
    "service_date": "2026-11-28",
    "decision": "ALLOW",
    "reason": "OK",
    "via": "plan",
    "band": "DAY",
    "delta": 1,
    "warnings": [],
    "rules_version": 7,
    "clock": "SYNCED",
    "recorded_first": True,
}


def passage(device: Device, n: int) -> int:
    """Let member `n` pass; return the record's number."""
    member = f"M{n % 10_000}"
    keys = [f"C{n % 10_000}/DAY/2026-11-{1 + n % 28:02}"]
    event = f"{n:08x}-0000-4000-8000-{device.boot[:12]}"
    return device.journal.write({**BODY, "event_id": event, "member": member, "usage_keys": keys})


def fill(device: Device, records: int) -> None:
    """Let so many members pass while the line is down."""
    for n in range(records):
        passage(device, n)


@dataclass(frozen=True, slots=True)
class Drained:
    """Until all was durable, s, and the processor time of all who took part, s."""

    wall_s: float
    cpu_s: float


async def measure(records: int) -> tuple[Drained, Drained]:
    """Measure both ways, one after the other, at the same broker: in batches, and one by one."""
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), [DEVICE, CONSUMER], 1, UNBOUNDED) as up:
            (device, _) = up.devices
            fill(device, records)
            batched = await _timed(_batched(up, device))
            single = await _timed(_single(up, device, Path(folder) / "single.db"))
    return batched, single


async def _timed(drain: Awaitable[None]) -> Drained:
    begin, before = time.monotonic(), cost(os.getpid()).cpu_s
    await drain
    return Drained(time.monotonic() - begin, cost(os.getpid()).cpu_s - before)


async def _batched(up: Site, device: Device) -> None:
    async with connected(device, up.place) as line, asyncio.timeout(PATIENCE_S):
        await line.say(device.batches(now()))
        while device.journal.acked < len(device.journal.records):
            line.stirred.clear()
            await line.stirred.wait()


async def _single(up: Site, device: Device, file: Path) -> None:
    topic = f"edged/v1/{up.place.tenant}/{DEVICE}/up/single"
    async with _client(up, CONSUMER) as consumer, _client(up, DEVICE) as producer:
        await consumer.subscribe(topic, qos=1)
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep(consumer, file, len(device.journal.records)))
            window = asyncio.Semaphore(IN_FLIGHT)
            for record in device.journal.records:
                await window.acquire()
                sending = tasks.create_task(producer.publish(topic, record, qos=1))
                sending.add_done_callback(lambda _: window.release())


async def _keep(consumer: aiomqtt.Client, file: Path, count: int) -> None:
    waiting: deque[bytes] = deque()
    some, kept = Event(), 0

    async def hear() -> None:
        async for message in consumer.messages:
            waiting.append(bytes(message.payload))
            some.set()

    hearing = asyncio.create_task(hear())
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE audit (seq INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        while kept < count:
            await some.wait()
            some.clear()
            group = [waiting.popleft() for _ in range(len(waiting))]
            kept += await asyncio.to_thread(_commit, db, group)
    hearing.cancel()


def _commit(db: sqlite3.Connection, group: list[bytes]) -> int:
    rows = [(json.loads(data)["seq"], data) for data in group]
    db.execute("BEGIN IMMEDIATE")
    added = db.executemany("INSERT OR IGNORE INTO audit VALUES (?, ?)", rows).rowcount
    db.execute("COMMIT")
    return added


def _client(up: Site, name: str) -> aiomqtt.Client:
    made = aiomqtt.Client(
        "127.0.0.1",
        up.place.port,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=tls(up.place.certificates, name),
        max_inflight_messages=IN_FLIGHT,
    )
    made.pending_calls_threshold = IN_FLIGHT  # more would be worth a warning
    return made
