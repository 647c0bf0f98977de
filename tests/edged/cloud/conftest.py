"""A daemon whose rules are changed by a cloud."""

from collections.abc import AsyncIterator
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

    def __init__(self, rig: Rig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig, self.folder = rig, folder / "rules"
        self.keeping = Keeping(rig.ports, "S1", "0.1.0", {})
        self.rules = RulesDown(rig.ports, self.keeping, self.folder)
        self.rules.begin()

        async def built(manifest: bytes, into: Path) -> Path | str:
            try:
                return build(manifest, into)
            except RulesFaulty as error:  # as a process of its own tells it
                raise ControlRefused(*explain(error)) from None

        monkeypatch.setattr(self.rules, "_build", built)

    def again(self) -> None:
        """Be the next run of the daemon."""
        self.rules = RulesDown(self.rig.ports, self.keeping, self.folder)
        self.rules.begin()

    async def publish(self, version: int, *, confirm_s: int = 0, **changes: Any) -> str | None:
        whole = sets.document(version, **changes)
        made = sets.in_parts(whole)
        sets.put(made, self.folder / "parts")
        return await self.rules.activate(sets.manifest(whole, made, confirm_s=confirm_s))

    def alarms(self) -> set[str]:
        return {one["alarm"] for one in self.rig.alarms.listing()}


@pytest.fixture
async def down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Down]:
    async with running(tmp_path) as rig:
        made = Down(rig, tmp_path, monkeypatch)
        await made.rules.open()
        yield made
