"""The commands of edged/whatif, on real databases."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edged.cli.progress import track
from tests.edged.cli.stage import Edged
from tests.edged.whatif import club

pytestmark = pytest.mark.usefixtures("config")

NOVEMBER = ("--month", "2026-11")


@pytest.fixture
def state(tmp_path: Path, config: Path) -> Path:
    """A state directory with active rules, and no journal yet."""
    assert config.exists()
    club.activate(tmp_path / "state", club.RULES)
    return tmp_path / "state"


@pytest.fixture
def busy(state: Path) -> Path:
    """The same with two uses, one of them withdrawn, and a passage each."""
    club.write_journal(
        state / "journal.db",
        club.passage("2026-11-02T12:00", "e1"),
        club.used("2026-11-02", "e1"),
        club.passage("2026-11-04T12:00", "e2"),
        club.used("2026-11-04", "e2"),
        club.outcome("e2", "LOCK_FAULT"),
        club.withdrawn("e2"),
    )
    return state


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """Rules in which M1 has nothing any more."""
    rules = club.changed("members", "M1", to={"handle": "0102030405060708"})
    return club.write_rules(tmp_path / "draft.json", rules)


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def unchanged(folder: Path) -> dict[Path, bytes]:
    """What the databases hold; beside them a reader may leave SQLite's own files."""
    return {path: path.read_bytes() for path in folder.rglob("*.db") if path.is_file()}


@pytest.mark.usefixtures("busy")
def test_usage_says_which_events_hold_a_use(edged: Edged) -> None:
    done = edged("usage", "M1", *NOVEMBER)
    assert done.code == 0
    assert done.out.splitlines()[:4] == [
        "M1 in 2026-11",
        "  C1 (P1) DAY: 1 of 3 used, 2 left",
        "    2026-11-02  e1",
        "    2026-11-04  not counted; withdrawn: e2",
    ]
    line = objects(edged("usage", "0102030405060708", *NOVEMBER, "--json").out)[0]
    assert (line["member"], line["owner"], line["count"], line["left"]) == ("M1", "C1", 1, 2)
    assert line["days"] == [
        {"date": "2026-11-02", "store": None, "counts": True, "events": ["e1"], "withdrawn": []},
        {"date": "2026-11-04", "store": None, "counts": False, "events": [], "withdrawn": ["e2"]},
    ]


@pytest.mark.usefixtures("state")
def test_a_device_that_never_ran_has_used_nothing(edged: Edged) -> None:
    found = objects(edged("usage", "M1", *NOVEMBER, "--json").out)
    assert [line["count"] for line in found] == [0, 0, 0, 0]


@pytest.mark.usefixtures("busy")
def test_the_calendar_is_shown_and_drawn(edged: Edged, tmp_path: Path) -> None:
    done = edged("calendar", "M1", *NOVEMBER, "--language", "en")
    assert done.code == 0
    assert done.out.startswith("November 2026  渋谷店\n██ DAY 10:00\N{EN DASH}17:00 2 of 3 left\n")
    assert "2 ✓" in done.out
    assert "4 ✓" not in done.out
    path = tmp_path / "month.svg"
    assert edged("calendar", "M1", *NOVEMBER, "--svg", path).out == ""
    assert "2026年11月" in path.read_text()
    ET.parse(path)  # noqa: S314 - we drew it


@pytest.mark.usefixtures("busy")
def test_the_calendar_is_data(edged: Edged) -> None:
    found = edged("calendar", "M1", *NOVEMBER, "--device", "front", "--json").data
    assert (found["member"], found["device"], found["month"]) == ("M1", "front-in", "2026-11")
    assert found["left"][0] == {
        "name": "DAY",
        "hours": {"start_min": 600, "end_min": 1020},
        "count": 1,
        "limit": 3,
        "left": 2,
    }
    assert [day["date"] for day in found["days"] if day["used"]] == ["2026-11-02"]
    assert [day["date"] for day in found["days"] if day["closed"]] == ["2026-11-10"]


