"""`python -m tests.faults`: write the matrix into README.md."""

from tests.faults.table import HERE, rows, table
from tests.threats.table import marks, written

README = HERE / "README.md"
MATRIX = table(rows(), marks("fault"))
README.write_text(
    written(README.read_text(encoding="utf-8"), MATRIX, "tests.faults"), encoding="utf-8"
)
