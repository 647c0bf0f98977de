"""What the commands about lockers say to the daemon, and how they end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edged.control.wire import Verb
from edged.exits import Exit
from tests.edged.cli.stage import Daemon, Edged

pytestmark = pytest.mark.usefixtures("config")

STAFF = ("--staff", "S9", "--command", "C1")
USE = ("--occupancy", "O1")
BANKS = {"L1": "hall", "L2": "hall", "L3": "hall", "L4": "cellar", "L5": "cellar"}
BY_STAFF = {"locker": "L1", "command": "C1", "staff": "S9"}


HOLDERS = {"L2": "aiko", "L4": "boram"}


class Desk:
    """Answers every order as it is told, and keeps what was asked."""

    def __init__(self, folder: Path, **answer: object) -> None:
        self.state: str | None = "FREE"
        self.orders: list[dict[str, Any]] = []
        self.answer = {"result": "OK", "released": None, **answer}
        verbs = {Verb.LOCKER: self.order, Verb.LOCKERS: self.page, Verb.STATUS: self.status}
        self.daemon = Daemon(
            folder / "control.sock",
            {verb: verbs.get(verb, self.order) for verb in Verb},
        )

    async def order(self, said: Mapping[str, Any]) -> Mapping[str, object]:
        self.orders.append(said["order"])
        return self.answer

    async def status(self, _: Mapping[str, object]) -> Mapping[str, object]:
        return {}

    async def page(self, said: Mapping[str, object]) -> Mapping[str, object]:
        names = [f"L{n}" for n in range(1, 6) if f"L{n}" > str(said["after"])]
        page = [
            {
                "locker": name,
                "bank": BANKS[name],
                "state": self.state,
                "new": name != "L2",
                "member": HOLDERS.get(name),
            }
            for name in names[:2]
        ]
        return {"lockers": page, "more": len(names) > 2}


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        (("extend", *USE, "--end", "2026-11-04"), {"do": "extend", "end": "2026-11-04"}),
        (("move", "L2", *USE), {"do": "move", "to": "L2", "pin": None}),
        (("open", *USE), {"do": "staff_open"}),
        (("open",), {"do": "staff_open", "occupancy": None}),
        (
            ("force-end", *USE, "--contents-checked"),
            {"do": "force_end", "from_afar": False, "contents_checked": True},
        ),
        (("confirm-empty", *USE), {"do": "confirm_empty"}),
        (("set-aside",), {"do": "set_aside", "occupancy": None}),
    ],
)
def test_a_command_is_an_order(
    edged: Edged, tmp_path: Path, arguments: tuple[str, ...], order: dict[str, object]
) -> None:
    desk = Desk(tmp_path)
    name, *rest = arguments
    with desk.daemon:
        done = edged("lockers", name, "L1", *rest, *STAFF, "--json")
    assert (done.code, done.data["result"]) == (0, "OK")
    assert desk.orders == [{**BY_STAFF, "occupancy": "O1", **order}]


@pytest.mark.parametrize("name", ["open", "return"])
def test_an_owner_shows_a_pin_that_is_in_no_argument(
    edged: Edged, tmp_path: Path, name: str
) -> None:
    desk = Desk(tmp_path)
    pin = tmp_path / "pin"
    pin.write_text("1234\n")
    with desk.daemon:
        edged("lockers", name, "L1", *USE, "--pin-file", pin, "--command", "C1")
    assert desk.orders == [
        {
            "do": name,
            "locker": "L1",
            "command": "C1",
            "occupancy": "O1",
            "member": None,
            "pin": "1234",
        }
    ]


def test_an_assignment_gets_ids_of_its_own(edged: Edged, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    given = ("assign", "L1", "--member", "M1", "--end", "2026-11-04", "--staff", "S9")
    with desk.daemon:
        for _ in range(2):
            assert edged("lockers", *given).code == 0
    first, second = desk.orders
    assert first["occupancy"] != second["occupancy"]
    assert first["command"] != second["command"]
    assert (first["member"], first["end"], first["start"]) == ("M1", "2026-11-04", None)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"result": "STALE_COMMAND"}, Exit.LOCKER_REFUSED),
        ({"result": "OK", "released": False}, Exit.LOCKER_REFUSED),
        ({"result": "OK", "released": True}, Exit.OK),
    ],
)
def test_a_refusal_is_shown_and_told_by_the_exit_code(
    edged: Edged, tmp_path: Path, answer: dict[str, object], code: int
) -> None:
    desk = Desk(tmp_path, **answer)
    with desk.daemon:
        done = edged("lockers", "force-end", "L1", *USE, *STAFF, "--json")
    assert (done.code, done.data["result"]) == (code, answer["result"])


def test_the_list_is_asked_for_page_by_page(edged: Edged, tmp_path: Path) -> None:
    with Desk(tmp_path).daemon:
        lines = edged("lockers", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == [f"locker=L{n}" for n in range(1, 6)]


def test_the_list_is_of_one_member_if_that_is_asked_for(edged: Edged, tmp_path: Path) -> None:
    with Desk(tmp_path).daemon:
        lines = edged("lockers", "list", "--member", "aiko").out.splitlines()
    assert [line.split()[0] for line in lines] == ["locker=L2"]


def test_a_new_bank_is_put_into_service_at_once(edged: Edged, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.daemon:
        done = edged("lockers", "confirm-empty", "--all", "hall", "--staff", "S9")
    assert done.code == 0
    asked = [(order.pop("command"), order) for order in desk.orders]
    assert [order for _, order in asked] == [
        {"do": "confirm_empty", "locker": name, "staff": "S9", "occupancy": None}
        for name in ("L1", "L3")
    ]
    assert asked[0][0] != asked[1][0]


def test_the_first_refusal_ends_it(edged: Edged, tmp_path: Path) -> None:
    desk = Desk(tmp_path, result="RECORD_FAILED")
    with desk.daemon:
        done = edged("lockers", "confirm-empty", "--all", "hall", "--staff", "S9")
    assert (done.code, len(desk.orders)) == (Exit.LOCKER_REFUSED, 1)


@pytest.mark.parametrize(
    ("bank", "state", "code", "words"),
    [
        ("attic", "FREE", Exit.NOT_FOUND, "attic"),
        ("hall", None, Exit.STORAGE, "not been read"),
    ],
)
def test_a_bank_of_which_nothing_is_known_is_not_said_to_be_done(
    edged: Edged, tmp_path: Path, bank: str, state: str | None, code: int, words: str
) -> None:
    desk = Desk(tmp_path)
    desk.state = state
    with desk.daemon:
        done = edged("lockers", "confirm-empty", "--all", bank, "--staff", "S9")
    assert (done.code, desk.orders) == (code, [])
    assert words in done.err


@pytest.mark.parametrize(
    "named", [(), ("L1", "--all", "hall"), ("--all", "hall", *USE), ("--all", "hall", *STAFF[2:])]
)
def test_either_a_locker_or_a_bank_is_named(
    edged: Edged, tmp_path: Path, named: tuple[str, ...]
) -> None:
    desk = Desk(tmp_path)
    with desk.daemon:
        assert edged("lockers", "confirm-empty", *named, "--staff", "S9").code == Exit.USAGE
    assert desk.orders == []


def test_a_bus_is_not_scanned_beside_the_daemon(edged: Edged, tmp_path: Path) -> None:
    with Desk(tmp_path).daemon:
        done = edged("lockers", "scan", "--kind", "kerong", "--port", "/nowhere")
    assert done.code == Exit.USAGE
    assert "the daemon runs" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--kind", "sim", "--port", "/nowhere"), Exit.USAGE, "the virtual building has no bus"),
        (("--kind", "magic", "--port", "/nowhere"), Exit.USAGE, "no driver for kind 'magic'"),
        (("--kind", "kerong", "--port", "/nowhere"), Exit.DEVICE, "can't open /nowhere"),
    ],
)
def test_what_can_not_be_scanned_is_said(
    edged: Edged, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = edged("lockers", "scan", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err


def test_a_master_release_is_an_order_for_a_bank(edged: Edged, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with desk.daemon:
        done = edged("lockers", "release-all", "hall", *STAFF)
    assert (done.code, desk.orders) == (
        Exit.OK,
        [{"do": "release_all", "bank": "hall", "command": "C1", "staff": "S9"}],
    )
