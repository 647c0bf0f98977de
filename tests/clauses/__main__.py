"""`python -m tests.clauses`: how many requirements are held by what; `--write`: into README.md."""

import argparse
import json
import sys

from tests.clauses.table import ANSWERS, HERE, Source, counts, faults, sources, tables
from tests.threats.table import written

PROGRAM = "tests.clauses --write"
README = HERE / "README.md"


def main(arguments: list[str] | None = None) -> int:
    """Print it; 1 if a row has no answer or names a test that there is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.clauses", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object")
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    asked = parser.parse_args(arguments)
    found = sources()
    wrong = [f"{name} {fault}" for name, one in found.items() for fault in faults(one)]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    if asked.write:
        README.write_text(
            written(README.read_text(encoding="utf-8"), tables(found), PROGRAM), encoding="utf-8"
        )
    said = json.dumps(summary(found)) if asked.json else "\n".join(told(found))
    sys.stdout.write(said + "\n")
    return 1 if wrong else 0


def summary(found: dict[str, Source]) -> dict[str, object]:
    """The counts of all sources together and of each, and the rows that are not met."""
    each = {name: counts(one) for name, one in found.items()}
    rows = [(name, row) for name, one in found.items() for row in one.rows]
    return {
        "requirements": len(rows),
        **{key: sum(one[key] for one in each.values()) for key in ANSWERS},
        "named": len({test for _, row in rows for test in row.tests}),
        "sources": each,
        "not_met": [f"{name} {row.name}" for name, row in rows if row.answer == "unmet"],
    }


def told(found: dict[str, Source]) -> list[str]:
    """The same for people."""
    lines = []
    for one in found.values():
        answered = ", ".join(f"{n} {ANSWERS[key]}" for key, n in counts(one).items() if n)
        lines.append(f"{one.title}: {len(one.rows)} rows, {answered}")
        lines += [f"    {row.name} not met: {row.unmet}" for row in one.rows if row.unmet]
    return lines


if __name__ == "__main__":
    sys.exit(main())
