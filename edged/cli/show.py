"""How commands show data: to people as indented lines, to programs as one JSON object a line."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import typer

from edged.printable import printable


def show(data: Mapping[str, object], *, as_json: bool) -> None:
    """Show one object."""
    if as_json:
        typer.echo(json.dumps(data, default=str))
    else:
        for line in tree(data):
            typer.echo(line)


def tree(data: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Spell an object as lines, tables and lists indented below their names."""
    for name, value in data.items():
        label = indent + printable(name) + ":"
        match value:
            case Mapping() if value:
                yield label
                yield from tree(value, indent + "  ")
            case list() | tuple() if value:
                yield label
                yield from (f"{indent}  - {one_line(item)}" for item in value)
            case _:
                yield f"{label} {one_line(value)}"


def one_line(value: object) -> str:
    """Spell a value for people."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return facts(value) or "-"
        case list() | tuple():
            return ", ".join(map(one_line, value)) or "-"
        case _:
            return printable(str(value))


def facts(data: Mapping[str, object]) -> str:
    """Spell what an object says, in one line; what it leaves open is left out."""
    said = ((name, one_line(value)) for name, value in data.items() if value not in (None, [], ()))
    return " ".join(f"{printable(name)}={text}" for name, text in said)


_COLOURS: Final = {"ALLOW": "green", "DENY": "red", "refused": "red", "alarm": "yellow"}
_TOLD_APART: Final = {"event", "kind", "seq", "prev", "occurred_at", "clock", "event_id"}
"""What is said in a line of its own way, or says nothing to people."""


def live_line(said: Mapping[str, object]) -> str:
    """Spell what a watcher is told."""
    event = said.get("event")
    if not isinstance(event, Mapping):
        return typer.style(f"... {one_line(said.get('lagged'))} events missed", fg="yellow")
    return _story(str(event.get("event")), event)


def record_line(body: Mapping[str, object]) -> str:
    """Spell a record of the audit."""
    return f"{body['seq']:>6} {one_line(body['occurred_at'])} {_story(str(body['kind']), body)}"


def _story(name: str, body: Mapping[str, object]) -> str:
    colour = _COLOURS.get(str(body.get("decision"))) or _COLOURS.get(name)
    rest = {key: value for key, value in body.items() if key not in _TOLD_APART}
    return f"{typer.style(f'{printable(name):<12}', fg=colour)} {facts(rest)}".rstrip()
