"""A daemon whose rules are changed by a cloud."""

from collections.abc import AsyncIterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from edged.cloud.rules_down import RulesDown, build
from edged.control.client import ControlRefused
from edged.errors import RulesFaulty
from edged.exits import explain
from edged.records.keeping import Keeping
from tests.edged.cloud import sets
from tests.edged.rig import Rig, running


class Down:
    """A rig whose rules, version 1, are changed by a cloud. What is built is built here."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig, self.folder = rig, folder / "rules"
        self.keeping = Keeping(rig.ports, "S1", "0.1.0", {})
        self.builder_is_killed = False
        self.again()

    def again(self) -> None:
        """Be the next run of the daemon."""
        self.rules = RulesDown(self.rig.ports, self.keeping, self.folder, self._built)
        self.rules.begin()

    async def _built(self, manifest: bytes, into: Path) -> Path | str:
        """Build as a process of its own does, and tell as it tells."""
        if self.builder_is_killed:
            raise BrokenExecutor
        try:
            return build(manifest, into)
        except RulesFaulty as error:
            raise ControlRefused(*explain(error)) from None

    async def publish(self, version: int, *, confirm_s: int = 0, **changes: Any) -> str | None:
        whole = sets.document(version, **changes)
        made = sets.in_parts(whole)
        sets.put(made, self.folder / "parts")
        return await self.rules.activate(sets.manifest(whole, made, confirm_s=confirm_s))

    def alarms(self) -> set[str]:
        return {one["alarm"] for one in self.rig.alarms.listing()}


@pytest.fixture
async def down(tmp_path: Path) -> AsyncIterator[Down]:
    async with running(tmp_path) as rig:
        made = Down(rig, tmp_path)
        await made.rules.open()
        yield made
