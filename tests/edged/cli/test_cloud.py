from pathlib import Path

import pytest

from edged.cloud.verify_audit import verify
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.store.cosigned import Cosignature
from edged.store.ledger import Ledger
from hil.byzantine.tenant import Tenant, public
from tests.edged.cli.stage import Daemon, Edged, write_journal
from tests.edged.cloud.chain import checkpoint
from tests.edged.fakes import NOON

TENANT = Tenant("acme")
CLOUD = """
[cloud]
host = "broker"
tenant = "acme"
ca_file = "/nowhere/ca"
certificate_file = "/nowhere/crt"
key_file = "/nowhere/key"
"""


@pytest.fixture
def trust(config: Path, tmp_path: Path) -> Path:
    """A trust document, for a device whose settings name a cloud."""
    config.write_text(config.read_text() + CLOUD)
    path = tmp_path / "trust"
    path.write_bytes(TENANT.trust(1, NOON))
    return path


@pytest.fixture
def signed(tmp_path: Path) -> None:
    """A journal of two records, of which the cloud has signed the first."""

    def write(ledger: Ledger) -> None:
        ledger.append({"kind": "note", "occurred_at": "2026-11-04T03:00:00.000Z"})
        _, head = ledger.last()
        mark = checkpoint(1, head.hex(), TENANT.by_role["acks"])
        ledger.cosign(Cosignature(1, head, mark), NOON)
        ledger.append({"kind": "note", "occurred_at": "2026-11-04T03:00:01.000Z"})

    write_journal(tmp_path / "state" / "journal.db", write)


def test_trust_is_pinned_and_shown(edged: Edged, trust: Path) -> None:
    assert (edged("trust", "show").code, edged("trust", "show").out) == (10, "")
    pinned = edged("trust", "pin", trust, "--json")
    assert pinned.code == 0
    assert edged("trust", "show", "--json").data == pinned.data
    again = edged("trust", "pin", trust)
    assert (again.code, again.err) == (15, "edged: a trust document is pinned already\n")
    assert edged("trust", "pin", trust, "--replace").code == 0


@pytest.mark.usefixtures("signed")
def test_verify_says_how_far_the_cloud_has_signed_and_by_whom(edged: Edged, trust: Path) -> None:
    found = edged("audit", "verify", "--json").data
    assert (found["records"], found["cosigned"], found["by"]) == (2, 1, None)
    edged("trust", "pin", trust)
    found = edged("audit", "verify", "--json").data
    assert len(str(found["by"])) == 64


@pytest.mark.usefixtures("config", "signed")
def test_lines_are_exported_with_what_signs_for_them(edged: Edged, tmp_path: Path) -> None:
    lines = tmp_path / "audit.lines"
    assert edged("audit", "export", "--lines", lines).code == 0
    found = verify(lines.read_bytes().splitlines(keepends=True), [public(TENANT.by_role["acks"])])
    assert (found.first, found.last, found.signed) == (1, 2, 1)
    assert edged("audit", "export", "--lines", "-").out == lines.read_text()


@pytest.mark.usefixtures("config", "signed")
@pytest.mark.parametrize("options", [(), ("--csv", "-", "--lines", "-")])
def test_an_export_goes_to_one_place(edged: Edged, options: tuple[str, ...]) -> None:
    assert edged("audit", "export", *options).code == 2


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(("told", "code"), [({"connected": True}, 0), (None, 10)])
def test_the_link_is_asked_for(
    edged: Edged, tmp_path: Path, told: dict[str, object] | None, code: int
) -> None:
    async def status(_: object) -> dict[str, object]:
        return {"link": told}

    handlers: dict[Verb, Handler] = dict.fromkeys(set(Verb) - {Verb.WATCH}, status)
    with Daemon(tmp_path / "control.sock", handlers):
        done = edged("link", "--json")
    assert done.code == code
    if told:
        assert done.data == told
