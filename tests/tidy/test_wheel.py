"""The wheel holds the four packages and nothing else, and they are nobody else's."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tidy.house import PACKAGES, ROOT, files, where

WHOSE = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()))"


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


def test_its_top_level_is_the_four_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith((".dist-info", ".data"))} == set(PACKAGES)
    assert len(top) == len(PACKAGES) + 2


def test_it_holds_all_of_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    modules = {path.relative_to(ROOT).as_posix() for path in files(*PACKAGES, name="*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


def test_it_brings_all_that_an_installation_stands_on(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        brought = {opened.read(name) for name in opened.namelist() if ".data/data/share/" in name}
    ours = [path for path in (ROOT / "systemd").iterdir() if path.suffix not in {".md", ""}]
    assert [where(path) for path in ours if path.read_bytes() not in brought] == []


def test_installed_each_package_belongs_to_edged_alone(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=True)
    python = tmp_path / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    told = run(python, "-I", "-c", WHOSE)
    assert json.loads(told) == {package: ["edged"] for package in PACKAGES}
