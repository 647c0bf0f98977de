"""A furnished site on virtual time for a story, and what its people do there."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hil.scenarios.stage import Stage, furnish, staged
from hil.site.site import Site
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import VirtualSite, virtual_site

Story = Callable[[Stage, VirtualSite], Awaitable[None]]


def at(folder: Path, story: Story, change: Callable[[Site], None] = lambda _: None) -> None:
    """Play a story at a site, which is changed before it is put up."""

    def made(site: Site) -> None:
        furnish(site)
        change(site)

    async def play() -> None:
        async with virtual_site(folder, made, lambda: 0.003) as site, staged(site) as stage:
            await story(stage, site)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())


async def comes(stage: Stage, who: str, within_s: float = 2) -> None:
    """Show a code outside, and see the bolt let go."""
    stage.begin()
    await stage.people.scan("front-in", stage.site.code(who))
    await stage.bolt("front", within_s, released=True)
    await stage.bolt("front", 6, released=False)


async def leaves(stage: Stage, who: str = "aiko") -> None:
    """Leave by the button and by a code, each within a second."""
    stage.begin()
    await stage.people.press("front")
    await _through(stage)
    stage.begin()
    await stage.people.scan("front-out", stage.site.code(who))
    await _through(stage)


async def _through(stage: Stage) -> None:
    await stage.bolt("front", 1, released=True)
    await stage.bolt("front", 6, released=False)


async def stays_out(stage: Stage, who: str, for_s: float = 3) -> None:
    """Show a code outside, and see the bolt stay."""
    stage.begin()
    await stage.people.scan("front-in", stage.site.code(who))
    await stage.bolt_rests("front", for_s, released=False)
