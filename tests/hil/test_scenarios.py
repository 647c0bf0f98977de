"""Every scenario is seen as it must be, and one that is not would be told.

One of them: `pytest -m 'scenario(name="power-cut")'`, on every bench that is played here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from xml.parsers import expat

import pytest

from hil.scenarios.junit import junit
from hil.scenarios.latency import presentations
from hil.scenarios.page import bars, page
from hil.scenarios.play import BadScenario, Played, Scenario, play, scenarios
from hil.scenarios.stage import furnish
from hil.scenarios.words import PHRASES
from hil.site.site import Site

ALL = scenarios()
LEFT = "somebody presses the exit button of front\nwithin 1 s front is unlocked"
_LONG = frozenset({"once-a-month"})
_AT_A_PROCESS = frozenset({"member-enters", "scanner-unplugged", "power-cut"})


def on(bench: str, names: Collection[str]) -> Iterator[object]:
    for each in ALL:
        if each.name in names and bench in each.benches:
            marks = [pytest.mark.scenario(name=each.name)]
            if bench == "virtual" and each.name in _LONG:
                marks.append(pytest.mark.slow)
            yield pytest.param(each, id=each.name, marks=marks)


def written(folder: Path, steps: str) -> list[Scenario]:
    file = folder / "scenarios.toml"
    file.write_text(f'[x]\nsays = "x"\nsteps = """\n{steps}\n"""\n')
    return scenarios(file)


@pytest.mark.parametrize("scenario", list(on("virtual", {each.name for each in ALL})))
def test_it_is_seen_on_virtual_time(scenario: Scenario) -> None:
    assert play(scenario, "virtual").failed is None


@pytest.mark.parametrize(("day", "anchor"), [(29, 1), (30, 15)])
def test_no_day_that_passes_in_a_scenario_begins_a_month(
    tmp_path: Path, day: int, anchor: int
) -> None:
    site = Site(tmp_path, wall=lambda: datetime(2026, 11, day, tzinfo=UTC))
    furnish(site)
    assert site.rules["settings"]["month_anchor_day"] == anchor


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("scenario", list(on("process", _AT_A_PROCESS)))
def test_it_is_seen_at_a_daemon_of_its_own(scenario: Scenario) -> None:
    """Here it counts that it is seen, and on virtual time how soon."""
    assert play(scenario, "process", pace=30).failed is None


@pytest.mark.parametrize(
    ("steps", "failed"),
    [
        (
            "aiko shows a code at front-in\nfor 2 s front stays locked",
            "for 2 s front stays locked: the bolt of front moved",
        ),
        (
            "dan shows a code at front-in\nwithin 2 s front is unlocked",
            "within 2 s front is unlocked: no what=bolt door=front released=True within 2 s",
        ),
        (
            f"{LEFT}\nwithin 2 s front is unlocked",
            "within 2 s front is unlocked: no what=bolt door=front released=True within 2 s",
        ),
        (
            "somebody breaks front open\nwithin 1 s the alarm TAMPER of front is raised",
            "within 1 s the alarm TAMPER of front is raised: no alarm TAMPER within 1 s",
        ),
        (
            "dan shows a code at front-in\nwithin 1 s the answer to dan is OK",
            (
                "within 1 s the answer to dan is OK: no event=decided reason=OK member=dan"
                " within 1 s, but: event=decided reason=MEMBER_SUSPENDED member=dan"
            ),
        ),
        (
            f"{LEFT}\nsomebody pulls at front in vain",
            "somebody pulls at front in vain: front opened",
        ),
        (
            "eun shows a code at front-in\nwithin 1 s eun is counted 3 times",
            "within 1 s eun is counted 3 times: no count of 3 within 1 s",
        ),
    ],
)
def test_what_is_not_so_is_told(tmp_path: Path, steps: str, failed: str) -> None:
    (scenario,) = written(tmp_path, steps)
    assert play(scenario, "virtual").failed == failed


@pytest.mark.parametrize(
    "line", ["aiko shows a code", "within 2 s front is painted", "aiko  shows a code at front-in"]
)
def test_a_line_that_says_nothing_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadScenario, match=f"x: '{line}' is no phrase"):
        written(tmp_path, line)


def test_no_phrase_is_left_unused() -> None:
    used = {id(step.phrase) for each in ALL for step in each.steps}
    assert [phrase.text for phrase in PHRASES if id(phrase) not in used] == []


def test_the_page_shows_what_the_building_saw() -> None:
    scenario = next(each for each in ALL if each.name == "member-enters")
    played = play(scenario, "virtual")
    found = {bar.lane: bar for bar in bars(played.seen, 10_000)}
    assert 0 < found["front unlocked"].from_ms <= found["front open"].from_ms
    assert found["front open"].to_ms <= found["front unlocked"].to_ms < 6_000
    assert found["front-in light"].text == "green"
    text = page([played])
    assert "seen as it must be" in text
    assert "front unlocked" in text
    assert "aiko shows a code at front-in" in text


def saw(bench: str, *seen: Mapping[str, object]) -> Played:
    times = ({"at_ms": at_ms, "n": at_ms, **one} for at_ms, one in enumerate(seen, start=1))
    return Played("x", "x", bench, seen=list(times))


def scan(reader: str) -> Mapping[str, object]:
    return {"what": "scan", "reader": reader}


def bolt(door: str, *, released: bool = True) -> Mapping[str, object]:
    return {"what": "bolt", "door": door, "released": released}


@pytest.mark.parametrize(
    ("seen", "took_ms"),
    [
        ([scan("front-in"), {"what": "indicator"}, bolt("front")], [2]),
        ([scan("front-in"), bolt("front", released=False), bolt("front"), bolt("front")], [2]),
        ([scan("front-in"), bolt("yard"), bolt("front")], [2]),
        ([scan("front-in"), scan("front-in"), bolt("front")], [1]),
        ([scan("front-in"), {"what": "button", "door": "front"}, bolt("front")], []),
        ([scan("hall-in"), bolt("front")], []),
        ([bolt("front")], []),
    ],
)
def test_a_dot_is_a_scan_and_the_bolt_that_came_of_it(
    seen: Sequence[Mapping[str, object]], took_ms: Sequence[int]
) -> None:
    assert [each.took_ms for each in presentations([saw("virtual", *seen)])] == took_ms


def test_the_page_shows_a_row_of_dots_a_bench() -> None:
    entered = (scan("front-in"), bolt("front"))
    text = page([saw("virtual", *entered, *entered), saw("process", *entered)])
    assert text.count("<circle") == 3
    assert "virtual (2)" in text
    assert "process (1)" in text
    assert "From scan to bolt" not in page([saw("virtual", bolt("front"))])


def test_what_was_played_is_told_to_a_collector_of_tests(tmp_path: Path) -> None:
    (wrong,) = written(tmp_path, LEFT.replace("is unlocked", "is locked"))
    good = next(each for each in ALL if each.name == "member-enters")
    told: list[tuple[str, Mapping[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, given: told.append((name, given))
    played = [play(wrong, "virtual"), play(good, "virtual")]
    parser.ParseFile(BytesIO(junit(played).encode()))
    _, suite, first, failure, _, second, _ = told
    assert [suite[1][name] for name in ("name", "tests", "failures")] == ["virtual", "2", "1"]
    assert [first[1]["name"], failure[0], second[1]["name"]] == ["x", "failure", "member-enters"]
