"""`edged rules load`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def rules_load(
    file: Annotated[Path, typer.Argument(help="A rules file.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a rules file the active one: through the daemon, or without it where none runs."""
    from edged.rulebook.load import hand_over

    found = settings(config)
    show(asdict(hand_over(file, found.state_dir, found.control_socket)), as_json=as_json)
