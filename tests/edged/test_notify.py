import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged import notify


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """Listens as systemd does."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@edged-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_systemd_is_told(systemd: socket.socket) -> None:
    assert notify.notify(notify.READY, notify.status("two doors,\nall well"))
    assert systemd.recv(4096) == b"READY=1\nSTATUS=two doors, all well"


def test_a_systemd_that_is_stuck_holds_nobody_up(systemd: socket.socket) -> None:
    told = 0
    while notify.notify(notify.WATCHDOG):
        told += 1
        assert told < 100_000
    assert systemd.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, "", "nonsense", "/nobody/listens", "@nobody"])
def test_without_systemd_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify.notify(notify.READY)


@pytest.mark.parametrize(
    ("wanted_us", "pid", "every_s"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdogs_patience(
    monkeypatch: pytest.MonkeyPatch, wanted_us: str | None, pid: str | None, every_s: float | None
) -> None:
    values = {
        "WATCHDOG_USEC": wanted_us,
        "WATCHDOG_PID": str(os.getpid()) if pid == "own" else pid,
    }
    for name, value in values.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert notify.watchdog_s() == every_s
