"""What the commands to the doors say to the daemon, and how they end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edged.control.wire import Verb
from edged.exits import Exit
from tests.edged.cli.stage import Daemon, Edged

pytestmark = pytest.mark.usefixtures("config")

AS = ("--by", "kim", "--command", "C1")


class Desk:
    """Answers every order as it is told, and keeps what was asked."""

    def __init__(self, folder: Path, result: str = "OK") -> None:
        self.orders: list[dict[str, Any]] = []
        self.result = result
        self.daemon = Daemon(folder / "control.sock", dict.fromkeys(Verb, self.order))

    async def order(self, said: Mapping[str, Any]) -> Mapping[str, object]:
        self.orders.append(said["order"])
        return {"command": said["order"]["command"], "result": self.result}


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        (("door", "open", "front"), {"do": "open", "door": "front"}),
        (("door", "lockdown", "on"), {"do": "lockdown", "on": True}),
        (("door", "lockdown", "off"), {"do": "lockdown", "on": False}),
        (("fire", "reset"), {"do": "fire_reset"}),
        (
            ("passback", "clear", "--member", "M1"),
            {"do": "passback_clear", "member": "M1", "store": None},
        ),
        (
            ("passback", "clear", "--store", "S1"),
            {"do": "passback_clear", "member": None, "store": "S1"},
        ),
    ],
)
def test_a_command_is_an_order(
    edged: Edged, tmp_path: Path, arguments: tuple[str, ...], order: dict[str, object]
) -> None:
    desk = Desk(tmp_path)
    with desk.daemon:
        done = edged(*arguments, *AS, "--json")
    assert (done.code, done.data) == (Exit.OK, {"command": "C1", "result": "OK"})
    assert desk.orders == [{"command": "C1", "by": "kim", **order}]


def test_each_has_an_id_of_its_own_and_says_who_asks(edged: Edged, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.daemon:
        for _ in range(2):
            assert edged("door", "open", "front").code == Exit.OK
    first, second = desk.orders
    assert first["command"] != second["command"]
    assert first["by"] == second["by"] != ""


@pytest.mark.parametrize("result", ["INTERLOCK", "DUPLICATE", "LOCK_FAULT"])
def test_a_refusal_says_why_and_has_its_code(edged: Edged, tmp_path: Path, result: str) -> None:
    desk = Desk(tmp_path, result)
    with desk.daemon:
        done = edged("door", "open", "front", *AS)
    assert (done.code, done.err) == (Exit.DOOR_REFUSED, "")
    assert f"result: {result}" in done.out


def test_without_a_daemon_no_door_opens(edged: Edged) -> None:
    assert edged("door", "open", "front").code == Exit.UNREACHABLE
