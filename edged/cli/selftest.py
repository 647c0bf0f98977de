"""`edged selftest`."""

from typing import Annotated

import typer

from edged.cli.doctor import tell
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config


def selftest(
    moves: Annotated[
        bool,
        typer.Option("--moves", help="Then release each door once; whoever stands there gets in."),
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Look at the hardware under the daemon, unattended; nothing moves."""
    from edged.commission.selftest import examine

    tell(examine(config, moves=moves), as_json=as_json)
