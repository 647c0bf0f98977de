"""What people type or meet is explained in a README: settings, commands, exit codes."""

import importlib
from collections.abc import Iterator
from typing import get_args

import typer
from pydantic import BaseModel

from edged.exits import MEANINGS, Exit
from edged.settings.model import Settings
from tests.tidy.house import files

SAID = "\n".join(path.read_text() for path in files("edged", "config", name="README.md"))


def models(kind: object) -> Iterator[type[BaseModel]]:
    """Every table of the settings file that `kind` is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(kind):
        yield from models(part)


def commands() -> Iterator[str]:
    """Every command of the program, as typed."""
    group = typer.main.get_command(importlib.import_module("edged.cli").app)
    waiting = [("edged", group)]
    while waiting:
        typed, command = waiting.pop()
        inner = getattr(command, "commands", {})
        waiting += [(f"{typed} {name}", child) for name, child in inner.items()]
        if not inner:
            yield typed


def test_every_setting_is_explained() -> None:
    every = {name for model in models(Settings) for name in model.model_fields}
    assert every
    assert {name for name in every if f"`{name}`" not in SAID} == set()


def test_every_exit_code_is_explained() -> None:
    rows = SAID.splitlines()
    said = {
        code
        for code in Exit
        if any(row.startswith(f"| {code:d} ") and MEANINGS[code] in row for row in rows)
    }
    assert said == set(Exit)


def test_every_command_is_explained() -> None:
    every = set(commands())
    assert every
    assert {command for command in every if f"`{command}" not in SAID} == set()
