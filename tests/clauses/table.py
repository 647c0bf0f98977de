"""What holds which requirement: read from the files of the sources, written into README.md."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.threats.table import Mark, links
from tests.tidy.house import ROOT, tests_of

HERE: Final = Path(__file__).parent
SOURCES: Final = ("en_60839", "etsi", "nist", "cra")

ANSWERS: Final = {
    "unmet": "not met",
    "tests": "held by tests",
    "hardware": "hardware",
    "organisation": "organisation",
    "no_case": "no case here",
}
"""What a row may be answered by; of several the first is what it is counted as."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement: see README.md."""

    name: str
    asks: str
    tests: Sequence[str] = ()
    beyond: str = ""
    unmet: str = ""
    hardware: str = ""
    organisation: str = ""
    no_case: str = ""

    @property
    def answer(self) -> str:
        """The key of `ANSWERS` that it is counted as, empty: it has none."""
        return next((key for key in ANSWERS if getattr(self, key)), "")


@dataclass(frozen=True, slots=True)
class Source:
    """One text that asks something: its title with its version, and its rows in their order."""

    title: str
    rows: Sequence[Row]


def sources() -> dict[str, Source]:
    """All of them, by the names of their files."""
    return {name: read((HERE / f"{name}.toml").read_text(encoding="utf-8")) for name in SOURCES}


def read(text: str) -> Source:
    """Take a file of requirements apart."""
    said: Mapping[str, Any] = tomllib.loads(text)
    rows = [Row(name, **fields) for name, fields in said.items() if name != "title"]
    return Source(said["title"], rows)


def marks(row: Row) -> list[Mark]:
    """The tests that a row names."""
    named = [one.partition("::") for one in row.tests]
    return [Mark(row.name, ROOT / "tests" / path, test) for path, _, test in named]


def faults(wanted: Source) -> Iterator[str]:
    """What is blank, and which test there is not."""
    for row in wanted.rows:
        if not row.asks:
            yield f"{row.name}: asks nothing"
        if not row.answer:
            yield f"{row.name}: neither a test nor a reason"
        for mark in marks(row):
            if not mark.path.is_file() or mark.test not in tests_of(mark.path):
                yield f"{row.name}: there is no {mark.path.name}::{mark.test}"


def counts(wanted: Source) -> dict[str, int]:
    """How many rows are answered by what."""
    found = [row.answer for row in wanted.rows]
    return {key: found.count(key) for key in ANSWERS}


def tables(wanted: Mapping[str, Source]) -> str:
    """A table for each source as Markdown."""
    return "\n\n".join(f"## {one.title}\n\n{table(one)}" for one in wanted.values())


def table(wanted: Source) -> str:
    """One source's rows."""
    lines = ["| no. | asks for | held by |", "| --- | --- | --- |"]
    for row in wanted.rows:
        held = [*links(row.name, marks(row)), *([row.beyond] if row.beyond else [])]
        held += [
            f"{ANSWERS[key]}: {getattr(row, key)}"
            for key in ANSWERS
            if key != "tests" and getattr(row, key)
        ]
        lines.append(f"| {row.name} | {row.asks} | {'<br>'.join(held)} |")
    return "\n".join(lines)
