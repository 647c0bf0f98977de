"""The systemd units are ones that systemd understands, and let the programs do little."""

import shutil
import subprocess
from pathlib import Path

import pytest

from drivers.api import Header
from drivers.line_keeper.client import plan_of
from tests.tidy.house import files

UNITS = [*files("systemd", name="*.service")]
EXPOSURE = 15  # tenths, of `systemd-analyze security`; an ordinary unit has 96
ANALYZE = shutil.which("systemd-analyze")

pytestmark = pytest.mark.skipif(ANALYZE is None, reason="there is no systemd here")
on_each = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


@on_each
def test_it_gives_little_away(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


def test_an_eye_with_a_network_gives_little_more_away(tmp_path: Path) -> None:
    """The drop-in's lines follow the unit's and count after them."""
    (unit,) = [unit for unit in UNITS if unit.name == "edged-eye@.service"]
    (network,) = files("systemd", name="*.conf")
    both = tmp_path / "edged-eye@front.service"
    head, install, tail = unit.read_text().partition("[Install]")
    both.write_text(head + network.read_text() + install + tail)
    assert "PrivateNetwork=yes" in head
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", both)
    assert done.returncode == 0, done.stdout


@on_each
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name.replace("@", "@front")
    here.write_text(unit.read_text().replace("/opt/edged/venv/bin/", "/bin/true "))
    done = analyze("verify", "--man=no", here)
    about_it = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert (done.returncode, about_it) == (0, [])


@on_each
def test_it_is_never_given_up(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert "Restart=always" in lines
    assert "StartLimitIntervalSec=0" in lines


def test_the_daemon_is_watched() -> None:
    (daemon,) = [unit for unit in UNITS if unit.name == "edged.service"]
    lines = daemon.read_text().splitlines()
    assert "Type=notify" in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)


def test_the_lines_come_to_rest_however_the_daemon_ended() -> None:
    (daemon,) = [unit for unit in UNITS if unit.name == "edged.service"]
    lines = daemon.read_text().splitlines()
    (runtime,) = [line.split("=")[1] for line in lines if line.startswith("RuntimeDirectory=")]
    header = Header("header", Path("/run", runtime), Path("/var/lib/edged"))
    rest = f"/opt/edged/venv/bin/python -P -m drivers.line_keeper rest {plan_of(header)}"
    assert f"ExecStopPost={rest}" in lines
    assert f"Environment=LG_WD=/run/{runtime}" in lines
    assert "DeviceAllow=char-gpiochip rw" in lines
