"""Every target, without the fuzzer: what is known, and some thousands of inputs near it."""

from collections.abc import Callable
from random import Random
from time import thread_time

import pytest

from tests.fuzz.campaign import Find, Outcome, read
from tests.fuzz.cost import CPU_MS, MEMORY_MB, TooDear, within_cost
from tests.fuzz.target import INPUT_BYTES, Target, mutants
from tests.fuzz.targets import TARGETS

MUTANTS = 2_000


@pytest.mark.threat("A1", "A8", "D9", "D11")
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_any_bytes_are_a_value_or_a_listed_error(target: Target) -> None:
    known = target.known()
    for data in (b"", *known, *mutants(known, MUTANTS, Random(7))):
        try:
            target.run(data)
        except Exception as error:
            error.add_note(f"{target.name}: {data!r}")
            raise


def test_mutants_are_the_same_each_time_and_differ() -> None:
    made = [list(mutants([b"one", b"another"], 500, Random(seed))) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    assert len(set(made[0])) > 400
    assert max(map(len, made[0])) <= INPUT_BYTES


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_has_a_seed_that_its_parser_takes_apart(target: Target) -> None:
    assert any(len(seed) > 1 for seed in target.seeds())


RAN = """
#2      INITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 90Mb
#512    NEW    cov: 31 ft: 40 corp: 9/99b lim: 4 exec/s: 0 rss: 91Mb
stat::number_of_executed_units: 5120
"""
BROKE = """
 === Uncaught Python exception: ===
KeyError: 'verb'
Traceback (most recent call last):
"""


def test_what_the_fuzzer_says_is_read() -> None:
    assert read("x", 9, RAN, []) == Outcome("x", 9, 5_120, 31, 40, ())
    find = Find("x-crash-1", "KeyError: 'verb'")
    assert read("x", 9, RAN + BROKE, [find.file]) == Outcome("x", 9, 5_120, 31, 40, (find,))
    assert read("x", 9, RAN, ["x-timeout-1"]).finds == (Find("x-timeout-1", ""),)


def test_a_fuzzer_that_did_not_run_found_nothing_out() -> None:
    with pytest.raises(ValueError, match="x: the fuzzer did not run"):
        read("x", 9, "No module named atheris", [])


def _slow(_: bytes) -> None:
    until_s = thread_time() + 2 * CPU_MS / 1_000
    while thread_time() < until_s:
        pass


def _greedy(_: bytes) -> None:
    bytearray(b"x" * ((2 * MEMORY_MB) << 20))


def _broken(data: bytes) -> None:
    raise KeyError(data)


@pytest.mark.parametrize(("parser", "why"), [(_slow, r"\d+ ms for 1"), (_greedy, r"\d+ MB for 1")])
def test_an_input_that_costs_too_much_is_found(parser: Callable[[bytes], None], why: str) -> None:
    with pytest.raises(TooDear, match=why):
        within_cost(parser)(b"x")


def test_what_is_watched_is_the_parser_itself() -> None:
    taken: list[bytes] = []
    within_cost(taken.append)(b"x")
    assert taken == [b"x"]
    with pytest.raises(KeyError):
        within_cost(_broken)(b"x")
