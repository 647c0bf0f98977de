"""Which test stands against which threat: read from the marks, written into README.md."""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tidy.house import ROOT, files, tree

HERE: Final = Path(__file__).parent
END: Final = "<!-- to here -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One threat: see rows.toml."""

    name: str
    threat: str
    beyond: str = ""
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A test that names a row."""

    row: str
    path: Path
    test: str


def rows() -> list[Row]:
    """All rows, in their order."""
    said = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    return [Row(name, **fields) for name, fields in said.items()]


def marks_in(module: ast.Module, kind: str = "threat") -> Iterator[tuple[str, str]]:
    """Each row that a test of the module is marked with by marks of a kind, and the test."""
    for node in module.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="mark"), attr=found), args=args
                ) if found == kind:
                    yield from ((ast.literal_eval(row), node.name) for row in args)
                case _:
                    pass


def marks(kind: str = "threat") -> list[Mark]:
    """Every mark of a kind in the tests."""
    return [
        Mark(row, path, test)
        for path in files("tests", name="test_*.py")
        for row, test in marks_in(tree(path), kind)
    ]


def faults(wanted: Sequence[Row], found: Sequence[Mark]) -> list[str]:
    """What is blank, and what names a row that there is not."""
    held = {mark.row for mark in found}
    return [
        *(
            f"{row.name}: no test, and no reason why"
            for row in wanted
            if not (row.name in held or row.beyond or row.waits)
        ),
        *strangers({row.name for row in wanted}, found),
    ]


def strangers(names: AbstractSet[str], found: Sequence[Mark]) -> Iterator[str]:
    """Each mark that names a row that there is not."""
    for mark in found:
        if mark.row not in names:
            yield f"{mark.path.name}::{mark.test}: there is no row {mark.row}"


def table(wanted: Sequence[Row], found: Sequence[Mark]) -> str:
    """The two tables as Markdown: all rows, and what waits for something that is not built."""
    lines = ["| row | threat | held by |", "| --- | --- | --- |"]
    for row in wanted:
        held = [*links(row.name, found), *([row.beyond] if row.beyond else [])]
        lines.append(f"| {row.name} | {row.threat} | {'<br>'.join(held) or 'not built yet'} |")
    waits = [row for row in wanted if row.waits]
    if waits:
        lines += ["", "Not built yet:", "", "| row | issue | what |", "| --- | --- | --- |"]
    for row in waits:
        issue, _, what = row.waits.partition(": ")
        lines.append(f"| {row.name} | {issue} | {what} |")
    return "\n".join(lines)


def links(row: str, found: Sequence[Mark]) -> Iterator[str]:
    """Each file that has tests of a row as a link, and what these tests say."""
    tests: dict[Path, list[str]] = {}
    for mark in found:
        if mark.row == row:
            tests.setdefault(mark.path, []).append(mark.test)
    for path, names in tests.items():
        where = path.relative_to(ROOT / "tests")
        told = "; ".join(name.removeprefix("test_").replace("_", " ") for name in names)
        yield f"[{where}](../{where}): {told}"


def written(readme: str, tables: str, program: str = "tests.threats") -> str:
    """The README with the tables between the two marks."""
    begin = f"<!-- made by python -m {program} -->"
    return re.sub(
        f"{begin}.*{END}", lambda _: f"{begin}\n\n{tables}\n\n{END}", readme, flags=re.DOTALL
    )
