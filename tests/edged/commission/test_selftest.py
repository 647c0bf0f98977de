"""The self-test's moves, by a daemon's word."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edged.commission.findings import Finding, Grade
from edged.commission.selftest import LOOKS, examine
from edged.control.wire import Verb
from tests.edged.cli.stage import SETTINGS, Daemon

MISSING = {"alarm": "DEVICE_LOST", "source": "front.lock"}
STATUS: Mapping[str, object] = {
    "clock": {"state": "SYNCED", "source": "ntp", "error_s": 0.5},
    "devices": {"front.lock": "open"},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edged.toml"
    path.write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "state").mkdir(mode=0o700)
    return path


def moved(
    config: Path,
    phases: Sequence[str],
    *,
    alarms: Sequence[Mapping[str, str]] = (),
    result: str = "OK",
    moves: bool = True,
) -> tuple[list[Finding], list[Mapping[str, object]]]:
    """Test a device whose door has these phases after the order, a look each, then the last."""
    orders = list[Mapping[str, object]]()
    coming: Iterator[str] = iter(phases)
    now = "REST"

    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        nonlocal now
        if orders:
            now = next(coming, now)
        return {**STATUS, "doors": {"front": now}, "alarms": list(alarms)}

    async def door(request: Mapping[str, object]) -> Mapping[str, object]:
        orders.append(request)
        return {"result": result}

    rest = dict.fromkeys(set(Verb) - {Verb.WATCH}, status)
    with Daemon(config.parent / "control.sock", rest | {Verb.DOOR: door}):
        found = list(
            examine(config, config.parent / "no-computer", moves=moves, pause=lambda _: None)
        )
    return [one for one in found if one.check == "moves"], orders


def test_nothing_moves_unless_it_is_told_to(config: Path) -> None:
    assert moved(config, [], moves=False) == ([], [])


def test_a_door_that_is_released_and_rests_is_well(config: Path) -> None:
    (found,), orders = moved(config, ["RELEASED", "RELEASED", "REST"])
    assert (found.grade, found.said) == (Grade.OK, "front is at rest again after 0.4 s")
    assert len(orders) == 1


def test_a_door_without_a_contact_is_taken_at_its_word(config: Path) -> None:
    (found,), _ = moved(config, ["RELEASED, not seen: no contact", "REST, not seen: no contact"])
    assert found.grade is Grade.OK


@pytest.mark.parametrize(
    ("phases", "alarms", "result", "said"),
    [
        (["REST"], [], "LOCKDOWN", "front was not released: LOCKDOWN"),
        (["RELEASED", "OPEN"], [], "OK", "front is OPEN after"),
        (["RELEASED"], [], "OK", "front is RELEASED after 90 s"),
        (["RELEASED", "REST"], [MISSING], "OK", "front: DEVICE_LOST after"),
    ],
)
def test_what_is_wrong_is_named(
    config: Path, phases: list[str], alarms: list[Mapping[str, str]], result: str, said: str
) -> None:
    (found,), _ = moved(config, phases, alarms=alarms, result=result)
    assert found.grade is Grade.FAIL
    assert found.said.startswith(said)
    assert found.todo


def test_the_alarm_of_another_door_is_not_this_ones(config: Path) -> None:
    (found,), _ = moved(
        config, ["RELEASED", "REST"], alarms=[{**MISSING, "source": "frontal.lock"}]
    )
    assert found.grade is Grade.OK


def test_its_looks_are_the_doctors(config: Path) -> None:
    found = list(examine(config, config.parent / "no-computer", moves=False))
    assert {one.check.split("_")[0] for one in found} <= {"settings", "line", *LOOKS}
