import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from edged.cli.show import facts, tree
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.rulebook import load as rules_load
from edged.store.ledger import Ledger
from edged.store.state_dir import claim
from policy.model import UsageKey
from tests.edged.cli.stage import RULES, Daemon, Edged, write_journal

pytestmark = pytest.mark.usefixtures("config")

MONDAY = "2026-01-05"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def loaded(config: Path, edged: Edged, rules: Path) -> None:
    """The rules are active."""
    assert config.exists()
    assert edged("rules", "load", rules).code == 0


@pytest.fixture
def journal(state: Path) -> Path:
    """Three passages of M1 to M3, and one use of the contract C1."""

    def passage(number: int) -> Mapping[str, str]:
        at = f"{MONDAY}T03:0{number}:00.000Z"
        return {"kind": "passage", "occurred_at": at, "decision": "DENY", "member": f"M{number}"}

    def use(ledger: Ledger) -> None:
        ledger.add_key(UsageKey("C1", "DAY", date(2026, 1, 3)), "event-1")

    path = state / "journal.db"
    write_journal(path, *(lambda ledger, n=n: ledger.append(passage(n)) for n in (1, 2, 3)), use)
    return path


def change(rules: Path, **values: object) -> None:
    """Give a rules file other values."""
    rules.write_text(json.dumps({**RULES, **values}))


def test_check_config_says_what_is_wired(edged: Edged) -> None:
    assert edged("check-config", "--json").data == {
        "device": "S1-FRONT",
        "simulated": True,
        "doors": {"front": ["front-in"]},
        "lockers": {},
    }
    assert edged("check-config").out.startswith("device: S1-FRONT\nsimulated: yes\n")


def test_check_config_names_every_fault_in_its_line(edged: Edged, config: Path) -> None:
    config.write_text(config.read_text().replace('type = "strike"', 'colour = "red"'))
    done = edged("check-config")
    assert (done.code, done.out) == (3, "")
    assert sorted(done.err.splitlines()) == [
        f"edged: {config}: doors.front.colour: is not a setting",
        f"edged: {config}: doors.front.type: is missing",
    ]


def test_check_config_refuses_a_magnet_that_only_software_lets_go(
    edged: Edged, config: Path
) -> None:
    config.write_text(config.read_text().replace('type = "strike"', 'type = "magnet"'))
    done = edged("check-config")
    assert (done.code, done.out) == (3, "")
    assert "doors.front.egress: a magnet needs a way out that needs no software" in done.err


def test_an_option_comes_before_the_environment(edged: Edged, tmp_path: Path) -> None:
    done = edged("check-config", "--config", tmp_path / "other.toml")
    assert done.code == 3
    assert "other.toml" in done.err


def test_rules_check_says_what_a_file_holds(edged: Edged, rules: Path) -> None:
    found = edged("rules", "check", rules, "--json").data
    assert (found["version"], found["members"], found["plans"]) == (3, 1, ["P1"])


def test_rules_check_names_every_fault_in_its_line(edged: Edged, rules: Path) -> None:
    change(rules, tenant="", plans={"P1": {"bands": [{"kind": "NIGHT"}], "early_min": -1}})
    done = edged("rules", "check", rules)
    lines = done.err.splitlines()
    assert (done.code, done.out) == (4, "")
    assert len(lines) > 1
    assert all(line.startswith(f"edged: {rules}: ") for line in lines)
    assert any("plans.P1.early_min" in line for line in lines)


def test_a_missing_rules_file_is_not_found(edged: Edged, tmp_path: Path) -> None:
    done = edged("rules", "check", tmp_path / "none.json")
    assert (done.code, done.err) == (
        10,
        f"edged: {tmp_path}/none.json: No such file or directory\n",
    )


@pytest.mark.usefixtures("loaded")
def test_loaded_rules_are_shown(edged: Edged) -> None:
    found = edged("rules", "show", "--json").data
    assert (found["tenant"], found["version"]) == ("acme", 3)
    assert found["devices"] == ["front-in", "front-out"]


def test_before_rules_are_loaded_there_are_none(edged: Edged) -> None:
    done = edged("rules", "show")
    assert (done.code, done.err) == (10, "edged: no rules are loaded\n")


@pytest.mark.usefixtures("loaded")
def test_older_rules_are_refused(edged: Edged, rules: Path) -> None:
    change(rules, version=2)
    done = edged("rules", "load", rules)
    assert (done.code, done.err.count("\n")) == (4, 1)
    assert edged("rules", "show", "--json").data["version"] == 3


def test_faulty_rules_are_not_loaded(edged: Edged, rules: Path) -> None:
    rules.write_text("{")
    assert edged("rules", "load", rules).code == 4
    assert edged("rules", "show").code == 10


def test_rules_are_not_loaded_beside_somebody_who_does_not_answer(
    edged: Edged, rules: Path, state: Path
) -> None:
    with claim(state):
        done = edged("rules", "load", rules)
    assert done.code == 6
    assert str(state) in done.err


