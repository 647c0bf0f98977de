"""`command`: have a device do something, and wait for its answer."""

import json
import time
from typing import Annotated, Any

import typer

from hil.cloud import commands, spelling
from hil.cloud.cli.common import (
    HERE,
    AsJson,
    By,
    Device,
    FolderPath,
    Refused,
    opened,
    signing,
    tell,
    user,
)
from hil.cloud.keys import Role


def command(
    device: Device,
    verb: Annotated[str, typer.Argument(help=f"One of {', '.join(commands.VERBS)}.")],
    args: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE.")] = None,
    *,
    by: By = "",
    wait_s: Annotated[int, typer.Option(min=0, max=600, help="For the answer, s.")] = 12,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Sign a command for a device; a worker sends it. Prints the result, exit status 1 if none."""
    with opened(path) as (folder, db):
        key = signing(folder, db, Role.COMMANDS)
        whom = folder.settings.tenant, device
        order = verb, dict(map(_argument, args or ()))
        number = commands.issue(db, whom, order, by or user(), key, spelling.now())
    until = time.monotonic() + wait_s
    while True:
        with opened(path, reading=True) as (_, db):
            row = commands.found(db, number)
        if row is not None and row["result"] is not None:
            tell(json.loads(row["answer"]), f"{number}: {row['result']}", as_json=as_json)
            return
        if time.monotonic() >= until:
            raise Refused(f"{number}: no answer yet")
        time.sleep(0.05)


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"args: {text!r} is not NAME=VALUE")
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    return name, words.get(value, value)
