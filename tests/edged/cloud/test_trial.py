"""When rules on trial are looked at, and what counts of what was heard before a restart."""

from datetime import timedelta

from edged import limits
from edged.cloud import trial
from edged.store import rules
from tests.drivers.rigs import running, until
from tests.edged.cloud.conftest import Down


async def test_a_trial_that_nobody_confirms_ends_by_itself(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    clock, others = down.rig.clock, len(down.rig.clock._sleepers)
    async with running(down.rules.run()):
        await until(lambda: len(clock._sleepers) > others)  # it has looked once
        await clock.advance(59_000)
        assert down.rules.held().version == 2
        await clock.advance(limits.TRIAL_LOOK_MS)
        await until(lambda: not down.rules.held().trial)  # those before are read by then
        assert down.rig.rules.version == 1
    assert [one.version for one in down.rules.held().refused] == [2]


async def test_rules_that_were_not_read_yet_are_left_to_who_reads_them(down: Down) -> None:
    await down.publish(2, confirm_s=60)
    await down.rig.rules.close()
    down.again()
    await down.rules.take_up()
    assert down.rig.rules.version is None
    assert down.rules.held().trial


async def test_without_a_trial_there_is_nothing_to_give_up(down: Down) -> None:
    assert await down.publish(2) is None
    trial.revert(down.folder, "for no reason")
    assert rules.active_version(down.folder) == 2
    assert trial.refused(down.folder) == ()


async def test_what_was_heard_before_vouches_for_no_other_rules(down: Down) -> None:
    await down.rig.clock.advance(int(timedelta(hours=80).total_seconds()) * 1000)
    down.rules.heard(down.rig.clock.wall)
    await down.rules.highest_named(2)
    down.again()
    await down.rules.open()
    assert down.rig.rules.vouched_at is None
    await down.rules.highest_named(1)
    down.again()
    await down.rules.open()
    assert down.rig.rules.vouched_at == down.rig.clock.wall
