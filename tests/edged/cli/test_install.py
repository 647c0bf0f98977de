import sys
from pathlib import Path

import pytest

from edged.installation import NEXT
from tests.edged.cli.stage import Edged


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    unit = tmp_path / "venv/share/edged/systemd/system/edged.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    code = tmp_path / "venv/lib/python3.11/site-packages/edged/__init__.py"
    code.parent.mkdir(parents=True)
    code.touch()
    return tmp_path / "venv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    return folder


def test_the_command_says_what_it_wrote_and_what_comes_next(
    edged: Edged, environment: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(environment))
    done = edged("install", "--root", root)
    assert (done.code, done.err) == (0, "")
    assert str(root / "etc/systemd/system/edged.service") in done.out
    assert all(command in done.out for command in NEXT)
    assert (root / "etc/edged/secrets/store_pepper").read_text() not in done.out


def test_the_command_refuses_in_one_line(
    edged: Edged, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    done = edged("install", "--root", root)
    assert (done.code, done.err.count("\n")) == (2, 1)
