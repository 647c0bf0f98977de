import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from cloud_link.enrol import Certified, Claimed, KeyMade, Proven, Slot
from edged.commission import probes
from edged.commission.doctor import CHECKS, examine
from edged.commission.findings import Finding, Grade
from edged.console.serve import keep_certificate
from edged.control.client import daemon_pid
from edged.control.wire import Verb
from edged.identity.slots import Slots
from edged.installation import PEPPER
from edged.store.ledger import Ledger
from hil.byzantine.pki import Authority
from tests.edged.cli.stage import SETTINGS, Daemon, write_journal

STATUS: Mapping[str, object] = {
    "rules": {"version": 3},
    "faults": [],
    "clock": {"state": "SYNCED", "source": "ntp", "error_s": 0.5},
    "devices": {"front.lock": "open"},
    "alarms": [],
    "link": None,
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device whose journal holds one record; its daemon does not run."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "edged.toml"
    path.write_text(SETTINGS.format(folder=tmp_path))
    path.chmod(0o644)
    (tmp_path / "state").mkdir(mode=0o700)
    write_journal(tmp_path / "state/journal.db", _note)
    return path


def _note(ledger: Ledger) -> None:
    ledger.append({"kind": "started", "occurred_at": "2026-01-05T03:00:00.000Z"})


def daemon(folder: Path, **changes: object) -> Daemon:
    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        return {**STATUS, **changes}

    async def readiness(_: Mapping[str, object]) -> Mapping[str, object]:
        return {"members": 4, "all_members": 5, "until": "later", "stale": False}

    rest = dict.fromkeys(set(Verb) - {Verb.WATCH}, status)
    return Daemon(folder / "control.sock", rest | {Verb.READINESS: readiness})


def found(config: Path) -> dict[str, list[Finding]]:
    by_check: dict[str, list[Finding]] = {}
    for one in examine(config, root=config.parent / "no-computer"):
        by_check.setdefault(one.check, []).append(one)
    return by_check


def grade(config: Path, check: str) -> Grade:
    (one,) = found(config)[check]
    return one.grade


def test_a_device_that_is_well_has_no_failure(config: Path, tmp_path: Path) -> None:
    with daemon(tmp_path):
        every = found(config)
    assert {name for name, ones in every.items() if ones[0].grade is Grade.FAIL} == set()
    assert every["settings"][0].grade is Grade.WARN  # a simulated device says so loudly
    assert "fsync p50" in every["disk_time"][0].said
    assert every["journal"][0].said.startswith("1 records follow each other")


def test_a_silent_daemon_hides_nothing_that_can_be_seen_without_it(config: Path) -> None:
    every = found(config)
    silent = {name for name, ones in every.items() if "does not answer" in ones[0].said}
    assert silent == {"rules", "clock", "devices", "alarms"}
    assert {every[name][0].grade for name in silent} == {Grade.FAIL}
    assert every.keys() >= CHECKS.keys() - {"disk", "link"} | {"disk_space", "disk_time"}


def test_settings_with_faults_are_all_that_is_looked_at(config: Path) -> None:
    config.write_text("device = 3")
    assert set(found(config)) == {"settings"}
    assert {one.grade for one in found(config)["settings"]} == {Grade.FAIL}


def test_a_journal_that_was_changed_fails(config: Path, tmp_path: Path) -> None:
    journal = tmp_path / "state/journal.db"
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        db.execute("UPDATE audit SET record = CAST(replace(record, '2026', '2027') AS BLOB)")
    assert grade(config, "journal") is Grade.FAIL


def test_a_journal_that_is_no_database_is_a_finding_and_no_crash(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "state/journal.db").write_bytes(b"x" * 10_000)
    assert grade(config, "journal") is Grade.FAIL
    assert grade(config, "packages") is Grade.OK


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_settings_that_others_may_write_fail(config: Path, mode: int) -> None:
    assert grade(config, "files") is Grade.OK
    config.chmod(mode)
    (one,) = found(config)["files"]
    assert (one.grade, str(config) in one.said) == (Grade.FAIL, True)


def test_a_key_that_everybody_may_read_fails(config: Path, tmp_path: Path) -> None:
    key = tmp_path / "state/cloud/device-key.pem"
    key.parent.mkdir(mode=0o700)
    key.touch(mode=0o600)
    assert grade(config, "files") is Grade.OK
    key.chmod(0o604)
    assert grade(config, "files") is Grade.FAIL


def test_a_secret_of_the_system_is_looked_at_and_enough(config: Path, tmp_path: Path) -> None:
    assert grade(config, "secrets") is Grade.WARN
    pepper = tmp_path / "no-computer" / PEPPER
    pepper.parent.mkdir(parents=True, mode=0o700)
    pepper.touch(mode=0o600)
    assert (grade(config, "secrets"), grade(config, "files")) == (Grade.OK, Grade.OK)
    pepper.chmod(0o644)
    assert grade(config, "files") is Grade.FAIL


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Something at a port that shakes hands with whoever the authority knows, as a broker does."""
    authority = Authority(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*authority.issue("broker", ["127.0.0.1"]))
    authority.issue("S1-FRONT")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    plain, _ = listening.accept()
                    with suppress(OSError), context.wrap_socket(plain, server_side=True) as peer:
                        peer.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_broker_is_shaken_hands_with_and_its_certificate_counted(
    config: Path, tmp_path: Path
) -> None:
    with broker(tmp_path) as port:
        table = (
            f'[cloud]\nhost = "127.0.0.1"\nport = {port}\ntenant = "acme"\n'
            f'ca_file = "{tmp_path}/ca.crt"\ncertificate_file = "{tmp_path}/S1-FRONT.crt"\n'
            f'key_file = "{tmp_path}/S1-FRONT.key"\n'
        )
        config.write_text(config.read_text() + table)
        (tmp_path / "S1-FRONT.key").chmod(0o600)
        every = found(config)
        assert "answers; its certificate" in every["broker"][0].said
        assert {one.check for one in every["broker"]} == {"broker"}
        assert "this device's certificate" in every["certificate"][0].said
        (tmp_path / "stranger").mkdir()
        for file in Authority(tmp_path / "stranger").issue("S1-FRONT"):
            file.rename(tmp_path / file.name)
        assert "answers" not in found(config)["broker"][0].said  # we are not known there
    assert found(config)["broker"][0].grade is Grade.WARN  # nobody is there


def test_a_device_that_enrols_is_looked_at_by_what_it_got(config: Path, tmp_path: Path) -> None:
    with broker(tmp_path) as port:
        cloud = f'[cloud]\nhost = "127.0.0.1"\nport = {port}\ntenant = "acme"\n'
        config.write_text(f'{config.read_text()}{cloud}ca_file = "{tmp_path}/ca.crt"\n')
        (none,) = found(config)["certificate"]
        assert (none.grade, "edged provision" in none.todo) == (Grade.WARN, True)
        slots = Slots(tmp_path / "state")
        request, mine = "a" * 32, Slot.A
        for event in (Claimed(request), KeyMade(), Certified(request), Proven(mine)):
            if isinstance(event, Certified):
                slots.make_key(mine)
                for file, place in (("crt", slots.certificate_file), ("key", slots.key_file)):
                    shutil.copy(tmp_path / f"S1-FRONT.{file}", place(mine))
            slots.take(slots.load(), event)
        assert "answers; its certificate" in found(config)["broker"][0].said


def test_an_identity_that_is_damaged_is_a_finding_and_no_crash(
    config: Path, tmp_path: Path
) -> None:
    cloud = '[cloud]\nhost = "127.0.0.1"\nport = 1\ntenant = "acme"\n'
    config.write_text(f'{config.read_text()}{cloud}ca_file = "{tmp_path}/ca.crt"\n')
    identity = tmp_path / "state/cloud/identity/identity.json"
    identity.parent.mkdir(parents=True, mode=0o700)
    identity.write_bytes(b"{")
    every = found(config)
    assert every["broker"][0].grade is Grade.FAIL
    assert "edged provision" in every["broker"][0].said
    assert every["packages"][0].grade is Grade.OK


def test_a_keeper_that_does_not_run_fails_where_something_stands_on_a_line(
    config: Path, tmp_path: Path
) -> None:
    with daemon(tmp_path):
        assert grade(config, "line_keeper") is Grade.OK
        lock = f'lock = {{ kind = "sim", socket = "{tmp_path}/building.sock", door = "front" }}'
        told = config.read_text()
        assert lock in told
        config.write_text(told.replace(lock, 'lock = { kind = "gpio", line = 17 }'))
        assert grade(config, "line_keeper") is Grade.FAIL
        command = [sys.executable, "-c", "input()", "-m", "drivers.line_keeper"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as keeper:
            assert grade(config, "line_keeper") is Grade.OK
            keeper.kill()


def test_a_console_that_listens_says_for_how_long_its_certificate_is_good(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "console"
    folder.mkdir()
    keep_certificate(folder, "S1-FRONT")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        table = f'[console]\nport = {port}\nfolder = "{folder}"\n'
        config.write_text(config.read_text() + table)
        (one,) = found(config)["console"]
    assert (one.grade, "more days" in one.said) == (Grade.OK, True)
    assert grade(config, "console") is Grade.WARN  # nobody listens any more


def test_the_daemon_is_known_by_the_kernels_word(config: Path, tmp_path: Path) -> None:
    assert config.exists()
    with daemon(tmp_path):
        assert daemon_pid(tmp_path / "control.sock") == os.getpid()


def test_a_child_is_known_by_its_command() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        while "sleep\x0060\x00" not in probes.children(os.getpid()):
            assert child.poll() is None  # its line is empty for a moment, as it begins
        assert list(probes.children(child.pid)) == []
        child.kill()
