import base64
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_link.envelope import seal
from edged.commission import acceptance, plan
from edged.commission.acceptance import Acceptance, draw_up, sign, verify
from edged.commission.findings import Finding, Grade
from edged.commission.keeping import Walk
from edged.commission.walk import public_key
from edged.commission.words import Kind, Outcome, Step, Verdict
from edged.errors import NotFound, Untrusted
from edged.settings.model import Settings
from tests.edged.commission.walks import settings
from tests.edged.fakes import NOON

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = KEY.public_key().public_bytes_raw()
LOOKS = [Finding("clock", Grade.OK, "SYNCED by <ntp>")]


@pytest.fixture
def device(tmp_path: Path) -> Settings:
    return settings(tmp_path)


def report(device: Settings, changed: dict[str, Verdict | None]) -> Acceptance:
    """The report of a walk in which all passed but these; None: it was not taken."""
    folder = device.state_dir.parent
    walk = Walk.resume(device.state_dir, folder / "edged.toml", NOON, anew=True)
    steps = plan.steps(device)
    for step in steps:
        verdict = changed.get(step.key, Verdict.PASSED)
        if verdict is not None:
            walk.end(step, Outcome(verdict, f"why <{step.kind}>"), NOON)
    return draw_up(device, walk, steps, LOOKS, "ichi")


@pytest.mark.parametrize(
    ("changed", "accepted"),
    [
        ({}, True),
        ({"power_cut/S1-FRONT": Verdict.SKIPPED}, True),
        ({"lock/front": Verdict.FAILED}, False),
        ({"lock/front": None}, False),
        ({"way_out_frozen/yard": Verdict.SKIPPED}, False),
        ({"way_out_dark/front": Verdict.SKIPPED}, False),
    ],
)
def test_a_device_is_accepted_when_nothing_failed_and_every_way_out_was_proven(
    device: Settings, changed: dict[str, Verdict | None], accepted: bool
) -> None:
    made = report(device, changed)
    assert made.accepted is accepted
    assert made.missing == [key for key, verdict in changed.items() if verdict is None]


def test_a_report_is_read_back_as_it_was_signed(device: Settings) -> None:
    made = report(device, {"lock/front": Verdict.FAILED})
    signed = sign(made, KEY)
    assert verify(signed.envelope, OURS) == made


def test_a_report_that_was_changed_or_that_another_signed_is_refused(device: Settings) -> None:
    signed = sign(report(device, {"lock/front": Verdict.FAILED}), KEY)
    envelope = json.loads(signed.envelope)
    payload = base64.b64decode(envelope["payload"])
    better = payload.replace(b'"accepted": false', b'"accepted": true')
    assert better != payload
    envelope["payload"] = base64.b64encode(better).decode()
    other = Ed25519PrivateKey.generate()
    for data, key in [
        (json.dumps(envelope).encode(), OURS),
        (signed.envelope, other.public_key().public_bytes_raw()),
        (seal("trust", payload, KEY), OURS),
        (seal(acceptance.KIND, b"{}", KEY), OURS),
        (signed.envelope[:-10], OURS),
        (b"\xff", OURS),
        (signed.envelope, b"no key"),
    ]:
        with pytest.raises(Untrusted):
            verify(data, key)


def test_the_page_says_all_and_nothing_in_it_is_markup(device: Settings) -> None:
    signed = sign(report(device, {"lock/front": Verdict.FAILED, "reader/desk": None}), KEY)
    assert "Not accepted" in signed.page
    assert "this guards nothing" in signed.page  # it is simulated
    assert "why &lt;lock&gt;" in signed.page
    assert "reader/desk" in signed.page
    assert "SYNCED by &lt;ntp&gt;" in signed.page
    assert acceptance.fingerprint(signed.envelope) in signed.page
    assert "<script" not in signed.page
    assert "http" not in signed.page


def test_a_public_key_is_this_devices_or_the_one_that_is_told(device: Settings) -> None:
    for spelt in (OURS.hex(), base64.b64encode(OURS).decode()):
        assert public_key(spelt, None) == OURS
    with pytest.raises(Untrusted):
        public_key(OURS.hex()[:-2], None)
    with pytest.raises(NotFound):
        public_key(None, device.state_dir)
    assert not device.state_dir.exists()  # asking makes none


def test_a_walk_goes_on_with_the_same_settings_only(device: Settings, tmp_path: Path) -> None:
    config, step = tmp_path / "edged.toml", Step(Kind.LOCK, "front")
    walk = Walk.resume(device.state_dir, config, NOON, anew=False)
    walk.end(step, Outcome(Verdict.PASSED, "its bolt moved"), NOON)
    walk.note_boot("boot-1")
    again = Walk.resume(device.state_dir, config, NOON, anew=False)
    assert (again.done[step].why, again.boot) == ("its bolt moved", "boot-1")
    assert Walk.resume(device.state_dir, config, NOON, anew=True).done == {}
    config.write_text(config.read_text() + "# moved a wire\n")
    changed = Walk.resume(device.state_dir, config, NOON, anew=False)
    assert (changed.done, changed.boot) == ({}, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what is not its own")
def test_what_root_keeps_is_the_daemons(device: Settings, tmp_path: Path) -> None:
    device.state_dir.mkdir()
    os.chown(device.state_dir, 4_321, 4_321)
    walk = Walk.resume(device.state_dir, tmp_path / "edged.toml", NOON, anew=False)
    walk.keep()
    assert {path.stat().st_uid for path in (walk.path, walk.path.parent)} == {4_321}


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"format": 3}', b"[" * 100_000])
def test_a_file_that_is_no_walk_is_none_to_go_on_with(
    device: Settings, tmp_path: Path, data: bytes
) -> None:
    walk = Walk.resume(device.state_dir, tmp_path / "edged.toml", NOON, anew=False)
    walk.keep()
    walk.path.write_bytes(data)
    assert Walk.resume(device.state_dir, tmp_path / "edged.toml", NOON, anew=False).done == {}