@pytest.mark.usefixtures("state")
def test_the_ledger_is_a_table_without_formulas(edged: Edged, tmp_path: Path) -> None:
    done = edged("ledger", "--date", "2026-11-24")
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert [(row["start"], row["end"], row["booking"], row["label"]) for row in rows] == [
        ("18:00", "19:00", "B1", "'=T. S."),
        ("23:30", "2026-11-25 00:30", "'-B2", ""),
    ]
    assert [(row["status"], row["paid"], row["room"]) for row in rows] == [
        ("CONFIRMED", "yes", ""),
        ("CANCELLED", "no", "R1"),
    ]
    path = tmp_path / "ledger.csv"
    assert edged("ledger", "--date", "2026-11-24", "--csv", path).out == ""
    assert (
        path.read_bytes()
        == b"\xef\xbb\xbf" + done.out.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    )
    found = objects(edged("ledger", "--date", "2026-11-24", "--json").out)
    assert [(row["booking"], row["label"]) for row in found] == [("B1", "=T. S."), ("-B2", None)]


@pytest.mark.usefixtures("state")
def test_a_day_without_bookings_is_an_empty_table(edged: Edged) -> None:
    done = edged("ledger", "--date", "2026-11-25")
    assert (done.code, done.out.count("\n")) == (0, 1)


def test_what_is_over_a_limit_is_reported(edged: Edged, state: Path) -> None:
    uses = (club.used(f"2026-11-{day}", f"e{day}") for day in range(11, 16))
    club.write_journal(state / "journal.db", *uses)
    row = {"member": "M1", "contract": "C1", "band": "DAY", "count": 5, "limit": 3, "excess": 2}
    assert edged("report", "over-limit", *NOVEMBER, "--json").data == row
    assert edged("report", "over-limit", *NOVEMBER, "--csv").out.split() == [
        ",".join(row),
        ",".join(map(str, row.values())),
    ]
    assert edged("report", "over-limit", *NOVEMBER).out == (
        "M1  C1 DAY: 5 of 3 used, 2 too many\nlimits exceeded in 2026-11: 1\n"
    )
    assert edged("report", "over-limit", "--month", "2026-12", "--json").out == ""


@pytest.mark.usefixtures("busy")
def test_a_draft_is_compared_with_the_active_rules(edged: Edged, draft: Path) -> None:
    asked = ("--from", "2026-11-18", "--days", "1", "--device", "other-in")
    done = edged("rules", "compare", "active", draft, *asked, "--json")
    *changes, tally = objects(done.out)
    assert (done.code, done.err) == (0, "")
    assert [(one["member"], one["access"], one["from"], one["to"]) for one in changes] == [
        ("M1", "lost", f"2026-11-18T{start}+09:00", f"2026-11-{end}+09:00")
        for start, end in [("00:00:00", "18T09:00:00"), ("09:00:00", "18T15:00:00")]
    ] + [("M1", "lost", "2026-11-18T15:00:00+09:00", "2026-11-19T00:00:00+09:00")]
    assert [one["before"]["via"] for one in changes] == ["ticket:T1", "plan:C1", "ticket:T1"]
    assert (tally["members"], tally["changed"], tally["lost"]) == (3, 1, 3)


