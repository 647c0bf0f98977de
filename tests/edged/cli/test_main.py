import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from drivers.api import DeviceLost, DeviceMissing
from edged import exits
from edged.cli import app
from edged.control.client import ControlRefused, DaemonAbsent
from edged.errors import AuditBroken, NotFound, RulesFaulty
from edged.exits import MEANINGS, Exit, explain
from edged.settings.file import SettingsFault, SettingsRefused
from edged.store.errors import FailKind, RulesRefused, SchemaTooNew, StateInUse, StoreFailed
from tests.edged.cli.stage import Edged

README = Path(exits.__file__).parent / "cli" / "README.md"
HEAVY = ("pydantic", "pydantic_settings", "structlog", "sqlite3", "asyncio", "rich", "cv2")
HERE = Path("/x")


def test_importing_the_command_line_is_cheap() -> None:
    code = f"import sys, edged.cli; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def commands() -> list[str]:
    found = [f"{command.name}" for command in app.registered_commands]
    for group in app.registered_groups:
        assert isinstance(group.typer_instance, typer.Typer)
        inside = group.typer_instance.registered_commands
        found += [f"{group.name} {command.name}" for command in inside]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_and_a_line_in_the_readme(edged: Edged, command: str) -> None:
    done = edged(*command.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert f"`edged {command}" in README.read_text()


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["no-such-command"], ["why"], []])
def test_a_wrong_command_line_is_told_apart(edged: Edged, arguments: list[str]) -> None:
    assert edged(*arguments).code == Exit.USAGE


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README.read_text(), re.MULTILINE)
    assert rows == [(str(code.value), MEANINGS[code]) for code in Exit]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            SettingsRefused([SettingsFault(HERE, "a.b", "one"), SettingsFault(HERE, "", "two")]),
            Exit.SETTINGS,
            ["/x: a.b: one", "/x: two"],
        ),
        (RulesFaulty(["one", "two"]), Exit.RULES, ["one", "two"]),
        (RulesRefused(2, "older"), Exit.RULES, ["rules version 2 refused: older"]),
        (DeviceMissing("front.lock", "gone"), Exit.DEVICE, ["device front.lock: gone"]),
        (DeviceLost("front.lock", "gone"), Exit.DEVICE, ["device front.lock: gone"]),
        (StateInUse(HERE, 7), Exit.STATE_IN_USE, ["/x is in use by process 7"]),
        (
            SchemaTooNew(HERE, 9, 1),
            Exit.SCHEMA_TOO_NEW,
            ["/x: schema version 9, this release knows up to 1"],
        ),
        (StoreFailed(FailKind.FULL, "disk"), Exit.STORAGE, ["storage: full: disk"]),
        (DaemonAbsent(HERE, "none"), Exit.UNREACHABLE, ["the daemon does not answer at /x: none"]),
        (NotFound("member M9"), Exit.NOT_FOUND, ["member M9"]),
        (AuditBroken(3, "hash"), Exit.AUDIT_BROKEN, ["audit broken: record 3: hash"]),
        (ControlRefused(6, ["one", "two"]), Exit.STATE_IN_USE, ["one", "two"]),
        (ControlRefused(0, ["one"]), Exit.INTERNAL, ["one"]),
        (ControlRefused(99, ["one"]), Exit.INTERNAL, ["one"]),
        (PermissionError(13, "denied", "/x"), Exit.FORBIDDEN, ["/x: denied"]),
        (
            OSError(28, "No space left on device"),
            Exit.STORAGE,
            ["[Errno 28] No space left on device"],
        ),
        (NotFound("a\nb\x1b[2J"), Exit.NOT_FOUND, ["a\\nb\\x1b[2J"]),
        (
            ExceptionGroup("two", [KeyError("x"), DeviceLost("front.lock", "gone")]),
            Exit.DEVICE,
            ["internal error: KeyError: 'x'", "device front.lock: gone"],
        ),
    ],
)
def test_an_error_is_a_code_and_lines(error: Exception, code: Exit, lines: list[str]) -> None:
    assert explain(error) == (code, lines)


def test_the_special_stands_before_the_general() -> None:
    kinds = [kind for kind, _, _ in exits._KNOWN]
    hidden = [
        late.__name__
        for n, late in enumerate(kinds)
        if any(issubclass(late, early) for early in kinds[:n])
    ]
    assert hidden == []


def test_an_unforeseen_error_is_one_line(edged: Edged, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise KeyError("a\nb")

    monkeypatch.setattr("edged.settings.file.require", fail)
    done = edged("check-config")
    assert (done.code, done.err.count("\n")) == (Exit.INTERNAL, 1)
    assert "test_main.py:" in done.err
