"""`edged readers detect`."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config
from edged.cli.progress import working
from edged.cli.show import one_line, show

if TYPE_CHECKING:
    from edged.readers.detection import Looked, Read


def readers_detect(
    port: Annotated[
        list[Path] | None, typer.Option(help="Ask at this serial port only; may be repeated.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--watch", help="Then put the scanners right, and show what they read.")
    ] = False,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Show whole codes: each is somebody's key.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say what is plugged in, what answers, and how the settings would name it."""
    import asyncio

    from edged.readers import detection

    named = port or []
    with working() as say:
        looked = detection.look_at(named, config, say)
    for one in looked:
        _show_port(one, as_json=as_json)
    if not named:
        for what, path in detection.others():
            show({what: path}, as_json=as_json)
    if named:
        detection.require(looked)
    if live:
        with suppress(KeyboardInterrupt):
            asyncio.run(
                detection.watch(
                    [one for one in looked if one.problem is None],
                    lambda read: _show_read(read, as_json=as_json),
                    plain=show_text,
                )
            )


def _show_port(one: "Looked", *, as_json: bool) -> None:
    found = one.found
    answer = {"kind": found.kind, "baud": found.baud, "says": found.says} if found else None
    if as_json:
        said = {"port": one.port.path, "description": one.port.description, "answer": answer}
        settings = None if one.problem else one.settings
        show({**said, "problem": one.problem, "settings": settings}, as_json=True)
        return
    typer.echo(f"{one_line(one.port.path)} {one_line(one.port.description)}".rstrip())
    if one.problem:
        typer.echo(f"  {one_line(one.problem)}")
        return
    typer.echo(f"  {one_line(answer) if answer else 'no answer: a scanner that only sends lines?'}")
    for line in one.settings.splitlines():
        typer.echo(f"    {line}")


def _show_read(read: "Read", *, as_json: bool) -> None:
    said = {"port": read.port, "bytes": read.size, "kind": read.kind, "text": read.text}
    if as_json:
        show(said, as_json=True)
    else:
        typer.echo(" ".join(f"{name}={one_line(value)}" for name, value in said.items()))
