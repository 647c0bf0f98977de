"""`python -m tests.threats`: write the tables into README.md."""

from tests.threats.table import HERE, marks, rows, table, written

README = HERE / "README.md"
README.write_text(
    written(README.read_text(encoding="utf-8"), table(rows(), marks())), encoding="utf-8"
)
