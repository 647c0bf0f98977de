"""The command line as a person meets it: exit statuses, plain text, certificates, notices."""

import json
import subprocess
import sys
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from hil.cloud import limits, usage
from hil.cloud.__main__ import app
from hil.cloud.feed import Feed
from hil.cloud.folder import FolderFault, load
from hil.cloud.lessons import Refused
from hil.cloud.news import News
from hil.cloud.notices import Notices
from hil.cloud.spelling import now
from tests.hil.cloud.world import TENANT, Office


def program(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hil.cloud", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_can_not_be_is_status_2_and_a_line(tmp_path: Path) -> None:
    done = program("device", "list", "--folder", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path}/cloud.toml: ")
    assert len(done.stderr.splitlines()) == 1


def test_what_did_not_come_about_is_status_1(office: Office) -> None:
    done = program("usage", "withdraw", "nothing", "--folder", str(office.folder))
    assert (done.returncode, done.stderr) == (1, "nothing: no entry has it\n")


def test_people_get_a_table(office: Office) -> None:
    office.enter("d1")
    done = CliRunner().invoke(app, ["device", "list", "--folder", str(office.folder)])
    assert done.stdout == (
        "device  enabled  link  seen_at  alarms  serial  fingerprint\n"
        "d1      true     -     -        ABSENT  -       -\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('tenant = "acme"', 'tenant = "a/b"', "tenant: "),
        ("port = 8883", 'port = "x"', "broker.port: "),
        ("shared = true", "shred = true", "broker.shred: "),
        ("[notices]", "[notices", "cloud.toml: "),
    ],
)
def test_a_wrong_setting_is_named(office: Office, old: str, new: str, told: str) -> None:
    office.change(old, new)
    with pytest.raises(FolderFault, match=told):
        load(office.folder)


def test_one_worker_where_nothing_is_shared(office: Office) -> None:
    office.change("shared = true", "shared = false")
    words = ["serve", "--folder", str(office.folder), "--workers", "2"]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, FolderFault)


def test_certificates_say_whose_they_are(tmp_path: Path) -> None:
    words = ["pki", str(tmp_path), "--host", "127.0.0.1", "--host", "broker.example"]
    done = CliRunner().invoke(app, [*words, "--device", "d1", "--workers", "1"])
    assert done.exception is None
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for name in ("broker", "cloud-1", "d1"):
        found = x509.load_pem_x509_certificate((tmp_path / f"{name}.crt").read_bytes())
        found.verify_directly_issued_by(authority)
        (common,) = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert common.value == name
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o777 == 0o600
    done = CliRunner().invoke(app, ["pki", str(tmp_path), "--device", "ca"])
    assert isinstance(done.exception, ValueError)


class Hook(BaseHTTPRequestHandler):
    """Takes notices."""

    told: list[dict[str, str]]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.told.append(json.loads(self.rfile.read(size)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_refusal_is_posted_and_a_deaf_url_is_counted() -> None:
    Hook.told = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    serving = Thread(target=server.serve_forever)
    serving.start()
    notices = Notices(None, f"http://127.0.0.1:{server.server_port}/")
    refused = Refused("e1", "front", "2026", "M1", "OUT_OF_BAND")
    notices.tell([("d1", refused)] * (limits.NOTICES + 3))
    assert notices.dropped == 3
    notices._post(notices._waiting.popleft())
    server.shutdown()
    server.server_close()
    serving.join()
    notices._post(notices._waiting.popleft())
    assert [told["reason"] for told in Hook.told] == ["OUT_OF_BAND"]
    assert notices.dropped == 4


def test_a_large_chain_hears_of_use_less_often(office: Office) -> None:
    device = office.enter("d1")
    office.tell(device, device.report(now()))
    news, at = News(0, 1), now()

    def kinds(later_s: float) -> list[str]:
        with office.database_open() as db:
            feed = Feed(db, TENANT, office.desk().keys(db, at))
            return [each.kind for each in news.changes(feed, at + timedelta(seconds=later_s))]

    def use() -> None:
        with office.database_open() as db:
            usage.add_by_hand(db, "C1", "2026-11-01", "DAY", "")

    assert kinds(0) == []
    use()
    assert kinds(0) == ["usage"]
    use()
    assert kinds(0.5 / limits.USAGE_PER_S) == []
    assert kinds(1.5 / limits.USAGE_PER_S) == ["usage"]
    assert kinds(9) == []