def test_two_files_are_compared_without_a_device(
    edged: Edged, tmp_path: Path, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGED_CONFIG", str(tmp_path / "none.toml"))
    old = club.write_rules(tmp_path / "old.json", club.changed("members", "M1", "tickets", to=[]))
    asked = ("--from", "2026-11-18", "--days", "1", "--device", "front-in")
    lines = edged("rules", "compare", old, draft, *asked).out.splitlines()
    assert lines[0].split() == [
        *("lost", "M1", "at", "front-in", "2026-11-18T10:00", "to", "2026-11-18T17:00"),
        *("in", "plan:C1", "DAY", "->", "NO_ENTITLEMENT"),
    ]
    assert lines[1:6] == ["members: 3", "changed: 1", "gained: 0", "lost: 1", "counted: 0"]


@pytest.mark.usefixtures("busy")
def test_the_journal_is_replayed_under_a_draft(edged: Edged, draft: Path) -> None:
    done = edged("rules", "replay", draft, "--since", "2026-11-03", "--json")
    found, counts = objects(done.out)
    assert (found["seq"], found["member"], found["at"]) == (2, "M1", "2026-11-04T12:00:00+09:00")
    assert counts == {"asked": 1, "otherwise": 1, "left_out": 0}
    assert edged("rules", "replay", draft, "--since", "2026-11-03").out.splitlines()[0].split() == [
        *("2", "2026-11-04T12:00:00+09:00", "M1", "at", "front-in"),
        *("in", "plan:C1", "DAY", "->", "NO_ENTITLEMENT"),
    ]


def test_nothing_is_changed(edged: Edged, busy: Path, draft: Path) -> None:
    before = unchanged(busy)
    for command in (
        ("usage", "M1"),
        ("calendar", "M1"),
        ("ledger",),
        ("report", "over-limit", *NOVEMBER),
        ("rules", "compare", "active", draft),
        ("rules", "replay", draft, "--since", "2026-11-01"),
    ):
        assert edged(*command).code == 0
    assert len(before) == 3
    assert unchanged(busy) == before


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("calendar", "M9"), 10, "member M9"),
        (("usage", "M9"), 10, "member M9"),
        (("calendar", "M1", "--device", "front-out"), 10, "front-out"),
        (("calendar", "M1", "--month", "2026-13"), 2, "--month"),
        (("calendar", "M1", "--language", "xx"), 2, "ja, ko, en"),
        (("usage", "M1", "--month", "1999-01"), 2, "2000 to 2199"),
        (("ledger", "--date", "tomorrow"), 2, "--date"),
        (("report", "over-limit"), 2, "--month"),
        (("report", "over-limit", *NOVEMBER, "--json", "--csv"), 2, "not both"),
        (("rules", "compare", "active", "none.json"), 10, "none.json"),
        (("rules", "compare", "none.json", "none.json"), 10, "none.json"),
        (("rules", "replay", "none.json", "--since", "2026-11-01"), 10, "none.json"),
        (("rules", "compare", "active", "none.json", "--days", "63"), 2, "--days"),
    ],
)
@pytest.mark.usefixtures("busy")
def test_what_is_wrong_is_named(
    edged: Edged, command: tuple[str, ...], code: int, said: str
) -> None:
    done = edged(*command)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


@pytest.mark.parametrize("command", [("calendar", "M1"), ("usage", "M1"), ("ledger",)])
def test_before_rules_are_loaded_nothing_is_told(edged: Edged, command: tuple[str, ...]) -> None:
    done = edged(*command)
    assert (done.code, done.err) == (10, "edged: no rules are loaded\n")


@pytest.mark.usefixtures("busy")
def test_a_faulty_draft_is_refused_with_its_faults(edged: Edged, tmp_path: Path) -> None:
    rules = club.changed("plans", "P1", "early_min", to=-1)
    path = club.write_rules(tmp_path / "faulty.json", rules)
    done = edged("rules", "compare", "active", path)
    assert (done.code, done.out) == (4, "")
    assert "plans.P1.early_min" in done.err


@pytest.mark.usefixtures("state")
def test_what_is_shown_to_people_is_bounded(
    edged: Edged, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.whatif.limits.SHOWN", 2)
    asked = ("--from", "2026-11-16", "--device", "front-in")
    out = edged("rules", "compare", "active", draft, *asked).out.splitlines()
    assert [line.split()[0] for line in out[:2]] == ["lost", "lost"]
    assert out[2].startswith("... and ")
    every = edged("rules", "compare", "active", draft, *asked, "--json").out.splitlines()
    assert len(every) > 4


@pytest.mark.parametrize("looking", [False, True])
def test_progress_leaves_the_output_alone(
    looking: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: looking)
    names = [str(n) for n in range(100)]
    assert list(track(names)) == names
    out, err = capfd.readouterr()
    assert (out, bool(err)) == ("", looking)
