"""The Debian package's own words: scripts that do no harm, and agree with the units."""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.tidy.house import ROOT, files
from tests.tidy.test_units import UNITS, lines_of

SCRIPTS = {name: ROOT / f"systemd/debian/edged.{name}" for name in ("postinst", "prerm", "postrm")}


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A system with journal, settings and a camera's decoder enabled, and no systemd."""
    for name in ("var/lib/edged/journal.db", "etc/edged/edged.toml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    wanted = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True)
    (wanted / "edged-eye@front.service").touch()
    (wanted / "other.service").touch()
    return tmp_path


def play(device: Path, script: str, *arguments: str) -> str:
    """Run a script as dpkg does, in a folder instead of the system."""
    text = SCRIPTS[script].read_text()
    for top in ("/etc/", "/var/lib/", "/run/"):
        text = text.replace(top, f"{device}{top}")
    text = text.replace("python3 -I -m compileall", "false")  # the disk is full
    done = subprocess.run(
        ["sh", "-c", text, script, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def left(device: Path) -> set[str]:
    return {str(path.relative_to(device)) for path in device.rglob("*") if path.is_file()}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_stops_at_a_fault_and_lets_debhelper_speak(script: str) -> None:
    lines = SCRIPTS[script].read_text().splitlines()
    assert lines[:2] == ["#!/bin/sh", "set -e"]
    assert "#DEBHELPER#" in lines


def test_an_installation_makes_a_pepper_and_says_what_comes_next(tmp_path: Path) -> None:
    said = play(tmp_path, "postinst", "configure", "")
    pepper = tmp_path / "etc/edged/secrets/store_pepper"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (pepper.parent, pepper)]
    assert modes == [0o700, 0o600]
    assert len(bytes.fromhex(pepper.read_text())) == 32
    assert "no door is guarded yet" in said
    assert pepper.read_text() not in said


@pytest.mark.threat("D6", "D10")
def test_configuring_again_keeps_the_pepper(device: Path) -> None:
    play(device, "postinst", "configure", "")
    pepper = device / "etc/edged/secrets/store_pepper"
    first = pepper.read_text()
    assert play(device, "postinst", "configure", "0.1.0") == ""
    assert pepper.read_text() == first
    assert "etc/edged/secrets/store_pepper.new" not in left(device)


@pytest.mark.parametrize("why", ["remove", "upgrade", "disappear", "abort-install"])
def test_only_a_purge_removes_what_a_device_knows(device: Path, why: str) -> None:
    before = left(device)
    said = play(device, "postrm", why)
    assert left(device) == before
    assert ("stay" in said) == (why == "remove")


def test_a_purge_removes_it_and_says_so(device: Path) -> None:
    for _ in range(2):
        said = play(device, "postrm", "purge")
        assert f"removing its journal ({device}/var/lib/edged)" in said
        assert left(device) == {"etc/systemd/system/multi-user.target.wants/other.service"}


def test_a_purge_knows_every_folder_that_the_units_keep() -> None:
    script = SCRIPTS["postrm"].read_text()
    kept = {name for unit in UNITS for name in lines_of(unit, "StateDirectory")}
    assert kept
    assert {name for name in kept if f"/var/lib/{name}" not in script.split()} == set()


@pytest.mark.threat("D10")
def test_the_pepper_is_where_the_unit_looks_for_it() -> None:
    (daemon,) = [unit for unit in UNITS if unit.name == "edged.service"]
    (credential,) = lines_of(daemon, "LoadCredential")
    path = credential.removeprefix("store_pepper:")
    assert f"pepper={path}" in SCRIPTS["postinst"].read_text()
    assert f'"{path.lstrip("/")}"' in (ROOT / "edged/installation.py").read_text()


def test_every_python_of_debian_is_one_that_is_tested_for() -> None:
    made = (ROOT / "systemd/debian/make").read_text()
    (checked,) = [
        line.split("in ")[1].split(";")[0].split()
        for line in (ROOT / "Makefile").read_text().splitlines()
        if "for version in" in line
    ]
    assert [version for version in checked if f"python={version} " not in made] == []


def test_nothing_of_the_folder_is_forgotten() -> None:
    """What debhelper does not know by name, it passes over in silence."""
    known = {"control", "copyright", "rules", "make", "README.md"} | {
        f"edged.{what}" for what in ("docs", "install", "lintian-overrides", *SCRIPTS)
    }
    assert {path.name for path in files("systemd/debian")} == known
