"""The systemd units are ones that systemd understands, and let the programs do little."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.api import Header
from drivers.line_keeper.client import plan_of
from tests.tidy.house import ROOT, files

UNITS = [*files("systemd", name="*.service")]
EXPOSURE = {"edged.service": 15, "edged-console.service": 15, "edged-eye@.service": 10}
"""The most, in tenths, by `systemd-analyze security`; an ordinary unit has 96."""
on_each = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def exposed(unit: Path, threshold: int) -> float:
    """Ask how much a unit gives away, of 10; fail if that is more than so many tenths."""
    done = analyze("security", "--offline=true", f"--threshold={threshold}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level for .*: (\d+\.\d)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


@pytest.mark.threat("D8")
@on_each
def test_it_gives_little_away(unit: Path, record_property: Callable[[str, object], None]) -> None:
    record_property(unit.stem, exposed(unit, EXPOSURE[unit.name]))


@pytest.mark.threat("D8")
@pytest.mark.parametrize(
    ("name", "drop_in", "threshold"),
    [
        ("edged-eye@.service", "edged-eye-network.conf", 20),
        ("edged.service", "edged-cloud-network.conf", 21),  # 1.5 is for a device without a cloud
    ],
)
def test_with_a_network_it_gives_little_more_away(
    tmp_path: Path,
    name: str,
    drop_in: str,
    threshold: int,
    record_property: Callable[[str, object], None],
) -> None:
    """The drop-in's lines follow the unit's and count after them."""
    (unit,) = [unit for unit in UNITS if unit.name == name]
    network = ROOT / "systemd" / drop_in
    both = tmp_path / name.replace("@", "@front")
    head, install, tail = unit.read_text().partition("[Install]")
    both.write_text(head + network.read_text() + install + tail)
    assert "PrivateNetwork=yes" in head
    record_property(Path(drop_in).stem, exposed(both, threshold))


def test_the_daemon_has_the_processor_before_the_others() -> None:
    weight = re.compile(r"^CPUWeight=(\d+)$", re.MULTILINE)
    weights = {unit.name: weight.findall(unit.read_text()) for unit in UNITS}
    assert int(*weights.pop("edged.service")) > 100  # what a unit has that says nothing
    assert all(said == [] for said in weights.values())


@on_each
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name.replace("@", "@front")
    here.write_text(unit.read_text().replace("/usr/lib/edged/bin/", "/bin/true "))
    done = analyze("verify", "--man=no", here)
    about_it = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert (done.returncode, about_it) == (0, [])


@pytest.mark.threat("D5")
@on_each
def test_it_is_never_given_up(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert "Restart=always" in lines
    assert "StartLimitIntervalSec=0" in lines


@pytest.mark.threat("D3")
@pytest.mark.parametrize("name", ["edged.service", "edged-console.service"])
def test_it_is_watched(name: str) -> None:
    (watched,) = [unit for unit in UNITS if unit.name == name]
    lines = watched.read_text().splitlines()
    assert "Type=notify" in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)


@pytest.mark.parametrize("device", ["gpiochip", "ttyUSB", "input"])
def test_only_the_daemon_reaches_the_hardware_of_a_door(device: str) -> None:
    reach = {unit.name for unit in UNITS if f"DeviceAllow=char-{device}" in unit.read_text()}
    assert reach == {"edged.service"}


def test_only_the_console_listens() -> None:
    open_ones = {unit.name for unit in UNITS if "PrivateNetwork=yes" not in unit.read_text()}
    assert open_ones == {"edged-console.service"}


def lines_of(unit: Path, *keys: str) -> set[str]:
    """The words after these keys."""
    pairs = (line.partition("=") for line in unit.read_text().splitlines())
    return {word for key, _, words in pairs if key in keys for word in words.split()}


@on_each
def test_its_user_and_groups_are_made(unit: Path, tmp_path: Path) -> None:
    """By Debian, before any package (base-passwd, udev), or by ours."""
    debian = {"dialout", "video", "input"}
    (users,) = files("systemd", name="*.sysusers")
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", users], check=True)
    made = {name: (tmp_path / "etc" / name).read_text() for name in ("passwd", "group")}
    passwd, group = (
        {line.split(":")[0] for line in made[name].splitlines()} for name in ("passwd", "group")
    )
    assert lines_of(unit, "User") <= passwd
    assert lines_of(unit, "Group", "SupplementaryGroups") <= group | debian
    assert all(line.endswith("/nologin") for line in made["passwd"].splitlines())


def test_secrets_are_roots_alone() -> None:
    (folders,) = files("systemd", name="*.tmpfiles")
    lines = [line.split() for line in folders.read_text().splitlines()]
    assert ["d", "/etc/edged", "0755", "root", "root"] in lines
    assert ["d", "/etc/edged/secrets", "0700", "root", "root"] in lines
    assert ["d", "/var/lib/edged", "0700", "edged", "edged"] in lines


def test_the_control_socket_can_be_given_to_the_console() -> None:
    """The daemon hands it to a group that it is in; the console gets through its folder."""
    daemon, console = (
        next(unit for unit in UNITS if unit.name == name)
        for name in ("edged.service", "edged-console.service")
    )
    assert lines_of(console, "Group") <= lines_of(daemon, "SupplementaryGroups")
    assert lines_of(daemon, "Group") <= lines_of(console, "SupplementaryGroups")
    assert "SystemCallFilter=@chown" in daemon.read_text().splitlines()


def test_the_lines_come_to_rest_however_the_daemon_ended() -> None:
    (daemon,) = [unit for unit in UNITS if unit.name == "edged.service"]
    lines = daemon.read_text().splitlines()
    (runtime,) = [line.split("=")[1] for line in lines if line.startswith("RuntimeDirectory=")]
    header = Header("header", Path("/run", runtime), Path("/var/lib/edged"))
    rest = f"/usr/lib/edged/bin/python -P -m drivers.line_keeper rest {plan_of(header)}"
    assert f"ExecStopPost={rest}" in lines
    assert f"Environment=LG_WD=/run/{runtime}" in lines
    assert "DeviceAllow=char-gpiochip rw" in lines
