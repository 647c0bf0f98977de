import asyncio
from collections.abc import Callable
from datetime import date

import pytest

from edged.whatif import sources, usage
from edged.whatif.journal import Uses
from tests.edged.whatif import club

NOVEMBER = date(2026, 11, 1)


def lines(uses: Uses, **settings: object) -> list[tuple[str, str, int, int | None, int | None]]:
    found = club.rule_set({**club.RULES, "settings": settings})
    told = usage.lines(found.rules, found.members["M1"], uses, NOVEMBER)
    return [(line.owner, line.band, line.count, line.limit, line.left) for line in told]


def test_each_band_has_its_count_and_its_limit(uses_of: Callable[..., Uses]) -> None:
    uses = uses_of(
        club.used("2026-11-02", "e1"),
        club.used("2026-11-02", "e2"),
        club.used("2026-11-03", "e3", "NIGHT"),
        club.used("2026-11-04", "e4", "SWIM"),
        club.used("2026-10-31", "e5"),
    )
    assert lines(uses) == [
        ("C1", "DAY", 1, 3, 2),
        ("C1", "NIGHT", 1, 2, 1),
        ("C1", "LATE", 0, None, None),
        ("C1", "SWIM", 1, None, None),
        ("T1", "*", 0, None, 4),
    ]


def test_a_month_may_begin_on_another_day(uses_of: Callable[..., Uses]) -> None:
    days = ("2026-11-14", "2026-11-15", "2026-12-14", "2026-12-15")
    uses = uses_of(*(club.used(day, f"e{n}") for n, day in enumerate(days)))
    assert lines(uses, month_anchor_day=15)[0] == ("C1", "DAY", 2, 3, 1)


def test_a_ticket_has_its_uses_of_all_times(uses_of: Callable[..., Uses]) -> None:
    uses = uses_of(
        club.used("2026-11-02", "e1", "*", "T1"), club.used("2026-12-02", "e2", "*", "T1")
    )
    assert lines(uses)[-1] == ("T1", "*", 1, None, 2)


@pytest.mark.parametrize(("count", "found"), [(3, []), (4, [("M1", "C1", "DAY", 1)])])
def test_over_the_limit_is_more_than_it(
    uses_of: Callable[..., Uses], count: int, found: list[tuple[str, str, str, int]]
) -> None:
    uses = uses_of(*(club.used(f"2026-11-{n + 10}", f"e{n}") for n in range(count)))
    source = sources.of_file(club.rule_set())

    async def over() -> list[usage.Over]:
        names = [*source.ids, "gone"]
        return [one async for one in usage.over_limit(source, names, uses, NOVEMBER)]

    told = asyncio.run(over())
    assert [(o.member, o.found.contract, o.found.band, o.found.excess) for o in told] == found
