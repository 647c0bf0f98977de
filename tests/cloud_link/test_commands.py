"""Commands: nothing is let go of that was not asked for now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_link.commands import EXPIRED, NOT_YET, RELEASES, life_ms, untimely
from cloud_link.wire import Command
from hil.byzantine.clock import Reading
from tests.cloud_link.worlds import Wire, World
from tests.drivers.rigs import until

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def command(verb: str = "door_open", life_s: float = 10, **changed: object) -> Command:
    plain = Command(
        tenant="acme",
        device="gate-1",
        id="1",
        verb=verb,
        args={},
        by="staff-1",
        issued_at=NOON,
        expires_at=NOON + life_s * S,
        nonce=None,
    )
    return plain.model_copy(update=changed)


def reading(at_s: float, margin_s: float = 0.1, *, state: str = "SYNCED") -> Reading:
    at, margin = NOON + at_s * S, margin_s * S
    trusted = state in {"SYNCED", "HOLDOVER"}
    return Reading(at, at - margin, at + margin if trusted else None, state, trusted)


@pytest.mark.parametrize(
    ("asked", "now", "why"),
    [
        pytest.param(command(), reading(0), None, id="at once"),
        pytest.param(command(), reading(-1.9), None, id="clocks differ a little"),
        pytest.param(command(), reading(-1.91), NOT_YET, id="perhaps too early"),
        pytest.param(command(), reading(-9), NOT_YET, id="too early"),
        pytest.param(command(), reading(9.89), None, id="just in time"),
        pytest.param(command(), reading(9.9), EXPIRED, id="perhaps too late"),
        pytest.param(command(), reading(60), EXPIRED, id="too late"),
        pytest.param(command(), reading(1, 8.9), NOT_YET, id="hardly knows the time"),
        pytest.param(command(life_s=10.001), reading(0), EXPIRED, id="lives too long"),
        pytest.param(command(life_s=-1), reading(-1.5), EXPIRED, id="expired before"),
        pytest.param(command(), reading(1, state="HOLDOVER"), None, id="held over"),
        pytest.param(command(), reading(1, state="RESTORED"), EXPIRED, id="clock not trusted"),
        pytest.param(command(), reading(1, state="SUSPECT"), EXPIRED, id="clock suspect"),
        pytest.param(command("fire_reset"), reading(60), EXPIRED, id="a reset releases"),
        pytest.param(command("locker_end"), reading(60), EXPIRED, id="an ending releases"),
        pytest.param(command("locker_open"), reading(60), EXPIRED, id="a locker releases"),
        pytest.param(command("lockdown"), reading(86_400 * 6), None, id="others may be late"),
        pytest.param(command("lockdown"), reading(86_400 * 8), EXPIRED, id="but not for ever"),
        pytest.param(command("lockdown"), reading(-60), NOT_YET, id="nor before they are issued"),
        pytest.param(
            command("lockdown"), reading(-60, state="RESTORED"), None, id="as far as one knows"
        ),
    ],
)
def test_it_is_the_time_for_a_command_or_not(asked: Command, now: Reading, why: str | None) -> None:
    assert untimely(asked, now, answers_us=False) == why


def test_an_answer_to_our_nonce_needs_no_clock() -> None:
    for state in ("RESTORED", "UNSET", "SUSPECT"):
        assert untimely(command(), reading(3_600, state=state), answers_us=True) is None
    assert untimely(command(), reading(-3_600), answers_us=True) == NOT_YET


@pytest.mark.threat("D9")
@given(
    st.sampled_from(sorted(RELEASES)),
    st.floats(-100, 100),
    st.floats(0, 20),
    st.floats(-5, 30),
    st.sampled_from(["UNSET", "RESTORED", "SYNCED", "HOLDOVER", "SUSPECT"]),
    st.floats(-1, 1),
)
def test_a_release_is_only_ever_carried_out_within_its_life(
    verb: str, at_s: float, margin_s: float, life_s: float, state: str, true: float
) -> None:
    """Wherever in its interval the true time lies, it is within ten seconds of the issue."""
    if untimely(command(verb, life_s), reading(at_s, margin_s, state=state), answers_us=False):
        return
    true_s = at_s + true * margin_s
    assert -2.01 <= true_s < min(life_s, 10) + 0.01


async def test_a_command_is_done_once_and_every_copy_is_answered_alike(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.house.hours)
        message = world.cloud.command("door_open", {"door": "front"})
        for _ in range(5):
            wire.tell(*message)
        await until(lambda: len(world.cloud.results) == 5)
        world.clock.jump(60_000)
        wire.tell(*message)
        await until(lambda: len(world.cloud.results) == 6)
    assert [done.args for done, _ in world.house.done] == [{"door": "front"}]
    assert {result["result"] for result in world.cloud.results} == {"DONE"}


async def test_a_release_that_comes_late_is_refused_and_answered(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        message = world.cloud.command("door_open", {"door": "front"})
        world.clock.jump(11_000)
        wire.tell(*message)
        wire.tell(*world.cloud.command("lockdown", {"on": True}, life_s=1))
        await until(lambda: len(world.cloud.results) == 2)
    assert [done.verb for done, _ in world.house.done] == ["lockdown"]
    assert {result["result"] for result in world.cloud.results} == {"EXPIRED", "DONE"}


async def test_without_a_clock_only_a_fresh_nonce_releases(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.known = False
    wire = Wire(world.cloud)
    async with world.running(wire):
        await until(lambda: world.cloud.nonces)
        old = world.cloud.nonces[-1]
        wire.tell(*world.cloud.command("door_open", {"door": "front"}))
        await until(lambda: len(world.cloud.results) == 1)
        world.clock.jump(10_001)
        wire.tell(*world.cloud.command("door_open", {"door": "front"}, nonce=old))
        wire.tell(*world.cloud.command("door_open", {"door": "front"}, nonce="0" * 32))
        await until(lambda: len(world.cloud.results) == 3)
        assert world.house.done == []
        wire.tell(*world.cloud.command("reload", {}))
        await until(lambda: world.cloud.nonces[-1] != old)
        fresh = world.cloud.nonces[-1]
        wire.tell(*world.cloud.command("door_open", {"door": "front"}, nonce=fresh))
        await until(lambda: len(world.cloud.results) == 5)
    assert [done.nonce for done, _ in world.house.done if done.verb == "door_open"] == [fresh]


async def test_one_that_waits_for_a_board_does_not_hold_up_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        world.house.gate.clear()
        wire.tell(*world.cloud.command("locker_open", {"locker": "A-1", "occupancy": None}))
        await until(lambda: world.house.answers)
        stuck = set(world.house.answers)
        wire.tell(*world.cloud.command("nonsense", {}))
        await until(lambda: set(world.house.answers) - stuck)
        world.house.gate.set()
        await until(lambda: len(world.cloud.results) == 2)


async def test_a_release_that_waits_beyond_its_end_is_not_done(tmp_path: Path) -> None:
    """It was judged in time, and stood behind something slow."""
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        world.house.gate.clear()
        wire.tell(*world.cloud.command("door_open", {"door": "front"}))
        wire.tell(*world.cloud.command("lockdown", {"on": True}))
        await until(lambda: len(world.house.answers) == 2)
        world.clock.jump(11_000)
        world.house.gate.set()
        await until(lambda: len(world.cloud.results) == 2)
    assert [done.verb for done, _ in world.house.done] == ["lockdown"]
    assert {result["result"] for result in world.cloud.results} == {"DONE", "EXPIRED"}


@pytest.mark.parametrize(
    ("asked", "now", "fresh_ms", "left_ms"),
    [
        pytest.param(command(), reading(4), None, 5_900, id="its whole interval has to fit"),
        pytest.param(command(), reading(4), 700, 700, id="as long as our nonce is fresh"),
        pytest.param(command(), reading(4, state="UNSET"), None, 0, id="nobody knows"),
        pytest.param(command("lockdown"), reading(4), None, None, id="no release"),
    ],
)
def test_what_is_left_of_a_release(
    asked: Command, now: Reading, fresh_ms: int | None, left_ms: int | None
) -> None:
    assert life_ms(asked, now, fresh_ms) == left_ms


async def test_an_answer_too_large_for_an_envelope_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    wire = Wire(world.cloud)
    async with world.running(wire):
        world.house.more = {"events": "x" * 200_000}
        wire.tell(*world.cloud.command("diagnostics", {}))
        await until(lambda: world.cloud.results)
    assert world.cloud.results[0]["more"] == {"left_out": "too large"}
