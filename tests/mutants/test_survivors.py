"""The explanations: that they can be read, fit the code, and tell what is new."""

import ast
from pathlib import Path

import pytest

from tests.mutants.campaign import statuses
from tests.mutants.survivors import (
    EXPLAINED,
    Explanation,
    Survivor,
    explained,
    judged,
    starts,
    survivor,
)

ROOT = Path(__file__).parents[2]
SOURCE = '''"""A module."""

class Seat:
    size: int = 0

    @classmethod
    def empty(cls, at: int) -> bool:
        return at < 0


def free(at: int) -> bool:
    """Say so."""
    if at > 9:
        return True
    return at >= 3
'''
FREE = '''# policy.seats.x_free__mutmut_4: survived
--- policy/seats.py
+++ policy/seats.py
@@ -2,4 +2,4 @@
     """Say so."""
     if at > 9:
         return True
-    return at >= 3
+    return at > 3
'''
EMPTY = """--- policy/seats.py
+++ policy/seats.py
@@ -1,3 +1,3 @@
 @classmethod
 def empty(cls, at: int) -> bool:
-    return at < 0
+    return at <= 0
"""
FOUND = Survivor("policy/seats.py", 15, "free", "return at >= 3", "return at > 3")
WHY = Explanation("policy/seats.py::free", "return at >= 3", "return at > 3", "nobody is 3")


@pytest.mark.parametrize("each", explained(EXPLAINED), ids=lambda each: each.where)
def test_an_explanation_is_of_a_line_that_is_there(each: Explanation) -> None:
    path, _, function = each.where.partition("::")
    source = (ROOT / path).read_text()
    first = starts(source)[function]
    (last,) = {
        node.end_lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and first in (node.lineno, *(decorator.lineno for decorator in node.decorator_list))
    }
    lines = {line.strip() for line in source.splitlines()[first - 1 : last]}
    assert set(each.was.splitlines()) <= lines
    assert each.was != each.becomes
    assert each.why.strip()


def test_a_survivor_is_found_by_its_line() -> None:
    assert survivor("policy/seats.py", SOURCE, "policy.seats.x_free__mutmut_4", FREE) == FOUND


def test_a_method_is_found_with_its_decorator() -> None:
    name = "policy.seats.xǁSeatǁempty__mutmut_1"
    found = survivor("policy/seats.py", SOURCE, name, EMPTY)
    assert (found.line, found.function, found.becomes) == (8, "Seat.empty", "return at <= 0")


def test_what_is_explained_is_not_new() -> None:
    assert judged([FOUND], [WHY]) == ([], [])


def test_what_is_not_explained_is_new() -> None:
    assert judged([FOUND], []) == ([FOUND], [])


def test_one_explanation_is_for_one_survivor() -> None:
    assert judged([FOUND, FOUND], [WHY]) == ([FOUND], [])


def test_an_explanation_without_a_survivor_is_told() -> None:
    assert judged([], [WHY]) == ([], [WHY])
    assert judged([FOUND], [WHY, WHY]) == ([], [WHY])


def test_results_are_read() -> None:
    told = "    policy.seats.x_free__mutmut_1: killed\n    policy.usage.x_f__mutmut_2: no tests\n\n"
    assert statuses(told) == {
        "policy.seats.x_free__mutmut_1": "killed",
        "policy.usage.x_f__mutmut_2": "no tests",
    }
