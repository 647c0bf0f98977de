"""From a code to a released bolt: the wheel as a subprocess, the building as the witness."""

import json
from pathlib import Path

import pytest

from edged.store.audit import Verified, verify
from hil.issuer.qr import png
from hil.issuer.tamper import forged
from hil.people import Refused
from hil.site.site import Site
from tests.e2e.scene import SOON_S, Ears, bolt, journal, let_through, present, records, wheel_site

pytestmark = pytest.mark.e2e

GREEN, NOT_GREEN = "green", {"amber", "red"}


async def test_the_daemon_is_the_wheel_and_not_the_checkout(site: Site, installed: Path) -> None:
    code, out, _ = await site.run_edged("--help")
    assert code == 0
    assert "rules" in out
    assert str(installed) in site.env["PYTHONPATH"]


async def test_an_entry_is_recorded_and_counted_once_a_day(site: Site) -> None:
    async with site, site.people() as people:
        for _ in range(2):
            feedback = await let_through(people, "front", "front-in", site.code("aiko"))
            assert feedback["light"] == GREEN
    passages = [record for record in records(site) if record["kind"] == "passage"]
    assert [record["decision"] for record in passages] == ["ALLOW", "ALLOW"]
    assert [record["delta"] for record in passages] == [1, 0]
    assert isinstance(verify(journal(site)), Verified)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("boram", "OUT_OF_BAND"), ("dan", "MEMBER_SUSPENDED")],
)
async def test_a_refusal_moves_nothing_and_says_why(site: Site, name: str, reason: str) -> None:
    async with site, site.people() as people:
        feedback = await present(people, "front-in", site.code(name))
        assert feedback["light"] in NOT_GREEN
        assert len(feedback["lines"]) == 3
    passages = [record for record in records(site) if record["kind"] == "passage"]
    assert [record["reason"] for record in passages] == [reason]
    assert not any(bolt("front", released=True)(seen) for seen in people.seen)


async def test_a_used_up_count_refuses_until_the_rules_raise_it(site: Site) -> None:
    site.rules["plans"]["DAY8"]["bands"][0]["limit"] = 0
    async with site, site.people() as people:
        assert (await present(people, "front-in", site.code("aiko")))["light"] in NOT_GREEN
        site.rules["plans"]["DAY8"]["bands"][0]["limit"] = 8
        site.rules["version"] += 1
        site.write()
        await site.load_rules()
        await let_through(people, "front", "front-in", site.code("aiko"))
    reasons = [record["reason"] for record in records(site) if record["kind"] == "passage"]
    assert reasons == ["QUOTA_EXHAUSTED", "OK"]


@pytest.mark.threat("A1", "G9")
async def test_forged_and_foreign_codes_are_counted_and_never_kept(site: Site) -> None:
    text = forged(site.code("aiko"), offset=-1)
    async with site, site.people() as people:
        for code in (text, "hello", "M1:" + "0" * 125):
            assert (await present(people, "front-in", code))["light"] in NOT_GREEN
        assert not any(bolt("front", released=True)(seen) for seen in people.seen)
    sums = [record["counts"] for record in records(site) if record["kind"] == "refused"]
    total = {key: sum(one.get(key, 0) for one in sums) for one in sums for key in one}
    assert total == {
        "CODE_BAD_SIGNATURE": 1,
        "CODE_UNREADABLE": 1,
        "CODE_UNKNOWN_KEY": 1,
    }
    kept = b"".join(path.read_bytes() for path in site.folder.rglob("*") if path.is_file())
    assert text.encode() not in kept


async def test_leaving_always_unlocks_and_closes_the_visit(site: Site) -> None:
    async with site, site.people() as people:
        await let_through(people, "front", "front-in", site.code("aiko"))
        await let_through(people, "front", "front-out", site.code("aiko"))
        await let_through(people, "front", "front-out", site.code("dan"))
    leaving = [record for record in records(site) if record.get("side") == "OUT"]
    assert [record["reason"] for record in leaving] == ["OK", "OK_WITH_WARNING"]
    assert "EXIT_SUSPENDED" in leaving[1]["warnings"]


