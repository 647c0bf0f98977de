"""`edged rules check`."""

from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import AsJson
from edged.cli.show import show


def rules_check(
    file: Annotated[Path, typer.Argument(help="A rules file.")], as_json: AsJson = False
) -> None:
    """Say what a rules file holds, or everything that is wrong with it."""
    from edged.rulebook.load import read, summary

    rule_set = read(file)
    members = {"members": len(rule_set.records)}
    show({**summary(rule_set.rules, rule_set.fingerprint), **members}, as_json=as_json)
