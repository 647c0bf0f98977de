"""Where things are in this repository."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("edged", "drivers", "policy", "cloud_link")
CODE = (*PACKAGES, "hil", "tests")
MADE_HERE = {"__pycache__", "build", "dist"}
HIDDEN_BUT_OURS = {".ci", ".editorconfig", ".gitignore"}


def files(*folders: str, name: str = "*") -> Iterator[Path]:
    """Every file of the project below `folders`, in order, without what runs leave behind."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(name)):
            parts = set(path.relative_to(ROOT).parts)
            hidden = {part for part in parts if part.startswith(".")} - HIDDEN_BUT_OURS
            if path.is_file() and not hidden | (parts & MADE_HERE):
                yield path


def where(path: Path, line: int = 0) -> str:
    """A place as editors know it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def tests_of(path: Path) -> set[str]:
    """The names of the tests that stand in a Python file by themselves."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in tree(path).body if isinstance(node, functions)}
    return {name for name in found if name.startswith("test_")}
