"""Rules of the cloud in the daemon: swapped in, tried, confirmed or taken back."""

from datetime import timedelta
from pathlib import Path

import pytest

from cloud_link.ports import RulesHeld
from cloud_link.wire import Manifest
from edged import limits
from edged.clock import ClockState
from edged.cloud import parts, trial
from edged.cloud.trial import Trial
from edged.store import rules
from edged.store.rules import RulesStore
from policy.model import Reason
from tests.edged.cloud import sets
from tests.edged.cloud.conftest import Down
from tests.edged.rig import running, signal


@pytest.mark.threat("B8")
async def test_new_rules_are_in_force_at_once(down: Down) -> None:
    assert down.rules.held().version == 1
    without = {name: one for name, one in sets.document(2)["members"].items() if name != "aiko"}
    assert await down.publish(2, members=without) is None
    held = down.rules.held()
    assert held == RulesHeld(2, sets.fingerprint(sets.document(2, members=without)), trial=False)
    await down.rig.enter(down.rig.code())
    await down.rig.written()
    assert [one["reason"] for one in down.rig.records("passage")] == ["MEMBER_NOT_SYNCED"]
    assert [one["version"] for one in down.rig.records("rules_active")] == [2]


async def test_what_is_not_fit_leaves_everything_and_is_told(down: Down) -> None:
    assert await down.publish(2, tenant="other") is not None
    assert down.rules.held().version == down.rig.rules.version == 1
    (refused,) = down.rules.held().refused
    assert (refused.version, refused.why) == (2, "base: tenant is not that of the manifest")
    await down.rig.written()
    (record,) = down.rig.records("rules_refused")
    assert (record["version"], record["why"]) == (2, refused.why)
    assert down.alarms() == {"RULES_REFUSED"}
    assert await down.publish(3) is None
    assert down.alarms() == set()


@pytest.mark.parametrize("version", [1, 2])
async def test_a_version_that_does_not_rise_is_refused(down: Down, version: int) -> None:
    assert await down.publish(2) is None
    assert await down.publish(version) == "version 2 is active"


async def test_what_is_missing_is_asked_for_and_kept_when_it_is_whole(down: Down) -> None:
    made = sets.in_parts(sets.document(2))
    manifest = sets.manifest(sets.document(2), made)
    assert list(down.rules.missing(manifest)) == [part.sha256 for part in manifest.parts]
    part = manifest.parts[0]
    down.rules.part_file(part.sha256).write_bytes(sets.pack(made["base"]))
    down.rules.part_whole(part)
    assert part.sha256 not in down.rules.missing(manifest)
    broken = sets.manifest(sets.document(2), {**made, "members/4": b"{}"})
    assert down.rules.missing(broken) == ()  # it will be refused, so nothing is fetched for it


@pytest.mark.parametrize("left", [b"", b"rubbish"])
async def test_what_a_power_cut_left_of_a_part_is_asked_for_again(down: Down, left: bytes) -> None:
    made = sets.in_parts(sets.document(2))
    manifest = sets.manifest(sets.document(2), made)
    sets.put(made, down.folder / "parts")
    cut = manifest.parts[1].sha256
    (down.folder / "parts" / f"{cut}.zst").write_bytes(left)
    down.again()
    assert down.rules.missing(manifest) == [cut]


async def test_a_part_that_turns_out_damaged_is_asked_for_when_the_set_comes_again(
    down: Down,
) -> None:
    made = sets.in_parts(sets.document(2))
    manifest = sets.manifest(sets.document(2), made)
    sets.put(made, down.folder / "parts")
    assert down.rules.missing(manifest) == []
    rotten = manifest.parts[1].sha256
    (down.folder / "parts" / f"{rotten}.zst").write_bytes(b"rubbish")
    assert await down.rules.activate(manifest) is not None
    assert down.rules.missing(manifest) == [rotten]


