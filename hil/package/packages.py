"""Three packages: of this release, of the next, and of one whose journal this one can't read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parents[2]
_UV: Final = ".venv-lock/bin/uv"
VERSIONS: Final = {"old": "0.1.0", "new": "0.1.1", "future": "0.2.0"}
_PYTHON: Final = {"12": "3.11", "13": "3.13"}
_NOT_THE_SOURCE: Final = shutil.ignore_patterns(".*", "build", "dist", "__pycache__")
_LAST_STEP: Final = "),\n)\n\nRULES: Final"
_ONE_MORE: Final = "),\n    ('CREATE TABLE future (x INTEGER) STRICT',),\n)\n\nRULES: Final"


def make_packages(work: Path, release: str) -> None:
    """Fill `work`/rig with what the guest needs: packages, the people, what these import."""
    subprocess.run(["/usr/bin/env", "make", "-C", HERE, _UV], check=True)
    rig = work / "rig"
    shutil.rmtree(rig, ignore_errors=True)
    for which, version in VERSIONS.items():
        made = _make(work / "source", release, version, future=which == "future")
        (rig / "packages" / which).mkdir(parents=True)
        shutil.copy(made, rig / "packages" / which)
    _wheels(rig / "wheels", release)
    for folder in ("hil", "config"):  # the people, their cloud, and its brokers' settings
        shutil.copytree(HERE / folder, rig / folder, ignore=_NOT_THE_SOURCE)
    subprocess.run(
        [
            *(HERE / _UV, "pip", "install", "--quiet", "--target", rig / "site"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--python-version", _PYTHON[release], "--python-platform", "x86_64-manylinux_2_36"),
            *("--requirement", HERE / "requirements-dev.txt"),
        ],
        check=True,
    )


def _wheels(folder: Path, release: str) -> None:
    """Gather what pip installs without a network: the locked wheels, and this project's."""
    lock = (HERE / "requirements.txt").read_text()
    pins = [line.split(" ")[0] for line in lock.splitlines() if "==" in line]
    if release != "12":
        pins = [pin for pin in pins if not pin.startswith("lgpio=")]
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    python = f"--python-version={_PYTHON[release]}"
    subprocess.run([*pip, python, *platforms, "--dest", folder, *pins], check=True)
    shutil.copy(HERE / "requirements.txt", folder)
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, HERE)
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)


def _make(source: Path, release: str, version: str, *, future: bool) -> Path:
    """Make the package of a copy of this project that calls itself `version`."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(HERE, source, ignore=_NOT_THE_SOURCE)
    _change(source / "pyproject.toml", 'version = "0.1.0"', f'version = "{version}"')
    if future:
        _change(source / "edged/store/migrations.py", _LAST_STEP, _ONE_MORE)
    tools = {"UV": str(HERE / _UV), "PYTHON": sys.executable}
    subprocess.run(
        [source / "systemd/debian/make", release, "amd64"],
        check=True,
        env={**os.environ, **tools, "SOURCE_DATE_EPOCH": "1767225600"},
    )
    (made,) = (source / "dist").glob("*.deb")
    return made


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{file} does not hold once: {old}")
    file.write_text(text.replace(old, new))