def test_a_running_daemon_loads_the_rules(
    edged: Edged, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def load(arguments: Mapping[str, object]) -> Mapping[str, object]:
        if arguments != {"path": str(rules)}:
            raise FileNotFoundError(2, "No such file or directory", str(arguments["path"]))
        return {"version": 7, "fingerprint": "ab", "members": 2}

    monkeypatch.chdir(tmp_path)
    with daemon(tmp_path, rules_load=load):
        done = edged("rules", "load", "rules.json", "--json")
        assert done.data == {"version": 7, "fingerprint": "ab", "members": 2}
        refused = edged("rules", "load", "/none.json")
    assert (refused.code, refused.err) == (10, "edged: /none.json: No such file or directory\n")
    assert edged("rules", "show").code == 10


async def never(_: Mapping[str, object]) -> Mapping[str, object]:
    raise AssertionError("nobody asks for this here")


def daemon(folder: Path, **answers: Handler) -> Daemon:
    """A daemon with these handlers, by verb."""
    return Daemon(folder / "control.sock", {verb: answers.get(verb, never) for verb in Verb})


def test_status_is_what_the_daemon_says(edged: Edged, tmp_path: Path) -> None:
    said = {"device": "S1-FRONT", "alarms": [{"source": "front", "alarm": "FORCED"}], "rules": None}

    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        return said

    with daemon(tmp_path, status=status):
        assert edged("status", "--json").data == said
        assert edged("status").out == (
            "device: S1-FRONT\nalarms:\n  - source=front alarm=FORCED\nrules: -\n"
        )


@pytest.mark.parametrize("command", ["status", "watch"])
def test_without_a_daemon_there_is_nothing_to_ask(edged: Edged, command: str) -> None:
    done = edged(command)
    assert (done.code, done.out) == (9, "")
    assert done.err.startswith("edged: the daemon does not answer at ")


@pytest.mark.parametrize("as_json", [False, True])
def test_watch_shows_what_happens_until_it_is_interrupted(tmp_path: Path, as_json: bool) -> None:
    # Whoever runs the tests in the background ignores this signal, and so would their children.
    heeds = ["env", "--default-signal=INT"]
    command = [*heeds, sys.executable, "-c", "from edged.cli import main; main()", "watch"]
    with (
        daemon(tmp_path) as told,
        subprocess.Popen(
            command + ["--json"] * as_json,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watch,
    ):
        told.tell({"event": "decided", "device": "front-in", "decision": "ALLOW", "via": None})
        assert watch.stdout is not None
        line = watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=60)
    if as_json:
        assert json.loads(line)["event"]["device"] == "front-in"
    else:
        assert line[8:] == " decided      device=front-in decision=ALLOW\n"
    assert (watch.returncode, err) == (0, "")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("who", "at", "decision", "reason"),
    [
        ("M1", f"{MONDAY}T12:00", "ALLOW", "OK"),
        ("M1", f"{MONDAY}T03:00Z", "ALLOW", "OK"),
        ("M1", f"{MONDAY}T12:00+09:00", "ALLOW", "OK"),
        ("M1", f"{MONDAY}T12:00+00:00", "DENY", "OUT_OF_BAND"),
        ("0102030405060708", f"{MONDAY}T18:00", "DENY", "OUT_OF_BAND"),
        ("M1", "2025-12-31T12:00", "DENY", "CONTRACT_NOT_STARTED"),
    ],
)
def test_why_decides_as_the_door_would(
    edged: Edged, who: str, at: str, decision: str, reason: str
) -> None:
    found = edged("why", who, "--at", at, "--door", "front-in", "--json").data
    assert (found["decision"], found["reason"]) == (decision, reason)
    assert found["checks"][0] == {
        "check": "device_enabled",
        "passed": True,
        "facts": {},
    }


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("who", ["W1", "1112131415161718"])
@pytest.mark.parametrize(
    ("at", "door", "told"),
    [
        (f"{MONDAY}T00:00", "front-in", "ALLOW STAFF"),
        ("2026-01-04T23:59", "front-in", "DENY STAFF_UNKNOWN"),
        ("2026-01-04T23:59", "front-out", "ALLOW OK_WITH_WARNING"),
    ],
)
def test_why_knows_staff_too(edged: Edged, who: str, at: str, door: str, told: str) -> None:
    first, *lines = edged("why", who, "--at", at, "--door", door).out.splitlines()
    assert first == f"{door} at {at}:00+09:00: {told}"
    checks = [line.split()[:2] for line in lines]
    allowed = told == "ALLOW STAFF"
    assert (["yes", "staff_role"] in checks) is allowed
    assert (["NO", "staff_in_force"] in checks) is not allowed


