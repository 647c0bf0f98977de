"""The tables are complete and current, and would be seen not to be."""

import json
import string

import pytest

from tests.clauses.__main__ import PROGRAM, README, main, summary
from tests.clauses.table import SOURCES, Row, Source, faults, read, sources, tables
from tests.threats.table import written

ETSI = {
    "5.1": 5, "5.2": 3, "5.3": 16, "5.4": 4, "5.5": 8, "5.6": 9, "5.7": 2, "5.8": 3, "5.9": 3,
    "5.10": 1, "5.11": 4, "5.12": 3, "5.13": 1, "6": 5,
}  # fmt: skip
NIST = {"DI": 2, "DC": 3, "DP": 3, "LA": 3, "SU": 7, "SA": 5}
HERE = "clauses/test_clauses.py::test_a_fault_is_seen"
FOUND = sources()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("etsi", [f"{part}-{n}" for part, last in ETSI.items() for n in range(1, last + 1)]),
        ("nist", [f"{part}-{n}" for part, last in NIST.items() for n in range(1, last + 1)]),
        (
            "cra",
            ["I (1)", *(f"I (2)({letter})" for letter in string.ascii_lowercase[:13])]
            + [f"II ({n})" for n in range(1, 9)],
        ),
    ],
)
def test_no_row_is_lost(source: str, names: list[str]) -> None:
    """Of EN 60839-11-1 nobody here has the whole: its rows are what was read of it."""
    assert [row.name for row in FOUND[source].rows] == names


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_is_answered_and_every_test_is_there(source: str) -> None:
    assert list(faults(FOUND[source])) == []


def test_the_tables_are_current() -> None:
    readme = README.read_text()
    assert tables(FOUND) in readme, f"python -m {PROGRAM}"
    assert written(readme, tables(FOUND), PROGRAM) == readme


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (Row("1", "x", [HERE]), None),
        (Row("1", "x", hardware="a fuse"), None),
        (Row("1", "", [HERE]), "1: asks nothing"),
        (Row("1", "x"), "1: neither a test nor a reason"),
        (Row("1", "x", beyond="a remark is no reason"), "1: neither a test nor a reason"),
        (
            Row("1", "x", ["clauses/test_clauses.py::test_nothing"]),
            "1: there is no test_clauses.py::test_nothing",
        ),
        (Row("1", "x", ["clauses/test_x.py::test_y"]), "1: there is no test_x.py::test_y"),
        (Row("1", "x", ["clauses/test_clauses.py"]), "1: there is no test_clauses.py::"),
    ],
)
def test_a_fault_is_seen(row: Row, fault: str | None) -> None:
    assert list(faults(Source("a text", [row]))) == ([fault] if fault else [])


def test_what_is_not_met_in_part_is_not_met() -> None:
    text = """
    title = "T"
    [a]
    asks = "x"
    tests = ["p::t"]
    unmet = "y"
    [b]
    asks = "z"
    tests = ["p::t"]
    """
    found = summary({"t": read(text)})
    assert (found["requirements"], found["unmet"], found["tests"], found["named"]) == (2, 1, 1, 1)
    assert found["not_met"] == ["t a"]


def test_the_command_says_it_to_people_and_to_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == summary(FOUND)
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(one.title in told for one in FOUND.values())
    assert told.count(" not met: ") == said["unmet"]
