"""`edged wiring`."""

from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show


def wiring(
    folder: Annotated[Path, typer.Argument(help="Where the drawings go.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Draw by the settings what is wired to what: an SVG a door or bank, and the header."""
    from edged.commission.drawing import drawings

    drawn = drawings(settings(config))
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in drawn.items():
        path = folder / f"{name}.svg"
        path.write_text(svg)
        show({"drawing": str(path)}, as_json=as_json)
