import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.typing import EventDict

from drivers.api import DeviceLost, Light, Signal, Tone
from edged.readers.feedback import Feedback
from tests.edged.fakes import FakeClock, FakeIndicator, settle

GREEN, AMBER, RED = (
    Signal(light, Tone.NONE, 0, 500) for light in (Light.GREEN, Light.AMBER, Light.RED)
)


@asynccontextmanager
async def showing(
    indicator: FakeIndicator | None, clock: FakeClock | None = None
) -> AsyncIterator[Feedback]:
    feedback = Feedback(indicator, clock or FakeClock())
    task = asyncio.create_task(feedback.run())
    await settle()
    try:
        yield feedback
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), task.exception()


async def test_a_light_shows_what_it_is_told_again_and_again() -> None:
    light = FakeIndicator("in")
    async with showing(light) as feedback:
        for signal in (GREEN, GREEN, RED):
            feedback.show(signal)
            await settle()
    assert light.shown == [GREEN, GREEN, RED]


async def test_the_newest_signal_takes_the_place_of_what_waited() -> None:
    light = FakeIndicator("in")
    async with showing(light) as feedback:
        light.free.clear()
        for signal in (GREEN, AMBER, RED):
            feedback.show(signal)
            await settle()
        light.free.set()
        await settle()
    assert light.shown == [GREEN, RED]


async def test_a_signal_that_is_kept_begins_anew_when_it_has_run_out() -> None:
    light, clock = FakeIndicator("in"), FakeClock()
    async with showing(light, clock) as feedback:
        feedback.keep(RED)
        for _ in range(3):
            await settle()
            assert light.shown == [RED]
            clock.skip(GREEN.for_ms // 3)
            feedback.keep(RED)
        clock.skip(2)
        feedback.keep(RED)
        await settle()
        feedback.show(GREEN)
        await settle()
    assert light.shown == [RED, RED, GREEN]


@pytest.mark.parametrize("problem", [DeviceLost("in", "gone"), ArithmeticError("a bug")], ids=repr)
async def test_a_dark_light_is_nobodys_problem(problem: Exception, logged: list[EventDict]) -> None:
    light = FakeIndicator("in")
    async with showing(light) as feedback:
        light.fails = problem
        feedback.show(RED)
        await settle()
        light.fails = None
        feedback.show(GREEN)
        await settle()
    assert light.shown == [GREEN]
    assert len(logged) == 1


async def test_a_reader_without_a_light_shows_nothing() -> None:
    async with showing(None) as feedback:
        feedback.show(GREEN)
        await settle()
