"""Every scenario is seen as it must be, and one that is not would be told."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from xml.parsers import expat

import pytest

from hil.scenarios.junit import junit
from hil.scenarios.page import bars, page
from hil.scenarios.play import BadScenario, Scenario, play, scenarios
from hil.scenarios.words import PHRASES

ALL = scenarios()
LEFT = "somebody presses the exit button of front\nwithin 1 s front is unlocked"
_LONG = frozenset({"once-a-month"})


def on_virtual_time() -> Iterator[object]:
    for each in ALL:
        if "virtual" in each.benches:
            marks = [pytest.mark.slow] if each.name in _LONG else []
            yield pytest.param(each, id=each.name, marks=marks)


def written(folder: Path, steps: str) -> list[Scenario]:
    file = folder / "scenarios.toml"
    file.write_text(f'[x]\nsays = "x"\nsteps = """\n{steps}\n"""\n')
    return scenarios(file)


@pytest.mark.parametrize("scenario", list(on_virtual_time()))
def test_it_is_seen_on_virtual_time(scenario: Scenario) -> None:
    assert play(scenario, "virtual").failed is None


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("name", ["member-enters", "scanner-unplugged", "power-cut"])
def test_it_is_seen_at_a_daemon_of_its_own(name: str) -> None:
    scenario = next(each for each in ALL if each.name == name)
    assert play(scenario, "process").failed is None


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
