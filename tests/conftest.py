"""What holds for every test: nothing is left running, and nothing depends on luck."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, Phase, settings

# The same examples on every run; speed is the timeout's business, not that of a busy machine.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# For make mutants: that a test fails is enough, what it fails on may be as large as it likes. And
# few examples: whatever survives plays them all, and a rule should not hang on the hundredth.
settings.register_profile(
    "mutants",
    parent=settings.get_profile("ci"),
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    max_examples=20,
)
# By hand, to look for what nobody has seen yet: pytest --hypothesis-profile=long
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile("ci")


@pytest.fixture(autouse=True)
async def _nothing_left_running() -> AsyncIterator[None]:
    """Fail a test that ends while a task it started still runs. Torn down after all else."""
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    names = {f"{task.get_name()}: {task.get_coro()!r}".split(" at 0x")[0] for task in left}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    assert not names, f"left running: {names}"
