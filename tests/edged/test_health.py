import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged import limits
from edged.clock import ClockState
from edged.core.alarm_words import AlarmName
from edged.health import Health
from tests.edged.fakes import until
from tests.edged.rig import Rig


class Systemd:
    """Listens as systemd does."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))

    def heard(self) -> list[bytes]:
        """What it was told since the last time."""
        told = []
        try:
            while True:
                told.append(self.socket.recv(4096))
        except BlockingIOError:
            return told


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    listener = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listener.socket:
        yield listener


@pytest.fixture
def health(rig: Rig) -> Health:
    return Health(rig.ports, [rig.way_in, rig.way_out])


async def last_seen(rig: Rig) -> object:
    return await rig.journal.commit(lambda ledger: ledger.get("last_seen"))


@pytest.mark.threat("D3")
async def test_the_watchdog_is_fed_while_the_journal_answers(
    rig: Rig, health: Health, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await health.look()
    assert systemd.heard() == [b"WATCHDOG=1"]
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    held = await rig.hold_journal()
    await health.look()
    assert systemd.heard() == []
    held.let_go.set()
    await rig.written()
    monkeypatch.undo()
    monkeypatch.setenv("NOTIFY_SOCKET", str(rig.path.with_name("notify")))
    await health.look()
    assert systemd.heard() == [b"WATCHDOG=1"]


async def test_a_disk_that_says_no_is_an_alarm_and_no_reason_to_restart(
    rig: Rig, health: Health, systemd: Systemd
) -> None:
    await rig.stop_journal()
    await health.look()
    assert systemd.heard() == [b"WATCHDOG=1"]
    assert [one["alarm"] for one in rig.alarms.listing()] == [AlarmName.STORE_FAILED]
    await until(lambda: rig.recorder.failing)
    await rig.start_journal()
    await health.look()
    assert [one["alarm"] for one in rig.alarms.listing()] == [AlarmName.STORE_FAILED]
    await rig.written()
    await health.look()
    assert rig.alarms.listing() == []


async def test_the_time_is_kept_once_a_minute(rig: Rig, health: Health) -> None:
    kept = []
    for _ in range(8):
        await health.look()
        kept.append(await last_seen(rig))
        rig.clock.skip(20_000)
    assert (
        kept
        == ["2026-11-04T03:00:00.000Z"] * 3
        + ["2026-11-04T03:01:00.000Z"] * 3
        + ["2026-11-04T03:02:00.000Z"] * 2
    )


async def test_a_time_that_is_not_trusted_is_not_kept(rig: Rig, health: Health) -> None:
    rig.clock.state = ClockState.RESTORED
    await health.look()
    assert await last_seen(rig) is None
    rig.clock.skip(10_000)
    rig.clock.state = ClockState.SYNCED
    await health.look()
    assert await last_seen(rig) == "2026-11-04T03:00:10.000Z"


async def test_a_time_that_was_not_written_is_written_next(rig: Rig, health: Health) -> None:
    await rig.stop_journal()
    await health.look()
    await rig.start_journal()
    rig.clock.skip(10_000)
    await health.look()
    assert await last_seen(rig) == "2026-11-04T03:00:10.000Z"


async def test_refused_codes_are_summed_at_each_look_and_at_the_end(
    rig: Rig, health: Health
) -> None:
    running = asyncio.create_task(health.run())
    await until(lambda: limits.HEALTH_MS in rig.clock.sleeping_ms)
    for number in range(3):
        await rig.enter(b"noise %d" % number)
    await rig.leave(b"noise")
    await rig.clock.advance(limits.HEALTH_MS)
    await rig.written()
    sums = [(one["device"], one["counts"]) for one in rig.records("refused")]
    assert sums == [("front-in", {"CODE_UNREADABLE": 3}), ("front-out", {"CODE_UNREADABLE": 1})]
    await rig.enter(b"late noise")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await rig.written()
    assert rig.records("refused")[-1]["counts"] == {"CODE_UNREADABLE": 1}
    assert len(rig.records("refused")) == 3


async def test_what_the_clock_is_worth_is_recorded_whenever_that_changes(
    rig: Rig, health: Health
) -> None:
    for state in (ClockState.RESTORED, ClockState.RESTORED, ClockState.SYNCED):
        rig.clock.state = state
        await health.look()
        doubted = [one["alarm"] for one in rig.alarms.listing()]
        assert ("CLOCK_DOUBTED" in doubted) is (state is ClockState.RESTORED)
    await rig.written()
    found = [(one["before"], one["clock"], one["source"]) for one in rig.records("clock")]
    assert found == [(None, "RESTORED", "nothing"), ("RESTORED", "SYNCED", "ntp")]
