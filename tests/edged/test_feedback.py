import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.typing import EventDict

from drivers.api import DeviceLost, Light, Signal, Tone
from edged.feedback import Feedback
from tests.edged.fakes import FakeIndicator, settle

GREEN, AMBER, RED = (
    Signal(light, Tone.NONE, 0, 500) for light in (Light.GREEN, Light.AMBER, Light.RED)
)


@asynccontextmanager
async def showing(indicator: FakeIndicator | None) -> AsyncIterator[Feedback]:
    feedback = Feedback(indicator)
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