async def test_the_exit_button_opens_and_an_opened_door_relocks(site: Site) -> None:
    site.rules["doors"]["front"]["pulse_ms"] = 20_000
    async with site, site.people() as people:
        before = people.last
        await people.press("front")
        released = await people.wait_for(bolt("front", released=True), SOON_S, after=before)
        await people.open("front")
        thrown = await people.wait_for(bolt("front", released=False), SOON_S, after=released["n"])
        assert thrown["at_ms"] - released["at_ms"] < 15_000, "it waited for the pulse's end"
        await people.close("front")
        with pytest.raises(Refused, match="locked"):
            await people.open("front")
    kinds = [record["kind"] for record in records(site)]
    assert kinds.count("exit_button") == 1
    assert [r["outcome"] for r in records(site) if r["kind"] == "outcome"] == ["DOOR_OPENED"]


async def test_a_forced_door_is_an_alarm_until_it_is_closed(site: Site) -> None:
    site.rules["doors"]["front"]["forced_min_s"] = 0
    async with site, site.people() as people, Ears.at(site) as ears:
        await people.force("front")
        await ears.hear(alarm="DOOR_FORCED", raised=True)
        await people.close("front")
        await ears.hear(alarm="DOOR_FORCED", raised=False)
    alarms = [(r["alarm"], r["raised"]) for r in records(site) if r["kind"] == "alarm"]
    assert alarms == [("DOOR_FORCED", True), ("DOOR_FORCED", False)]


@pytest.mark.fault("relay-stuck")
async def test_a_relay_board_ends_its_own_pulse(site: Site) -> None:
    async with site, site.people() as people:
        before = people.last
        await present(people, "studio-in", site.code("eun"))
        released = await people.wait_for(bolt("studio", released=True), SOON_S, after=before)
        site.daemon.kill()
        await people.wait_for(bolt("studio", released=False), SOON_S, after=released["n"])


async def test_a_picture_before_the_camera_opens(installed: Path, folder: Path) -> None:
    site = wheel_site(installed, folder, camera=True)
    async with site, site.people() as people:
        before = people.last
        await people.show("studio-cam", png(site.code("eun")), 4_000)
        await people.wait_for(bolt("studio", released=True), SOON_S, after=before)
    passages = [record for record in records(site) if record["kind"] == "passage"]
    assert [(r["device"], r["code_kind"]) for r in passages] == [("studio-cam", "F1")]


@pytest.mark.fault("decoder-crash")
@pytest.mark.threat("A12")
async def test_a_killed_eye_keeps_nobody_at_another_reader_and_comes_back(
    installed: Path, folder: Path
) -> None:
    site = wheel_site(installed, folder, camera=True)
    async with site, site.people() as people:
        site.eye.kill()
        while "studio-cam" not in await _lost(site):
            pass
        await let_through(people, "front", "front-in", site.code("aiko"))
        await site.eye.wait()
        await site.eye.start()  # systemd's part
        while "studio-cam" in await _lost(site):
            pass
        before = people.last
        await people.show("studio-cam", png(site.code("eun")), 4_000)
        await people.wait_for(bolt("studio", released=True), SOON_S, after=before)
    alarms = [(r["source"], r["raised"]) for r in records(site) if r.get("alarm") == "DEVICE_LOST"]
    assert alarms == [("studio-cam", True), ("studio-cam", False)]


@pytest.mark.fault("reader-unplugged")
async def test_an_unplugged_scanner_comes_back_by_itself(site: Site) -> None:
    async with site, site.people() as people:
        await people.unplug("front-in")
        while "front-in" not in await _lost(site):
            pass
        await people.plug("front-in")
        while "front-in" in await _lost(site):
            pass
        await let_through(people, "front", "front-in", site.code("aiko"))


async def _lost(site: Site) -> set[str]:
    _, out, _ = await site.run_edged("status", "--json", "--config", site.config)
    return {name for name, state in json.loads(out)["devices"].items() if state == "lost"}


async def test_a_clean_stop_ends_at_rest_and_says_so(site: Site) -> None:
    async with site, site.people() as people:
        await present(people, "front-in", site.code("aiko"))
        assert await site.daemon.stop() == 0
        doors = (await people.state())["doors"]
        assert not any(door["energised"] for door in doors.values())
    assert records(site)[-1]["kind"] == "stopped"
