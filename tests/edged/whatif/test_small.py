"""Months, tables, and looking things up."""

import asyncio
import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import NotFound
from edged.whatif import months, sources, table
from policy.model import RuleSettings
from tests.edged.whatif import club


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "202611", "2026-11-01", "1999-01", "2200-01", "", "x"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        months.month(text)


def test_a_month_is_its_first_day() -> None:
    assert months.month("2026-02") == date(2026, 2, 1)
    assert months.after(date(2026, 12, 1)) == date(2027, 1, 1)


@given(st.dates(date(2001, 1, 1), date(2198, 12, 31)), st.integers(1, 28))
def test_every_day_is_counted_in_one_month(day: date, anchor: int) -> None:
    settings = RuleSettings(month_anchor_day=anchor)
    first, last = months.counted(settings, months.containing(settings, day))
    assert first <= day <= last
    assert months.counted(settings, months.containing(settings, last + timedelta(1)))[0] == (
        last + timedelta(1)
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_no_cell_is_a_formula(start: str) -> None:
    out = io.StringIO(newline="")
    assert table.write(out, ("a", "b"), [{"a": f"{start}1+1", "b": True}]) == 1
    assert list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1] == [f"'{start}1+1", "yes"]


@pytest.mark.parametrize(
    ("value", "spelled"), [(None, ""), (False, "no"), (-3, "-3"), ("a,b", "a,b"), ("", "")]
)
def test_a_cell_is_spelled(value: object, spelled: str) -> None:
    assert table.cell(value) == spelled


@pytest.mark.parametrize("who", ["M1", "0102030405060708", "0102030405060708".upper()])
def test_a_member_is_found_by_id_or_handle(who: str) -> None:
    found = asyncio.run(sources.of_file(club.rule_set()).need(who))
    assert found.id == "M1"


@pytest.mark.parametrize("who", ["M9", "0" * 16, "x" * 16, ""])
def test_who_is_not_known_is_named(who: str) -> None:
    with pytest.raises(NotFound, match=f"member {who}: "):
        asyncio.run(sources.of_file(club.rule_set()).need(who))


@pytest.mark.parametrize(
    ("name", "ours", "found"),
    [
        (None, {"front"}, "front-in"),
        (None, {"other-in"}, "other-in"),
        (None, {"elsewhere"}, "front-in"),
        ("front", set(), "front-in"),
        ("other-in", {"front"}, "other-in"),
    ],
)
def test_an_entrance_is_ours_unless_named(name: str | None, ours: set[str], found: str) -> None:
    assert sources.of_file(club.rule_set()).entrance(name, ours).id == found


@pytest.mark.parametrize("name", ["front-out", "nowhere"])
def test_what_is_no_entrance_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match=name):
        sources.of_file(club.rule_set()).entrance(name, set())


def test_our_stores_are_those_of_our_doors() -> None:
    source = sources.of_file(club.rule_set())
    assert [store.id for store in source.stores({"front", "x"})] == ["S1"]
    with pytest.raises(NotFound, match="doors: "):
        source.stores({"x"})


def test_the_active_rules_are_asked_like_a_file(tmp_path: Path) -> None:
    club.activate(tmp_path / "state", club.RULES)

    async def ask() -> tuple[list[str], object]:
        async with sources.active(tmp_path / "state") as source:
            return list(source.ids), await source.members.member_by_id("M1")

    listed = club.rule_set()
    assert asyncio.run(ask()) == (["M1", "M2", "M3"], listed.members["M1"])


def test_without_rules_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async def ask() -> None:
        async with sources.active(tmp_path):
            pass

    with pytest.raises(NotFound, match="no rules"):
        asyncio.run(ask())