async def test_rules_on_trial_stay_when_a_pulse_names_them(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    assert down.rules.held().trial
    await down.rules.confirmed(1)
    assert down.rules.held().trial
    await down.rules.confirmed(2)
    assert not down.rules.held().trial
    await down.rig.clock.advance(120_000)
    await down.rules.look()
    assert down.rules.held().version == 2
    assert trial.read(down.folder) is None


async def test_rules_that_nobody_confirms_are_taken_back(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    await down.rig.clock.advance(59_000)
    await down.rules.look()
    assert down.rules.held().version == 2
    await down.rig.clock.advance(1_000)
    await down.rules.look()
    held = down.rules.held()
    assert (held.version, held.trial) == (1, False)
    assert [one.why for one in held.refused] == ["not confirmed within 60 s"]
    assert down.rig.rules.version == 1
    assert down.alarms() == {"RULES_REFUSED"}
    assert await down.publish(2) is None  # when a later pulse names it, the link gives it again


async def test_the_first_rules_are_taken_back_to_none(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        down = Down(rig, tmp_path)
        (down.folder / rules.ACTIVE).unlink()
        await rig.rules.reload()
        assert down.rules.held() == RulesHeld(0, "", trial=False)
        await down.publish(2, confirm_s=1)
        await rig.clock.advance(1_000)
        await down.rules.look()
        assert rig.rules.rules is None
        assert down.rules.held().version == 0


async def test_a_trial_goes_on_after_a_restart(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    trial.run_ends(down.folder)
    trial.run_begins(down.folder)
    down.again()
    assert down.rules.held().trial
    await down.rig.clock.advance(60_000)
    await down.rules.look()
    assert down.rules.held().version == 1


@pytest.mark.threat("D5")
async def test_two_crashes_on_trial_take_the_rules_back_before_they_are_read(down: Down) -> None:
    await down.publish(2, confirm_s=3_600)
    trial.run_begins(down.folder)  # the run that activated them has crashed
    assert rules.active_version(down.folder) == 2
    trial.run_begins(down.folder)
    assert rules.active_version(down.folder) == 1
    store = await RulesStore.open(down.folder)
    assert store.version == 1
    await store.close()
    assert [one["version"] for one in trial.refused(down.folder)] == [2]


async def test_clean_stops_on_trial_count_for_nothing(down: Down) -> None:
    await down.publish(2, confirm_s=3_600)
    for _ in range(5):
        trial.run_ends(down.folder)
        trial.run_begins(down.folder)
    assert rules.active_version(down.folder) == 2


async def test_power_lost_between_the_way_back_and_the_swap_ends_the_trial(down: Down) -> None:
    trial.begin(down.folder, Trial(2, 60, rules.active_file(down.folder)))
    trial.run_begins(down.folder)
    assert trial.read(down.folder) is None
    assert rules.active_version(down.folder) == 1


@pytest.mark.parametrize("rubbish", [b"", b"{}", b'{"version": 2}', b"[1]", b"1"])
async def test_a_trial_that_can_not_be_read_stops_no_start(down: Down, rubbish: bytes) -> None:
    (down.folder / "trial.json").write_bytes(rubbish)
    (down.folder / "refused.json").write_bytes(rubbish)
    trial.run_begins(down.folder)
    trial.run_ends(down.folder)
    down.again()
    assert down.rules.held() == RulesHeld(1, str(down.rig.rules.fingerprint), trial=False)


async def test_a_disk_that_takes_nothing_stops_no_start(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    await down.publish(2, confirm_s=60)
    monkeypatch.setattr(trial, "write_whole", full)
    trial.run_begins(down.folder)
    trial.run_ends(down.folder)
    assert rules.active_version(down.folder) == 2


@pytest.mark.threat("D5")
async def test_rules_that_can_not_be_opened_are_swapped_back(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(manifest: Manifest, store: parts.Store, folder: Path) -> Path:
        path = rules.build(parts.assemble(manifest, store), folder)
        path.write_bytes(b"no database" * 1_000)
        return path

    monkeypatch.setattr(parts, "build", spoiled)
    assert "storage" in str(await down.publish(2, confirm_s=60))
    assert down.rules.held().version == down.rig.rules.version == 1
    assert not down.rules.held().trial
    assert await down.rig.enter(down.rig.code()) == signal(Reason.OK)


async def test_old_parts_are_swept(down: Down) -> None:
    await down.publish(2)
    await down.publish(3, members={})
    named = sets.in_parts(sets.document(3, members={}))
    assert len(list((down.folder / "parts").iterdir())) == len(set(named.values()))


# --- what the cloud says of their age


async def test_a_report_does_not_wait_for_the_disk(down: Down) -> None:
    await down.publish(2, tenant="other")
    told = down.rules.held()
    (down.folder / "refused.json").unlink()  # as a disk that does not answer
    assert down.rules.held() == told
    assert [one.version for one in told.refused] == [2]
    await down.publish(3, confirm_s=1)
    await down.rig.clock.advance(1_000)
    await down.rules.look()
    assert [one.version for one in down.rules.held().refused] == [3]


async def test_the_highest_version_named_never_falls(down: Down) -> None:
    assert await down.rules.highest_named(5) == 5
    assert await down.rules.highest_named(3) == 5


async def test_rules_that_the_cloud_still_names_do_not_grow_old(down: Down) -> None:
    await down.rig.clock.advance(int(timedelta(hours=80).total_seconds()) * 1000)
    await down.rig.enter(down.rig.code())
    await down.rig.written()
    assert down.rig.records("passage")[-1]["warnings"] == ["WARN_RULES_STALE"]
    down.rules.heard(down.rig.clock.wall)
    await down.rules.highest_named(1)
    down.again()
    await down.rules.open()  # after a restart too
    down.rig.clock.skip(120_000)
    await down.rig.enter(down.rig.code())
    await down.rig.written()
    assert down.rig.records("passage")[-1]["warnings"] == []


@pytest.mark.threat("B8")
async def test_rules_that_the_cloud_does_not_name_grow_old(down: Down) -> None:
    await down.rig.clock.advance(int(timedelta(hours=80).total_seconds()) * 1000)
    down.rules.heard(down.rig.clock.wall)
    await down.rules.highest_named(2)
    await down.rig.enter(down.rig.code())
    await down.rig.written()
    assert down.rig.records("passage")[-1]["warnings"] == ["WARN_RULES_STALE"]


@pytest.mark.threat("B8")
async def test_a_silent_cloud_is_an_alarm_after_a_day(down: Down) -> None:
    await down.rules.look()
    assert down.alarms() == set()
    await down.rig.clock.advance(limits.FROZEN_MS + 1)
    await down.rules.look()
    assert down.alarms() == {"RULES_FROZEN"}
    down.rules.heard(down.rig.clock.wall)
    await down.rules.highest_named(1)
    await down.rules.look()
    assert down.alarms() == set()


async def test_the_silence_goes_on_over_a_restart(down: Down) -> None:
    down.rules.heard(down.rig.clock.wall)
    await down.rules.highest_named(1)
    await down.rig.clock.advance(limits.FROZEN_MS + 1)
    down.again()
    await down.rules.open()
    down.rig.clock.state = ClockState.RESTORED
    await down.rules.look()  # who knows how long it was off
    assert down.alarms() == set()
    down.rig.clock.state = ClockState.SYNCED
    await down.rules.look()
    assert down.alarms() == {"RULES_FROZEN"}


@pytest.mark.threat("D5")
async def test_power_lost_before_the_next_are_swapped_in_leaves_the_trial_that_was_on(
    down: Down,
) -> None:
    await down.publish(2, confirm_s=60)
    on, active = trial.read(down.folder), rules.active_file(down.folder)
    trial.begin(down.folder, Trial(3, 60, active, replaced=on))
    trial.run_begins(down.folder)
    down.again()
    assert down.rules.held().trial
    await down.rig.clock.advance(60_000)
    await down.rules.look()
    assert down.rules.held().version == rules.active_version(down.folder) == 1


@pytest.mark.threat("D5")
async def test_power_lost_behind_the_swap_to_rules_without_a_trial_leaves_them(down: Down) -> None:
    assert await down.publish(2) is None
    trial.begin(down.folder, Trial(2, 0, None))
    down.again()
    assert not down.rules.held().trial
    await down.rules.look()
    assert down.rules.held().version == 2


async def test_the_next_rules_have_a_trial_of_their_own(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    assert await down.publish(3, confirm_s=60) is None
    on = trial.read(down.folder)
    assert on is not None
    assert (on.version, on.replaced) == (3, None)
    assert "replaced" not in (down.folder / "trial.json").read_text()  # as releases before read it
    await down.rules.confirmed(3)
    assert await down.publish(4) is None
    assert sorted(file.name[:7] for file in down.folder.glob("rules-*.db")) == [
        "rules-3",
        "rules-4",
    ]
