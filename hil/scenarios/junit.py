"""What was played, for a machine that collects tests: JUnit's XML."""

from collections.abc import Iterable
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from hil.scenarios.play import Played


def junit(played: Iterable[Played]) -> str:
    """Write a suite for each bench, with a case for each scenario; its lines are its output."""
    suites = groupby(sorted(played, key=lambda one: one.bench), key=lambda one: one.bench)
    parts = [_suite(bench, list(cases)) for bench, cases in suites]
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{"".join(parts)}</testsuites>\n'


def _suite(bench: str, cases: list[Played]) -> str:
    failures = sum(one.failed is not None for one in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="0"'
    return (
        f"<testsuite name={quoteattr(bench)} {counts}>\n{''.join(map(_case, cases))}</testsuite>\n"
    )


def _case(one: Played) -> str:
    name, where = quoteattr(one.name), quoteattr(f"hil.scenarios.{one.bench}")
    failure = "" if one.failed is None else f"<failure message={quoteattr(one.failed)}/>"
    lines = "\n".join(f"{at / 1_000:8.1f} s  {line}" for at, line in one.lines)
    return (
        f'<testcase name={name} classname={where} time="{one.took_s:.2f}">{failure}'
        f"<system-out>{escape(lines)}</system-out></testcase>\n"
    )
