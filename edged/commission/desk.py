"""What the console asks of commissioning: to begin a walk, and for the report of the last one.

The walk is a process of its own (edged/commission/paged.py), because it freezes this one.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import structlog
from pydantic import Field, TypeAdapter

from edged.asked import Asked, understood
from edged.commission import limits
from edged.commission.keeping import ENVELOPE, PAGE, report_folder
from edged.core import events
from edged.errors import NotFound
from edged.ports import Ports
from edged.rulebook.fields import Id
from edged.settings.model import Settings

log = structlog.get_logger()


class _Begin(Asked):
    do: Literal["begin"]
    by: Id
    anew: bool


class _Report(Asked):
    do: Literal["report"]
    what: Literal["page", "envelope"]
    after: int = Field(ge=0)


_Said: TypeAlias = _Begin | _Report
_ORDER: Final[TypeAdapter[_Said]] = TypeAdapter(Annotated[_Said, Field(discriminator="do")])


class CommissionDesk:
    """Begins walks, one at a time, by the settings file `config`; None: nobody named it.

    A walk freezes the daemon for a while. Once there is a report, doors are guarded: then a console
    that somebody has taken over must not begin one, so it needs an installer at a reader.

    Args:
        config: The settings file.
        settings: What it says.
        ports: Where a begin is recorded.
        installer_here: Whether one has shown a staff code at a reader lately.
    """

    def __init__(
        self,
        config: Path | None,
        settings: Settings,
        ports: Ports,
        installer_here: Callable[[], bool],
    ) -> None:
        self._config = config
        self._settings = settings
        self._ports = ports
        self._installer_here = installer_here
        self._walk: asyncio.subprocess.Process | None = None

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Begin a walk, or give the last report.

        Raises:
            ControlRefused: It is no order.
            NotFound: There is no report yet; nobody said which settings file to go by.
            OSError: The walk can't be begun; the report can't be read.
        """
        order = understood(_ORDER, said["order"])
        match order:
            case _Begin():
                return {"result": await self._begin(order)}
            case _Report():
                return await asyncio.to_thread(self._report, order)

    async def _begin(self, order: _Begin) -> str:
        if self._walk is not None and self._walk.returncode is None:
            return "RUNNING"
        walked = (report_folder(self._settings.state_dir) / ENVELOPE).exists()
        if walked and not self._installer_here():
            return "NOT_HERE"
        if self._config is None:
            raise NotFound("the settings file: this daemon was not begun by one")
        told = ["--config", str(self._config), f"--pages={order.by}"]
        command = [str(Path(sys.executable).with_name("edged")), "commission", *told]
        self._walk = await asyncio.create_subprocess_exec(
            *command,
            *(["--anew"] if order.anew else []),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        log.info("commission_began", by=order.by, anew=order.anew)
        asked = events.DoorCommand(self._ports.new_id(), "commission", order.by)
        self._ports.recorder.append(events.command(self._ports.stamp(), asked, "OK"))
        return "OK"

    def _report(self, order: _Report) -> Mapping[str, object]:
        name = PAGE if order.what == "page" else ENVELOPE
        try:
            text = (report_folder(self._settings.state_dir) / name).read_text()
        except FileNotFoundError:
            raise NotFound("there is no report yet") from None
        end = order.after + limits.REPORT_CHARS
        return {"text": text[order.after : end], "more": end < len(text)}

    async def close(self) -> None:
        """End a walk that is under way; it can be gone on with."""
        if self._walk is not None and self._walk.returncode is None:
            self._walk.terminate()
            await self._walk.wait()
