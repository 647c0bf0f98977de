"""`edged trust pin`."""

from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def trust_pin(
    file: Annotated[Path, typer.Argument(help="The envelope of a trust document.")],
    config: Config = DEFAULT_CONFIG,
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of the trust that is pinned already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell this device whom it trusts; only while the daemon is stopped."""
    from edged.cloud.trusting import pin_file

    show(pin_file(settings(config), file, replace=replace), as_json=as_json)
