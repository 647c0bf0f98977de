"""How far stores that do not hear of each other can pass a limit, and that more would be found."""

from collections.abc import Callable, Iterable
from random import Random

import pytest

from hil.quota.chain import Chain
from hil.quota.chance import Lived, Month, drawn
from hil.quota.every import Passed, explore
from policy.model import Decision, UsageKey

MONTHS = 300


class Deaf(Chain):
    """Stores that forget a day: what they were told, or what they did."""

    def come(self, store: int, day: int, known: frozenset[UsageKey]) -> Decision:
        """See Chain."""
        return super().come(store, day, frozenset(sorted(known)[1:]))


class Meek(Chain):
    """Stores that let in one day less than they may."""

    def come(self, store: int, day: int, known: frozenset[UsageKey]) -> Decision:
        """See Chain."""
        return super().come(store, day, known | {self.key(store, 30)})


class Modest(Chain):
    """A report that leaves the first day out."""

    def excess(self, used: Iterable[UsageKey]) -> int:
        """See Chain."""
        return super().excess(sorted(used)[1:])


@pytest.mark.threat("A17")
@pytest.mark.parametrize(("stores", "limit"), [(1, 4), (2, 3), (3, 2)])
def test_each_store_gives_a_limit_once_at_most_and_two_that_are_cut_off_do(
    stores: int, limit: int
) -> None:
    assert explore(Chain(stores, limit)).most == stores * limit


@pytest.mark.threat("A17")
def test_a_limit_is_passed_by_no_more_than_what_was_not_heard_of() -> None:
    dice, lived = Random(21), Lived()
    for _ in range(MONTHS):
        Month(drawn(dice), dice, lived).live()
    assert min(lived.refused, lived.taken_back) > MONTHS
    assert lived.passed > MONTHS / 4
    assert lived.months - lived.passed > MONTHS / 4


@pytest.mark.parametrize("wrong", [Deaf, Meek, Modest])
def test_stores_that_decide_or_count_wrongly_are_found_out(
    wrong: Callable[[int, int], Chain],
) -> None:
    with pytest.raises(Passed):
        explore(wrong(2, 2))
    with pytest.raises(Passed):
        _live(wrong(3, 3))


def _live(chain: Chain) -> None:
    dice = Random(21)
    for _ in range(MONTHS):
        Month(chain, dice, Lived()).live()
