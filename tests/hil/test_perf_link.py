"""The measurements that stand on a store with its cloud, in their smallest size."""

import shutil

import pytest

from hil.perf import backlog, busy, card, memory, offline, orders

WITH_COMPILER = pytest.mark.skipif(shutil.which("cc") is None, reason="a card wants a C compiler")
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_orders_and_echoes_are_timed_in_turn() -> None:
    found = await orders.measure(3)
    assert found.orders == 3
    assert 0 < found.echo_p50_ms < 10_000
    assert found.p50_ratio == pytest.approx(found.bolt_p50_ms / found.echo_p50_ms, abs=0.02)


@pytest.mark.parametrize("on_card", [False, pytest.param(True, marks=WITH_COMPILER)])
async def test_scans_are_timed_quiet_draining_and_while_rules_come(*, on_card: bool) -> None:
    quiet, *others = await busy.measure(50, 500, 5, rounds=2, on_card=on_card)
    assert [one.phase for one in others] == ["drain", "rules update"]
    assert quiet.p50_ms > (card.SYNC_MS if on_card else 0)
    assert (quiet.scans, quiet.ratio) == (15, 1.0)
    assert all(one.scans >= 2 for one in others)


def test_a_round_that_was_disturbed_moves_no_ratio() -> None:
    quick, slow, disturbed = [0.01] * 9, [0.02] * 9, [0.3]
    rounds, beside = [slow, disturbed, slow], [quick, quick, disturbed]
    found = busy._summed("bare", "drain", rounds, beside)
    assert (found.scans, found.ratio) == (19, 2.0)


async def test_memory_is_that_of_the_daemon_and_of_each_import() -> None:
    found = await memory.measure(members=20, scans=2)
    assert 10 < found.idle_mb <= found.after_scans_mb + 1
    assert [*found.imports_mb] == ["python", *memory.IMPORTS]
    assert 0 < sum(found.imports_mb.values()) < 200


async def test_what_was_recorded_alone_arrives_in_the_end() -> None:
    found = await offline.measure(backlog.Entries(count=300, days=3, members=20), scans=4)
    assert found.same
    assert found.records >= 300 + 2 * 5
    assert found.p99_ratio == pytest.approx(found.after.p99_ms / found.fresh.p99_ms, abs=0.02)
    assert 0 < found.fresh.ready_s < found.fresh.first_in_s
