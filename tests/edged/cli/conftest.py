import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from edged.cli import main
from tests.edged.cli.stage import RULES, SETTINGS, Done, Edged


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """`run` configures the log of the whole process."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def edged(capfd: pytest.CaptureFixture[str]) -> Edged:
    """Runs a command in this process, as the console script does."""

    def run(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that the commands know of; its folder is the runtime directory too."""
    path = tmp_path / "edged.toml"
    path.write_text(SETTINGS.format(folder=tmp_path))
    monkeypatch.setenv("EDGED_CONFIG", str(path))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rules file without faults."""
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES))
    return path
