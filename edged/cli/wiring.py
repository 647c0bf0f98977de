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
    from edged.commission.circuits import pins, sheets
    from edged.commission.drawing import draw, draw_header

    found = settings(config)
    drawn = {sheet.name: draw(sheet) for sheet in sheets(found)}
    if used := pins(found):
        drawn["header"] = draw_header(found.device, used)
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in drawn.items():
        path = folder / f"{name}.svg"
        path.write_text(svg)
        show({"drawing": str(path)}, as_json=as_json)
