"""Each planted bug fits the code as it is now; a few are planted here, all by `hil.planted`."""

import ast

import pytest

from hil.planted import __main__ as planted

BUGS = planted.bugs()
HERE = ("synchronous-normal", "bolt-before-the-record", "second-spelling-accepted")
"""One of storage, one of the order of things, one of the credentials."""


def test_there_are_enough_and_each_breaks_a_promise_of_its_own() -> None:
    assert len(BUGS) >= 40
    assert len({bug.promise for bug in BUGS}) == len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_patch_fits(bug: planted.Bug) -> None:
    text = (planted.ROOT / bug.file).read_text()
    assert text.count(bug.old) == 1
    assert bug.new != bug.old
    if bug.file.endswith(".py"):  # or every check would fail for another reason, or none
        ast.parse(text.replace(bug.old, bug.new))
    assert (planted.ROOT / bug.check.partition("::")[0]).exists()


@pytest.mark.slow
def test_a_few_are_caught() -> None:
    verdicts = list(planted.plant_all([bug for bug in BUGS if bug.name in HERE]))
    assert [verdict.name for verdict in verdicts if verdict.caught] == [
        one.name for one in verdicts
    ]
    assert len(verdicts) == len(HERE)
