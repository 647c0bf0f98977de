"""`edged calendar`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show
from edged.cli.when import ThisMonth


def _language(text: str) -> str:
    from edged.settings.model import Language

    if text not in {language.value for language in Language}:
        raise typer.BadParameter(f"one of {', '.join(Language)}")
    return text


def calendar(
    member: Annotated[str, typer.Argument(help="A member's id, or handle in hex.")],
    config: Config = DEFAULT_CONFIG,
    month: ThisMonth = None,
    device: Annotated[
        str | None, typer.Option(help="An entrance, or a door. Default: this device's own.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it for a phone.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="The same in pixels.")] = None,
    language: Annotated[
        str | None,
        typer.Option(parser=_language, metavar="LANGUAGE", help="Default: the settings' first."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a member's month: when it is open, what was used, and what is left."""
    import asyncio

    from edged.clock import SystemClock
    from edged.settings.model import Language
    from edged.whatif import ask, plain, terminal
    from edged.whatif.svg import draw

    found = settings(config)
    tongue = found.language[0] if language is None else Language(language)
    picture = asyncio.run(ask.month(ask.State(found, SystemClock()), member, month, device))
    if svg is not None:
        svg.write_text(draw(picture, tongue), encoding="utf-8")
    if png is not None:
        from edged.whatif.png import render

        png.write_bytes(render(draw(picture, tongue), tongue))
    if as_json:
        show(plain.month(picture), as_json=True)
    elif svg is None and png is None:
        columns = shutil.get_terminal_size().columns
        for line in terminal.lines(picture, tongue, columns, typer.style):
            typer.echo(line)
