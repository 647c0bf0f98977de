"""The catalogue of the log (systemd/log.md) says what the code logs: no more, no less."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception"}
ROW = re.compile(r"^\| `(\w+)` \| ([a-z ]+) \| (.*?) \| (.+?) \| ", re.MULTILINE)


def _logged() -> Iterator[tuple[str, str, set[str]]]:
    for path in sorted([*(ROOT / "edged").rglob("*.py"), *(ROOT / "cloud_link").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("log"), attr=level),
                    args=[ast.Constant(str(event)), *_],
                    keywords=fields,
                ) if level in LEVELS:
                    level = "error" if level == "exception" else level
                    yield event, level, {one.arg for one in fields if one.arg is not None}


def test_every_event_has_its_row_with_its_level_and_its_fields() -> None:
    logged: dict[str, tuple[set[str], set[str]]] = {}
    for event, level, fields in _logged():
        levels, named = logged.setdefault(event, (set(), set()))
        levels.add(level)
        named.update(fields)
    rows = ROW.findall((ROOT / "systemd" / "log.md").read_text())
    told = {
        event: (set(levels.split(" or ")), set(fields.split(", ")) - {""})
        for event, levels, fields, _ in rows
    }
    assert told == logged
    assert [row[0] for row in rows] == sorted(logged)
