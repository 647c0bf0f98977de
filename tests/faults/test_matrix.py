"""The matrix is complete and current, and would be seen not to be."""

from pathlib import Path

from tests.faults.table import HERE, Row, faults, rows, table
from tests.threats.table import Mark, marks, written


def test_every_fault_is_shown_and_no_mark_names_another() -> None:
    assert faults(rows(), marks("fault")) == []


def test_the_matrix_is_current() -> None:
    readme = (HERE / "README.md").read_text()
    matrix = table(rows(), marks("fault"))
    assert matrix in readme, "python -m tests.faults"
    assert written(readme, matrix, "tests.faults") == readme


def test_what_nothing_shows_is_told() -> None:
    row = Row("x", "", "", "", "", "")
    assert faults([row], []) == ["x: no test shows it"]
    assert faults([row], [Mark("x", Path("test_x.py"), "test_it")]) == []
    assert faults([], [Mark("x", Path("test_x.py"), "test_it")]) == [
        "test_x.py::test_it: there is no row x"
    ]
