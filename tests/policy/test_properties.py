"""What holds in every world: taking something away never opens a door."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy import doubt, entry, usage
from policy import exit as leave
from policy.calendar import local_date
from policy.model import (
    ClockPolicy,
    Contract,
    Decision,
    Gender,
    Member,
    Mode,
    Overlap,
    Plan,
    Qualifier,
    Reason,
    Rules,
    Scene,
    StalePolicy,
    Store,
    Ticket,
    TicketDedupe,
    TicketType,
    Usage,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)
from tests.policy.worlds import NEW_YEAR, NOON, World, some_keys, worlds


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
    **said: Any,
) -> Decision:
    scene = world.scene(**said)
    if used is not None:
        scene = replace(scene, used=Usage.of(used))
    return entry.decide(rules or world.rules, world.device, member or world.member, scene)


def opens(decision: Decision) -> bool:
    return decision.verdict is Verdict.ALLOW


def by_booking(decision: Decision) -> bool:
    return "booking" in (decision.via or "")


def with_plan(rules: Rules, plan: Plan) -> Rules:
    return replace(rules, plans={**rules.plans, plan.id: plan})


def with_store(rules: Rules, store: Store) -> Rules:
    return replace(rules, stores={store.id: store})


def with_settings(world: World, **settings: Any) -> Rules:
    return replace(world.rules, settings=replace(world.rules.settings, **settings))


@given(worlds(), st.randoms(use_true_random=True))
def test_what_was_asked_before_changes_no_answer(world: World, pick: Random) -> None:
    """Whoever has one contract and nothing else may be told what another was told."""
    plan = replace(next(iter(world.rules.plans.values())), restrict=pick.random() < 0.9)
    store = replace(world.rules.stores["S1"], closed=frozenset())
    rules = replace(with_plan(world.rules, plan), stores={store.id: store})
    today = world.at.date()
    device = replace(
        world.device,
        enabled=True,
        mode=pick.choice([Mode.LOCK_QR, Mode.APP, Mode.KEY_SCHEDULE]),
        gender=pick.choice([None, None, Gender.F]),
        qualify=frozenset({pick.choice([*Qualifier])}),
        check_stores=pick.random() < 0.1,
    )
    for _ in range(30):
        start = pick.choice([NEW_YEAR, today, today.replace(day=min(28, today.day + 1))])
        contract = Contract("C1", plan.id, start, pick.choice([None, start, today]))
        gender = pick.choice([*Gender])
        person = replace(world.member, contracts=(contract,), gender=gender)
        if pick.random() < 0.8:
            person = replace(person, tickets=(), bookings=())
        minutes = timedelta(minutes=pick.randint(-90, 90))
        scene = replace(pick.choice([world.scene(), Scene(world.at)]), at=world.at + minutes)
        fresh = entry.decide(replace(rules), device, person, scene)
        assert entry.decide(rules, device, person, scene) == fresh


@given(worlds())
def test_every_input_has_one_answer(world: World) -> None:
    first = decide(world)
    assert first == decide(world)
    assert first.trace
    refused = Decision(Verdict.DENY, first.reason, trace=first.trace)
    assert (first == refused) == (first.verdict is Verdict.DENY)
    assert opens(first) == (first.reason is Reason.OK)
    assert first.warnings == tuple(sorted(set(first.warnings)))


@given(worlds())
def test_what_has_been_worked_out_before_changes_nothing(world: World) -> None:
    decide(world)
    assert decide(world, rules=replace(world.rules)) == decide(world)


@given(worlds(), STOPS, st.booleans(), st.sampled_from([0, 1_000]))
def test_a_stopped_member_never_gets_in(world: World, flag: str, trusted: bool, age_h: int) -> None:
    member = stop(world.member, flag)
    decision = decide(world, member=member, clock_trusted=trusted, rules_age_h=age_h)
    assert not opens(decision)
    later = world.at + timedelta(hours=1)
    args = world.rules, world.device, member, world.scene()
    assert not opens(entry.decide_between(*args, later))
    assert not opens(doubt.unrecorded(world.rules.settings, member))


@given(worlds())
def test_a_disabled_device_and_a_lockdown_let_nobody_in(world: World) -> None:
    if world.device.mode is not Mode.RECORD_ONLY:
        assert decide(world, lockdown=True).reason is Reason.LOCKDOWN
    world.device = replace(world.device, enabled=False)
    assert decide(world, lockdown=True).reason is Reason.DEVICE_DISABLED


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
def test_removing_a_booking_opens_to_nothing_but_another_booking(world: World) -> None:
    # Only the earliest exempt booking is asked for its contract's dates (cases.md, settled 3).
    if not opens(decide(world)):
        for booking in world.member.bookings:
            others = tuple(b for b in world.member.bookings if b is not booking)
            after = decide(world, member=replace(world.member, bookings=others))
            assert not opens(after) or by_booking(after)
        assert not opens(decide(world, member=replace(world.member, bookings=())))


@given(worlds())
def test_removing_a_ticket_or_its_uses_never_opens(world: World) -> None:
    if not opens(decide(world)):
        for ticket in world.member.tickets:
            others = tuple(t for t in world.member.tickets if t is not ticket)
            less = (*others, replace(ticket, remaining=ticket.remaining - 1))
            for tickets in (others, less):
                assert not opens(decide(world, member=replace(world.member, tickets=tickets)))


@given(worlds())
def test_removing_a_contract_opens_to_nothing_but_a_booking_alone(world: World) -> None:
    # With these two a contract that does not run may keep out or be counted.
    rules = with_settings(world, paused_blocks_all=False, carry_usage_on_plan_change=False)
    if not opens(decide(world, rules=rules)):
        for contract in world.member.contracts:
            others = tuple(c for c in world.member.contracts if c is not contract)
            after = decide(world, rules=rules, member=replace(world.member, contracts=others))
            assert not opens(after) or by_booking(after)
            unbooked = replace(world.member, contracts=others, bookings=())
            assert not opens(decide(world, rules=rules, member=unbooked))


@given(worlds(), st.data())
def test_closing_a_date_opens_to_nothing_but_another_booking(
    world: World, data: st.DataObject
) -> None:
    store = world.rules.stores["S1"]
    around = local_date(store, world.at) + timedelta(days=data.draw(st.integers(-2, 2)))
    closed = with_store(world.rules, replace(store, closed=store.closed | {around}))
    after = decide(world, rules=closed)
    assert opens(decide(world)) or not opens(after) or by_booking(after)


@given(worlds())
def test_a_store_that_is_closed_for_days_lets_nobody_in(world: World) -> None:
    store = world.rules.stores["S1"]
    today = local_date(store, world.at)
    days = frozenset(today + timedelta(days=n) for n in range(-9, 10))
    rules = with_settings(world, closed_days_block_bookings=True)
    assert not opens(decide(world, rules=with_store(rules, replace(store, closed=days))))


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
    again = decide(world, used=world.used | set(first.keys))
    assert again.new_keys == ()
    assert (again.verdict, again.via, again.keys) == (first.verdict, first.via, first.keys)
    if world.rules.settings.overlap is Overlap.ONE:
        assert again.band == first.band


@given(worlds())
def test_keys_are_of_counting_doors_and_the_new_ones_are_new(world: World) -> None:
    decision = decide(world)
    used = Usage.of(world.used)
    assert set(decision.new_keys) <= set(decision.keys)
    for key in decision.keys:
        assert usage.present(used, key) is (key not in decision.new_keys)
    assert world.device.counts or (decision.keys, decision.visit) == ((), None)
    assert decision.verdict is not Verdict.RECORDED or decision.visit is None
    if decision.verdict is Verdict.DENY:
        assert (decision.keys, decision.visit, decision.checks_in) == ((), None, None)


@given(worlds())
def test_a_ticket_is_used_up_by_exactly_its_number(world: World) -> None:
    ticket = Ticket("T9", TicketType.ENTRY, 2, NEW_YEAR)
    world.member = replace(world.member, contracts=(), bookings=(), tickets=(ticket,))
    world.device = replace(world.device, mode=Mode.APP, counts=True, store="S1")
    rules = with_settings(world, ticket_dedupe=TicketDedupe.ENTRY)
    rules = with_store(rules, replace(rules.stores["S1"], closed=frozenset()))
    used, let_in = frozenset[UsageKey](), 0
    for minute in range(4):
        now = world.at + timedelta(minutes=minute)
        decision = decide(world, rules=rules, used=used, at=now)
        used, let_in = used | set(decision.new_keys), let_in + opens(decision)
    assert (let_in, len(used)) == (2, 2)
    assert usage.tickets_left(Usage.of(used), ticket) == 0


@given(worlds())
def test_the_keys_asked_for_are_enough(world: World) -> None:
    owners, first, last = usage.asked(world.rules.stores["S1"], world.member, world.at)
    enough = frozenset(
        key for key in world.used if key.owner in owners and first <= key.service_date <= last
    )
    months_ago = {
        k._replace(service_date=date(2025, 10, 4)) for k in world.used if k.owner[0] == "C"
    }
    assert decide(world, used=enough) == decide(world, used=world.used | months_ago)


@given(worlds())
def test_what_has_nothing_to_do_with_it_changes_nothing(world: World) -> None:
    rules, member = world.rules, world.member
    others = replace(
        rules,
        tenant="other",
        version=9,
        plans={**rules.plans, "P9": Plan("P9")},
        stores={**rules.stores, "S9": replace(rules.stores["S1"], id="S9")},
        doors={},
        keys={},
    )
    same = replace(
        member,
        label="A***",
        extended_time=True,
        fixed_code_version=7,
        tickets=member.tickets[::-1],
        bookings=member.bookings[::-1],
    )
    strangers = {key._replace(owner="C9") for key in world.used}
    assert decide(world) == decide(world, rules=others, member=same, used=world.used | strangers)


@given(worlds())
def test_without_a_clock_whoever_is_not_stopped_gets_in_uncounted(world: World) -> None:
    decision = decide(world, clock_trusted=False)
    if world.device.store in world.rules.stores and world.device.mode is not Mode.RECORD_ONLY:
        policy = world.rules.settings.clock_policy
        assert opens(decision) is (policy is ClockPolicy.MEMBERS)
        assert opens(decision) is (Warn.CLOCK_UNTRUSTED in decision.warnings)
    assert (decision.keys, decision.visit) == ((), None)


@given(worlds())
def test_old_rules_are_told_and_decided_by_as_their_policy_says(world: World) -> None:
    fresh, old = decide(world), decide(world, rules_age_h=73)
    if world.device.store not in world.rules.stores:
        return
    assert Warn.RULES_STALE in old.warnings
    assert old.new_keys in {fresh.new_keys, ()}
    if world.device.mode is not Mode.RECORD_ONLY:
        match world.rules.settings.stale_policy:
            case StalePolicy.NORMAL:
                assert (old.verdict, old.via, old.keys) == (fresh.verdict, fresh.via, fresh.keys)
            case StalePolicy.DENY:
                assert old.reason is Reason.RULES_STALE
            case StalePolicy.MEMBERS:
                assert opens(old)
                assert old.keys == fresh.keys


@given(worlds(), st.sampled_from([0, 1, 60, 1_440]))
def test_a_maybe_lies_between_its_two_times(world: World, minutes: int) -> None:
    latest = world.at + timedelta(minutes=minutes)
    first, last = decide(world), decide(world, at=latest)
    args = world.rules, world.device, world.member, world.scene()
    between = entry.decide_between(*args, latest)
    assert between.keys in {first.keys, ()}
    if first.verdict is last.verdict:
        assert between.verdict is first.verdict
    elif world.rules.settings.clock_policy is ClockPolicy.DENY:
        assert between.reason is Reason.CLOCK_UNTRUSTED
    else:
        assert opens(between)
        assert between.unsettled
    assert between.unsettled is (Warn.CLOCK_UNTRUSTED in between.warnings)
    if minutes == 0:
        assert between == first


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
    decision = leave.decide(world.rules, world.device, member, world.scene(visit=visit))
    assert opens(decision)
    assert (decision.keys, decision.visit) == ((), None)
    assert (decision.reason is Reason.OK) == (not decision.warnings)
    assert decision.warnings == tuple(sorted(set(decision.warnings)))


@given(worlds())
def test_who_has_just_come_in_leaves_without_a_warning(world: World) -> None:
    came_in = decide(world)
    if came_in.visit is not None:
        scene = Scene(world.at, visit=came_in.visit)
        left = leave.decide(world.rules, world.device, world.member, scene)
        assert left.warnings == ()
