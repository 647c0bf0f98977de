"""Mutants that no test notices: where they are, and which of them are explained.

A survivor is known by its function and by the lines that it changes, not by a number: it stays
the same when the rest of the module moves.
"""

import ast
import re
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

EXPLAINED = Path(__file__).with_name("survivors.toml")
HUNK = re.compile(r"@@ -(\d+)")
# policy.seats.x_assign__mutmut_5; a method: policy.usage.xǁKeysǁadd__mutmut_1
NAME = re.compile(r"x(?:_|ǁ(?P<owner>\w+?)ǁ)(?P<function>\w+)__mutmut_\d+$")

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Survivor:
    """One mutant that is still there: `was` and `becomes` are lines without their indentation."""

    file: str
    line: int
    function: str
    was: str
    becomes: str

    @property
    def key(self) -> Key:
        return f"{self.file}::{self.function}", self.was, self.becomes

    def diff(self) -> str:
        signed = (("-", self.was), ("+", self.becomes))
        return "\n".join(f"  {sign} {row}" for sign, rows in signed for row in rows.splitlines())

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a survivor may stay: it does nothing that anybody could see."""

    where: str
    was: str
    becomes: str
    why: str

    @property
    def key(self) -> Key:
        return self.where, self.was, self.becomes

    @property
    def module(self) -> str:
        return self.where.partition("::")[0]


def explained(path: Path) -> list[Explanation]:
    """Read the explanations (README.md says how they are written)."""
    return [Explanation(**row) for row in tomllib.loads(path.read_text())["survivor"]]


def judged(
    survivors: list[Survivor], explanations: list[Explanation]
) -> tuple[list[Survivor], list[Explanation]]:
    """The survivors that nobody explained, and the explanations without a survivor.

    The same change at two places of a function are two survivors, and want two explanations.
    """
    new: list[Survivor] = []
    gone: list[Explanation] = []
    known = Counter(each.key for each in explanations)
    for survivor in survivors:
        known[survivor.key] -= 1
        if known[survivor.key] < 0:
            new.append(survivor)
    for each in explanations:
        if known[each.key] > 0:
            known[each.key] -= 1
            gone.append(each)
    return new, gone


def survivor(module: str, source: str, name: str, shown: str) -> Survivor:
    """Read what `mutmut show` says of a mutant; the lines of its diff count from its function."""
    named = NAME.search(name)
    assert named, name
    function = ".".join(part for part in named.groups() if part)
    hunk = shown.splitlines()
    (start,) = [at for at, row in enumerate(hunk) if row.startswith("@@")]
    opened, rows = HUNK.match(hunk[start]), hunk[start + 1 :]
    first = next(at for at, row in enumerate(rows) if row.startswith(("-", "+")))
    assert opened
    line = starts(source)[function] + int(opened[1]) - 1 + first
    was, becomes = (_changed(rows, sign) for sign in "-+")
    assert source.splitlines()[line - 1].strip() == was.splitlines()[0], shown
    return Survivor(module, line, function, was, becomes)


def starts(source: str) -> dict[str, int]:
    """The first line of every function and method, its decorators included."""
    found = {}
    for node in ast.parse(source).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for each in inside:
            if isinstance(each, ast.FunctionDef):
                lines = [each.lineno, *(decorator.lineno for decorator in each.decorator_list)]
                found[owner + each.name] = min(lines)
    return found


def _changed(rows: list[str], sign: str) -> str:
    return "\n".join(row[1:].strip() for row in rows if row.startswith(sign))
