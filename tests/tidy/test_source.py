"""The house's rules about code: held against all of it, and each seen to catch something."""

import ast
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.tidy import rules
from tests.tidy.house import CODE, PACKAGES, files, tree, where

FILE_LINES = 400
FUNCTION_LINES = 50
EXCEPTIONS = 44  # for lint, types and coverage, all together, in 100,000 lines

PURE = ("policy", "edged/core", "drivers/codec")
OURS = frozenset({"policy", "edged", "drivers"})  # import-linter knows which of these


def broken(rule: Callable[[ast.Module], Iterator[int]], *folders: str) -> list[str]:
    """Every place below `folders` that breaks the rule."""
    return [where(path, line) for path in files(*folders, name="*.py") for line in rule(tree(path))]


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in files(*CODE, name="*.py")}
    assert [f"{where(path)}: {n}" for path, n in lengths.items() if n > FILE_LINES] == []


def test_functions_are_short() -> None:
    def long_functions(tree: ast.Module) -> Iterator[int]:
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES:
                yield node.lineno

    assert broken(long_functions, *CODE) == []


def test_pure_parts_import_only_pure_modules() -> None:
    assert broken(partial(rules.impure_imports, also=OURS), *PURE) == []
    with_keys = partial(rules.impure_imports, also=OURS | {"cryptography"})
    assert broken(with_keys, "edged/credentials") == []


def test_pure_parts_call_nothing_that_reaches_outside() -> None:
    assert broken(rules.impure_calls, *PURE, "edged/credentials") == []


@pytest.mark.threat("A7", "A8")
def test_nothing_that_comes_from_a_reader_or_a_board_is_unpacked() -> None:
    assert broken(rules.unpackers, *PURE, "edged/credentials", "edged/control", "drivers") == []


@pytest.mark.threat("G8")
def test_keys_and_passwords_are_left_to_the_kernels_chance() -> None:
    assert broken(rules.foreseeable_chance, *PACKAGES) == []


def test_every_queue_is_a_mailbox() -> None:
    found = broken(rules.unbounded_queues, *PACKAGES)
    assert [place for place in found if not place.startswith("edged/mailbox.py:")] == []


@pytest.mark.threat("D9")
def test_the_daemon_listens_on_no_tcp_port() -> None:
    assert broken(rules.tcp_servers, *PACKAGES) == []


@pytest.mark.threat("A9")
def test_sql_is_never_put_together_from_parts() -> None:
    found = broken(rules.composed_sql, *PACKAGES)
    # the migrations are handed their tables of literal statements; the checksum is over whatever
    # tables and columns the schema names
    apart = ("edged/store/migrations.py:", "edged/store/checksum.py:")
    assert [place for place in found if not place.startswith(apart)] == []


def test_exceptions_from_the_rules_are_few_and_say_why() -> None:
    found = [
        (where(path, line), reasoned)
        for path in files(*CODE, name="*.py")
        for line, reasoned in rules.exceptions(path.read_text())
    ]
    assert [place for place, reasoned in found if not reasoned] == []
    assert len(found) <= EXCEPTIONS


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.impure_imports, "import os.path"),
        (rules.impure_imports, "def f():\n    from time import monotonic"),
        (rules.foreseeable_chance, "from random import choice"),
        (rules.unpackers, "import zlib"),
        (rules.unpackers, "from xml.etree import ElementTree"),
        (rules.impure_calls, "open('x')"),
        (rules.unbounded_queues, "asyncio.Queue(3)"),
        (rules.unbounded_queues, "from queue import SimpleQueue"),
        (rules.tcp_servers, "await asyncio.start_server(f, '127.0.0.1', 80)"),
        (rules.composed_sql, "db.execute('SELECT ' + name)"),
        (rules.composed_sql, "db.execute(f'SELECT {name}')"),
        (rules.composed_sql, "db.execute(sql)"),
        (rules.composed_sql, "for sql in made():\n    db.execute(sql)"),
    ],
)
def test_a_rule_catches(rule: Callable[[ast.Module], Iterator[int]], source: str) -> None:
    assert list(rule(ast.parse(source))) == [len(source.splitlines())]


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.impure_imports, "from collections.abc import Iterator\nfrom . import x"),
        (rules.foreseeable_chance, "import secrets"),
        (rules.unpackers, "import json"),
        (rules.impure_calls, "door.open()"),
        (rules.unbounded_queues, "Mailbox(3)"),
        (rules.tcp_servers, "await asyncio.start_unix_server(f, 'x')"),
        (rules.composed_sql, "db.execute('SELECT ?' ' AS x', (1,))"),
        (rules.composed_sql, "for sql in STEPS:\n    db.execute(sql)"),
        (rules.composed_sql, "db.execute(f'PRAGMA user_version = {n:d}')"),
    ],
)
def test_a_rule_lets_pass(rule: Callable[[ast.Module], Iterator[int]], source: str) -> None:
    assert list(rule(ast.parse(source))) == []


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# no" + "qa: E402 - cv2 reads its environment when imported", [True]),
        ("# type: " + "ignore[no-any-return]  # the stub says Any", [True]),
        ("# no" + "qa", [False]),
        ("# no" + "qa: E402", [False]),
        ("# type: " + "ignore", [False]),
        ("# pragma: no " + "cover", [False]),
        ("# an ordinary comment", []),
    ],
)
def test_an_exception_needs_a_code_and_a_reason(comment: str, reasoned: list[bool]) -> None:
    assert [said for _, said in rules.exceptions(f"x = 1  {comment}\n")] == reasoned