@pytest.mark.usefixtures("loaded", "journal")
def test_why_knows_what_was_used(edged: Edged) -> None:
    done = edged("why", "M1", "--at", f"{MONDAY}T12:00", "--door", "front-in")
    assert done.out.splitlines()[0] == (
        "front-in at 2026-01-05T12:00:00+09:00: DENY QUOTA_EXHAUSTED"
    )
    assert (
        "  NO  quota                contract=C1 plan=P1 band=DAY date=2026-01-05 counted=1 limit=1"
        in done.out
    )


@pytest.mark.usefixtures("loaded", "journal")
@pytest.mark.parametrize("where", [["--door", "front"], []])
def test_why_answers_for_each_device(edged: Edged, where: list[str]) -> None:
    lines = edged("why", "M1", "--json", *where).out.splitlines()
    assert [json.loads(line)["device"] for line in lines] == ["front-in", "front-out"]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["M9"], 10, "edged: member M9: "),
        (["00" * 8], 10, "edged: member 0000000000000000: "),
        (["M\x1b[2J"], 10, "edged: member M\\x1b[2J: "),
        (["M1", "--door", "side"], 10, "edged: device or door side: "),
        (["M1", "--at", "tomorrow"], 2, "--at"),
        (["M1", "--at", "0001-01-01T00:00"], 2, "--at"),
        (["M1", "--at", "9999-12-31T23:59-12:00"], 2, "--at"),
    ],
)
def test_why_says_what_it_does_not_know(
    edged: Edged, arguments: list[str], code: int, text: str
) -> None:
    done = edged("why", *arguments)
    assert (done.code, done.out) == (code, "")
    assert text in done.err


def test_why_needs_rules(edged: Edged) -> None:
    assert edged("why", "M1").err == "edged: no rules are loaded\n"


@pytest.mark.usefixtures("journal")
def test_audit_show_gives_the_newest(edged: Edged) -> None:
    lines = edged("audit", "show", "--count", "2", "--json").out.splitlines()
    assert [json.loads(line)["member"] for line in lines] == ["M2", "M3"]
    assert edged("audit", "show", "--count", "1").out == (
        "     3 2026-01-05T03:03:00.000Z passage      decision=DENY member=M3\n"
    )
    assert len(edged("audit", "show").out.splitlines()) == 3


@pytest.mark.usefixtures("journal")
def test_audit_verify_says_how_many(edged: Edged) -> None:
    found = edged("audit", "verify", "--json").data
    assert found["records"] == 3
    assert len(found["head"]) == 64


def test_audit_verify_names_what_was_changed(edged: Edged, journal: Path) -> None:
    journal.write_bytes(journal.read_bytes().replace(b'"member":"M2"', b'"member":"M7"'))
    wal = journal.with_name("journal.db-wal")
    if wal.exists():
        wal.write_bytes(wal.read_bytes().replace(b'"member":"M2"', b'"member":"M7"'))
    done = edged("audit", "verify")
    assert (done.code, done.out) == (11, "")
    assert done.err.startswith("edged: audit broken: record 2: ")


@pytest.mark.usefixtures("journal")
def test_audit_export_writes_a_table(edged: Edged, tmp_path: Path) -> None:
    out = edged("audit", "export", "--csv", "-").out
    assert [row["member"] for row in csv.DictReader(io.StringIO(out))] == ["M1", "M2", "M3"]
    assert edged("audit", "export", "--csv", tmp_path / "audit.csv").code == 0
    assert (tmp_path / "audit.csv").read_bytes().decode() == out


@pytest.mark.parametrize("command", [["show"], ["verify"], ["export", "--csv", "-"]])
def test_before_the_first_start_there_is_no_audit(edged: Edged, command: list[str]) -> None:
    done = edged("audit", *command)
    assert (done.code, done.out) == (10, "")
    assert done.err.endswith("there is no journal yet\n")


def test_a_damaged_journal_is_a_storage_failure(edged: Edged, journal: Path) -> None:
    journal.write_bytes(b"x" * 4096)
    done = edged("audit", "verify")
    assert (done.code, done.err.count("\n")) == (8, 1)


def test_run_says_which_device_is_missing(edged: Edged) -> None:
    done = edged("run")
    assert done.code == 5
    assert done.err.splitlines()[-1].startswith("edged: device front.lock: ")


def test_run_needs_right_settings(edged: Edged, config: Path) -> None:
    config.write_text("device = 1")
    assert edged("run").code == 3


@pytest.mark.threat("A10")
def test_people_see_no_control_characters() -> None:
    data = {"na\nme": ["\x1b[2J", {"a\r": "\u202e"}], "inner": {"\x07": None}}
    assert all(line.isprintable() for line in tree(data))
    assert facts({"a": None, "b": [], "c": 0, "d": False}) == "c=0 d=no"


def test_loading_rules_again_changes_nothing(rules: Path, tmp_path: Path) -> None:
    assert rules_load.load(rules, tmp_path) == rules_load.load(rules, tmp_path)
