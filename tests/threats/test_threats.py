"""The table is complete and current, and would be seen not to be."""

import ast
from pathlib import Path

import pytest

from tests.threats.table import HERE, Mark, Row, faults, marks, marks_in, rows, table, written

SECTIONS = {"A": 24, "B": 10, "D": 11, "G": 10, "J": 7}


def test_no_row_is_lost() -> None:
    names = [f"{section}{n}" for section, last in SECTIONS.items() for n in range(1, last + 1)]
    assert [row.name for row in rows()] == names


def test_no_row_is_blank_and_no_mark_names_another() -> None:
    assert faults(rows(), marks()) == []


def test_the_table_is_current() -> None:
    readme = (HERE / "README.md").read_text()
    assert table(rows(), marks()) in readme, "python -m tests.threats"
    assert written(readme, table(rows(), marks())) == readme


@pytest.mark.parametrize(
    ("wanted", "found", "fault"),
    [
        (Row("X1", "a threat"), [], "X1: no test, and no reason why"),
        (Row("X1", "", beyond="why"), [], None),
        (Row("X1", "", waits="1: x"), [], None),
        (Row("X1", ""), [Mark("X1", Path("test_x.py"), "test_it")], None),
        (
            Row("X1", "", beyond="why"),
            [Mark("X2", Path("test_x.py"), "test_it")],
            "test_x.py::test_it: there is no row X2",
        ),
    ],
)
def test_a_fault_is_seen(wanted: Row, found: list[Mark], fault: str | None) -> None:
    assert faults([wanted], found) == ([fault] if fault else [])


def test_marks_are_found_wherever_they_stand() -> None:
    source = """
@pytest.mark.slow
@pytest.mark.threat("X1", "X2")
async def test_it(): ...

@pytest.mark.threat("X1")
@pytest.mark.parametrize("x", [1])
def test_that(x): ...

def test_other(): ...
"""
    found = list(marks_in(ast.parse(source)))
    assert found == [("X1", "test_it"), ("X2", "test_it"), ("X1", "test_that")]
