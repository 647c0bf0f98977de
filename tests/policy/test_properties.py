"""What holds in every world: taking something away never opens a door."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from policy import entry, usage
from policy import exit as leave
from policy.calendar import local_date
from policy.model import (
    Decision,
    Member,
    Plan,
    Reason,
    Rules,
    Store,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)
from tests.policy.worlds import NOON, World, some_keys, worlds


def stop(member: Member, flag: str) -> Member:
    return replace(
        member,
        suspended=flag == "suspended",
        id_suspended=flag == "id_suspended",
        withdrawn=flag == "withdrawn",
    )


STOPS = st.sampled_from(["suspended", "id_suspended", "withdrawn"])


def decide(
    world: World,
    *,
    rules: Rules | None = None,
    member: Member | None = None,
    used: frozenset[UsageKey] | None = None,
) -> Decision:
    return entry.decide(
        rules or world.rules,
        world.device,
        member or world.member,
        world.used if used is None else used,
        world.at,
    )


def opens(decision: Decision) -> bool:
    return decision.verdict is Verdict.ALLOW


def with_plan(rules: Rules, plan: Plan) -> Rules:
    return replace(rules, plans={**rules.plans, plan.id: plan})


def with_store(rules: Rules, store: Store) -> Rules:
    return replace(rules, stores={store.id: store})


@given(worlds())
def test_every_input_has_one_answer(world: World) -> None:
    first = decide(world)
    assert first == decide(world)
    assert first.trace
    assert opens(first) or first == Decision(Verdict.DENY, first.reason, trace=first.trace)
    assert opens(first) == (first.reason is Reason.OK)


@given(worlds(), STOPS, st.booleans())
def test_a_stopped_member_never_gets_in(world: World, flag: str, trusted: bool) -> None:
    member = stop(world.member, flag)
    decision = entry.decide(
        world.rules, world.device, member, world.used, world.at, clock_trusted=trusted
    )
    assert not opens(decision)


@given(worlds())
def test_a_disabled_device_lets_nobody_in(world: World) -> None:
    world.device = replace(world.device, enabled=False)
    assert decide(world).reason is Reason.DEVICE_DISABLED


@given(worlds(), st.data())
def test_removing_a_band_never_opens(world: World, data: st.DataObject) -> None:
    plan = world.rules.plans[data.draw(st.sampled_from(["P1", "P2"]))]
    if plan.bands:
        place = data.draw(st.integers(0, len(plan.bands) - 1))
        fewer = replace(plan, bands=plan.bands[:place] + plan.bands[place + 1 :])
        assert opens(decide(world)) or not opens(decide(world, rules=with_plan(world.rules, fewer)))


@given(worlds(), st.data())
def test_lowering_a_limit_never_opens(world: World, data: st.DataObject) -> None:
    plan = world.rules.plans["P1"]
    lower = data.draw(st.integers(0, 4))
    bands = tuple(
        replace(g, limit=lower if g.limit is None else min(lower, g.limit)) for g in plan.bands
    )
    stricter = with_plan(world.rules, replace(plan, bands=bands))
    assert opens(decide(world)) or not opens(decide(world, rules=stricter))


@given(worlds())
def test_removing_a_booking_never_opens(world: World) -> None:
    if not opens(decide(world)):
        for booking in world.member.bookings:
            others = tuple(b for b in world.member.bookings if b is not booking)
            assert not opens(decide(world, member=replace(world.member, bookings=others)))


@given(worlds())
def test_removing_a_contract_opens_to_nothing_but_a_booking_alone(world: World) -> None:
    if not opens(decide(world)):
        for contract in world.member.contracts:
            others = tuple(c for c in world.member.contracts if c is not contract)
            after = decide(world, member=replace(world.member, contracts=others))
            assert not opens(after) or (after.via or "").startswith("booking:")
            unbooked = replace(world.member, contracts=others, bookings=())
            assert not opens(decide(world, member=unbooked))


@given(worlds(), st.data())
def test_closing_a_date_never_opens(world: World, data: st.DataObject) -> None:
    store = world.rules.stores["S1"]
    around = local_date(store, world.at) + timedelta(days=data.draw(st.integers(-2, 2)))
    closed = with_store(world.rules, replace(store, closed=store.closed | {around}))
    assert opens(decide(world)) or not opens(decide(world, rules=closed))


@given(worlds())
def test_a_store_that_is_closed_for_days_lets_nobody_in(world: World) -> None:
    store = world.rules.stores["S1"]
    today = local_date(store, world.at)
    days = frozenset(today + timedelta(days=n) for n in range(-9, 10))
    closed = with_store(world.rules, replace(store, closed=days))
    assert not opens(decide(world, rules=closed))


@given(worlds(), st.randoms(use_true_random=True))
def test_uses_on_other_dates_never_open(world: World, pick: Random) -> None:
    today = local_date(world.rules.stores["S1"], world.at)
    near = {today + timedelta(days=n) for n in range(-2, 3)}
    elsewhere = frozenset(
        key for key in some_keys(pick, today + timedelta(days=3)) if key.service_date not in near
    )
    assert opens(decide(world)) or not opens(decide(world, used=world.used | elsewhere))


@given(worlds())
def test_coming_in_again_is_allowed_and_adds_no_key(world: World) -> None:
    first = decide(world)
    if opens(first):
        again = decide(world, used=world.used | set(first.new_keys))
        assert opens(again)
        assert again.new_keys == ()
        assert again.band == first.band


@given(worlds())
def test_new_keys_are_new_and_only_counting_doors_have_them(world: World) -> None:
    decision = decide(world)
    assert not world.used & set(decision.new_keys)
    assert world.device.counts or (decision.new_keys, decision.visit) == ((), None)
    assert decision.band is None or (decision.via or "").startswith("plan:")


@given(worlds())
def test_keys_of_the_dates_looked_at_are_enough(world: World) -> None:
    first, last = usage.dates_looked_at(world.rules.stores["S1"], world.at)
    enough = frozenset(key for key in world.used if first <= key.service_date <= last)
    months_ago = {replace(k, service_date=date(2025, 10, 4)) for k in world.used}
    assert decide(world, used=enough) == decide(world, used=world.used | months_ago)


@given(worlds())
def test_without_a_clock_whoever_is_not_stopped_gets_in_uncounted(world: World) -> None:
    decision = entry.decide(
        world.rules, world.device, world.member, world.used, world.at, clock_trusted=False
    )
    if world.device.store in world.rules.stores:
        assert opens(decision)
        assert Warn.CLOCK_UNTRUSTED in decision.warnings
    assert (decision.new_keys, decision.visit) == ((), None)


VISITS = st.none() | st.builds(
    Visit,
    store=st.sampled_from(["S1", "S2"]),
    since=st.just(NOON - timedelta(days=1)),
    until=st.none() | st.just(NOON),
    device=st.just("D1"),
    via=st.just("plan:C1"),
    band=st.just("DAY"),
)


@given(worlds(), VISITS, st.booleans(), st.none() | STOPS)
def test_leaving_is_always_allowed(
    world: World, visit: Visit | None, known: bool, flag: str | None
) -> None:
    member = stop(world.member, flag or "none") if known else None
    decision = leave.decide(world.rules, world.device, member, visit, world.at)
    assert opens(decision)
    assert (decision.new_keys, decision.visit) == ((), None)
    assert (decision.reason is Reason.OK) == (not decision.warnings)
    assert decision.warnings == tuple(sorted(set(decision.warnings)))


@given(worlds())
def test_who_has_just_come_in_leaves_without_a_warning(world: World) -> None:
    came_in = decide(world)
    if came_in.visit is not None:
        left = leave.decide(world.rules, world.device, world.member, came_in.visit, world.at)
        assert left.warnings == ()
