"""Every fault that rules may have, once each and all at once (spec/rules.md 2.1, 2.2)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policy import limits
from policy.check import FaultCode, Names, check_member, check_rules, check_staff
from policy.model import (
    BandGrant,
    DayRule,
    Device,
    Door,
    Hours,
    IssuerKey,
    KeyRole,
    Member,
    Plan,
    PlanType,
    Qualifier,
    Rules,
    RuleSettings,
    Side,
    Staff,
    StaffRole,
    Ticket,
    TicketType,
    Warn,
)
from tests.policy.worlds import (
    BOOKING,
    CONTRACT,
    DAY_PLAN,
    ENTRANCE,
    MEMBER,
    NEW_YEAR,
    STORE,
    rules_of,
)

GOOD = rules_of()
FREE = Plan("P1", restrict=False)


def bands(*hours: Hours) -> Rules:
    return rules_of(store=replace(STORE, bands={f"B{n}": h for n, h in enumerate(hours)}))


def days(*weekdays: int) -> Plan:
    return Plan("P1", bands=(BandGrant("DAY", 8, DayRule(frozenset(weekdays))),))


def doors(door: Door) -> Rules:
    return replace(GOOD, doors={"F1": door})


def devices(device: Device) -> Rules:
    return replace(GOOD, devices={"D1": device})


def keys(key: IssuerKey) -> Rules:
    return replace(GOOD, keys={key.kid: key})


def settings(changed: RuleSettings) -> Rules:
    return rules_of(settings=changed)


@pytest.mark.threat("A24")
@pytest.mark.parametrize(
    ("rules", "path", "code"),
    [
        (
            rules_of(replace(DAY_PLAN, type=PlanType.SCHOOL)),
            "plans.P1.restrict",
            "SCHOOL_PLAN_LIMITS",
        ),
        (
            rules_of(replace(DAY_PLAN, ticket_required=True)),
            "plans.P1.ticket_required",
            "PLAN_AND_TICKET_BOTH",
        ),
        (rules_of(replace(FREE, exempt=True)), "plans.P1.exempt", "EXEMPT_WITHOUT_RESTRICT"),
        (
            rules_of(replace(DAY_PLAN, exempt_programs=frozenset({"YOGA"}))),
            "plans.P1.exempt_programs",
            "PROGRAM_LIST_WITHOUT_EXEMPT",
        ),
        (rules_of(replace(FREE, early_min=1)), "plans.P1.early_min", "TOLERANCE_WITHOUT_RESTRICT"),
        (rules_of(replace(FREE, late_min=1)), "plans.P1.late_min", "TOLERANCE_WITHOUT_RESTRICT"),
        (
            rules_of(Plan("P1", bands=(BandGrant("DAY"), BandGrant("DAY", 1)))),
            "plans.P1.bands[1].kind",
            "DUPLICATE_BAND",
        ),
        (
            rules_of(Plan("P1", bands=(BandGrant("DAY", -1),))),
            "plans.P1.bands[0].limit",
            "NEGATIVE_LIMIT",
        ),
        (rules_of(days(0, 7)), "plans.P1.bands[0].weekdays", "OUT_OF_RANGE"),
        (
            rules_of(Plan("P1", bands=tuple(BandGrant(f"B{n}") for n in range(65)))),
            "plans.P1.bands",
            "TOO_MANY",
        ),
        (rules_of(replace(DAY_PLAN, early_min=-1)), "plans.P1.early_min", "OUT_OF_RANGE"),
        (rules_of(replace(DAY_PLAN, late_min=1_441)), "plans.P1.late_min", "OUT_OF_RANGE"),
        (
            rules_of(replace(DAY_PLAN, stores=frozenset({"S1", "S9"}))),
            "plans.P1.stores",
            "UNKNOWN_REFERENCE",
        ),
        (bands(Hours(-1, 60)), "stores.S1.bands.B0", "BAD_BAND_HOURS"),
        (bands(Hours(1_440, 1_500)), "stores.S1.bands.B0", "BAD_BAND_HOURS"),
        (bands(Hours(0, 60), Hours(0, 0)), "stores.S1.bands.B1", "BAD_BAND_HOURS"),
        (bands(Hours(600, 599)), "stores.S1.bands.B0", "BAD_BAND_HOURS"),
        (bands(Hours(600, 2_041)), "stores.S1.bands.B0", "BAD_BAND_HOURS"),
        (bands(*[Hours(0, 60)] * 65), "stores.S1.bands", "TOO_MANY"),
        (doors(Door("F1", "S9")), "doors.F1.store", "UNKNOWN_REFERENCE"),
        (doors(Door("F1", "S1", pulse_ms=499)), "doors.F1.pulse_ms", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", pulse_ms=60_001)), "doors.F1.pulse_ms", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", held_open_s=0)), "doors.F1.held_open_s", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", extended_s=61)), "doors.F1.extended_s", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", pre_alarm_s=-1)), "doors.F1.pre_alarm_s", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", forced_min_s=3_601)), "doors.F1.forced_min_s", "OUT_OF_RANGE"),
        (doors(Door("F1", "S1", relock_delay_ms=-1)), "doors.F1.relock_delay_ms", "OUT_OF_RANGE"),
        (
            doors(Door("F1", "S1", open_bands=(BandGrant("DAY", 3),))),
            "doors.F1.open_bands[0].limit",
            "OUT_OF_RANGE",
        ),
        (
            doors(Door("F1", "S1", open_bands=(BandGrant("DAY"),) * 2)),
            "doors.F1.open_bands[1].kind",
            "DUPLICATE_BAND",
        ),
        (
            doors(Door("F1", "S1", open_bands=(BandGrant("DAY"),), interlock="trap")),
            "doors.F1.open_bands",
            "INTERLOCK_STANDS_OPEN",
        ),
        (
            devices(replace(ENTRANCE, door=None, store="S9")),
            "devices.D1.store",
            "UNKNOWN_REFERENCE",
        ),
        (devices(replace(ENTRANCE, door="F9")), "devices.D1.door", "UNKNOWN_REFERENCE"),
        (
            devices(replace(ENTRANCE, booking_early_min=-1)),
            "devices.D1.booking_early_min",
            "OUT_OF_RANGE",
        ),
        (
            devices(replace(ENTRANCE, booking_exit_late_min=1_441)),
            "devices.D1.booking_exit_late_min",
            "OUT_OF_RANGE",
        ),
        (keys(IssuerKey(256, KeyRole.MEMBER, bytes(32))), "keys.256", "OUT_OF_RANGE"),
        (keys(IssuerKey(1, KeyRole.MEMBER, bytes(31))), "keys.1.public", "BAD_LENGTH"),
        (replace(GOOD, tenant=""), "tenant", "BAD_LENGTH"),
        (replace(GOOD, tenant="x" * 65), "tenant", "BAD_LENGTH"),
        (replace(GOOD, tenant="caf\xe9"), "tenant", "BAD_LENGTH"),
        (
            rules_of(replace(DAY_PLAN, booking_bands=(BandGrant("DAY", 3),))),
            "plans.P1.booking_bands[0].limit",
            "OUT_OF_RANGE",
        ),
        (
            rules_of(replace(DAY_PLAN, booking_bands=(BandGrant("DAY"),) * 2)),
            "plans.P1.booking_bands[1].kind",
            "DUPLICATE_BAND",
        ),
        (
            devices(replace(ENTRANCE, qualify_plans=frozenset({"P1", "P9"}))),
            "devices.D1.qualify_plans",
            "UNKNOWN_REFERENCE",
        ),
        (
            devices(replace(ENTRANCE, qualify=frozenset({Qualifier.ROOM}))),
            "devices.D1.room",
            "UNKNOWN_REFERENCE",
        ),
        (settings(RuleSettings(month_anchor_day=29)), "settings.month_anchor_day", "OUT_OF_RANGE"),
        (settings(RuleSettings(day_cutoff_hour=13)), "settings.day_cutoff_hour", "OUT_OF_RANGE"),
        (
            settings(RuleSettings(passback_timeout_min=-1)),
            "settings.passback_timeout_min",
            "OUT_OF_RANGE",
        ),
        (settings(RuleSettings(rules_max_age_h=0)), "settings.rules_max_age_h", "OUT_OF_RANGE"),
        (settings(RuleSettings(room_early_min=1_441)), "settings.room_early_min", "OUT_OF_RANGE"),
        (
            settings(RuleSettings(room_unpaid_cancel_min=-1)),
            "settings.room_unpaid_cancel_min",
            "OUT_OF_RANGE",
        ),
        (settings(RuleSettings(release_seen_s=0)), "settings.release_seen_s", "OUT_OF_RANGE"),
        (settings(RuleSettings(code_ttl_min=0)), "settings.code_ttl_min", "OUT_OF_RANGE"),
        (settings(RuleSettings(code_skew_s=601)), "settings.code_skew_s", "OUT_OF_RANGE"),
        (
            settings(RuleSettings(presentation_gap_ms=99)),
            "settings.presentation_gap_ms",
            "OUT_OF_RANGE",
        ),
        (settings(RuleSettings(debounce_s=61)), "settings.debounce_s", "OUT_OF_RANGE"),
        (settings(RuleSettings(visit_max_h=0)), "settings.visit_max_h", "OUT_OF_RANGE"),
    ],
)
def test_a_fault_of_the_rules_names_its_field(rules: Rules, path: str, code: str) -> None:
    (fault,) = check_rules(rules)
    assert (fault.path, fault.code) == (path, FaultCode(code))
    assert fault.message


def test_a_device_works_the_door_of_its_own_store() -> None:
    rules = replace(GOOD, stores={**GOOD.stores, "S2": replace(STORE, id="S2")})
    (fault,) = check_rules(replace(rules, doors={"F1": Door("F1", "S2")}, devices={"D1": ENTRANCE}))
    assert (fault.path, fault.code) == ("devices.D1.door", FaultCode.DOOR_OF_OTHER_STORE)


TICKET = Ticket("T1", TicketType.ENTRY, 1, NEW_YEAR)
PAUSE = (NEW_YEAR + timedelta(days=1), NEW_YEAR)


@pytest.mark.parametrize(
    ("member", "path", "code"),
    [
        (replace(MEMBER, handle=b"short"), "handle", "BAD_LENGTH"),
        (replace(MEMBER, fixed_code_version=65_536), "fixed_code_version", "OUT_OF_RANGE"),
        (replace(MEMBER, notices=frozenset({Warn.EXIT_LATE})), "notices", "NOT_A_NOTICE"),
        (
            replace(MEMBER, contracts=(CONTRACT, replace(CONTRACT, plan="P9"))),
            "contracts[1].plan",
            "UNKNOWN_REFERENCE",
        ),
        (replace(MEMBER, contracts=(CONTRACT, CONTRACT)), "contracts", "DUPLICATE_ID"),
        (
            replace(MEMBER, contracts=(replace(CONTRACT, end=NEW_YEAR - timedelta(days=1)),)),
            "contracts[0].end",
            "END_BEFORE_START",
        ),
        (
            replace(MEMBER, contracts=(replace(CONTRACT, paused=(PAUSE[::-1], PAUSE)),)),
            "contracts[0].paused[1]",
            "END_BEFORE_START",
        ),
        (
            replace(MEMBER, contracts=(replace(CONTRACT, paused=(PAUSE[::-1],) * 65),)),
            "contracts[0].paused",
            "TOO_MANY",
        ),
        (
            replace(MEMBER, contracts=tuple(replace(CONTRACT, id=f"C{n}") for n in range(65))),
            "contracts",
            "TOO_MANY",
        ),
        (
            replace(MEMBER, bookings=(replace(BOOKING, store="S9"),)),
            "bookings[0].store",
            "UNKNOWN_REFERENCE",
        ),
        (
            replace(MEMBER, bookings=(replace(BOOKING, end=BOOKING.start),)),
            "bookings[0].end",
            "END_BEFORE_START",
        ),
        (replace(MEMBER, bookings=(BOOKING, BOOKING)), "bookings", "DUPLICATE_ID"),
        (replace(MEMBER, tickets=(TICKET, TICKET)), "tickets", "DUPLICATE_ID"),
        (replace(MEMBER, tickets=(replace(TICKET, id="C1"),)), "tickets", "DUPLICATE_ID"),
        (
            replace(MEMBER, tickets=tuple(replace(TICKET, id=f"T{n}") for n in range(65))),
            "tickets",
            "TOO_MANY",
        ),
        (
            replace(MEMBER, tickets=(replace(TICKET, remaining=10_001),)),
            "tickets[0].remaining",
            "OUT_OF_RANGE",
        ),
        (
            replace(MEMBER, tickets=(replace(TICKET, valid_to=NEW_YEAR - timedelta(days=1)),)),
            "tickets[0].valid_to",
            "END_BEFORE_START",
        ),
        (
            replace(MEMBER, tickets=(replace(TICKET, days=DayRule(frozenset({-1}))),)),
            "tickets[0].weekdays",
            "OUT_OF_RANGE",
        ),
        (
            replace(MEMBER, tickets=(TICKET, replace(TICKET, id="T2", stores=frozenset({"S9"})))),
            "tickets[1].stores",
            "UNKNOWN_REFERENCE",
        ),
        (
            replace(MEMBER, bookings=tuple(replace(BOOKING, id=f"B{n}") for n in range(257))),
            "bookings",
            "TOO_MANY",
        ),
    ],
)
def test_a_fault_of_a_member_names_its_field(member: Member, path: str, code: str) -> None:
    faults = [f for f in check_member(GOOD, member) if f.code != "DUPLICATE_ID" or "ID" in code]
    assert [(f.path, f.code) for f in faults] == [(f"members.M1.{path}", FaultCode(code))]


PERSON = Staff("W1", b"staff--1", frozenset({StaffRole.OPEN}), stores=frozenset({"S1"}))


@pytest.mark.parametrize(
    ("person", "path", "code"),
    [
        (replace(PERSON, handle=b""), "handle", "BAD_LENGTH"),
        (replace(PERSON, version=-1), "version", "OUT_OF_RANGE"),
        (replace(PERSON, stores=frozenset({"S1", "S9"})), "stores", "UNKNOWN_REFERENCE"),
        (replace(PERSON, valid_from=PAUSE[0], valid_to=PAUSE[1]), "valid_to", "END_BEFORE_START"),
    ],
)
def test_a_fault_of_a_staff_person_names_its_field(person: Staff, path: str, code: str) -> None:
    assert check_staff(GOOD, PERSON) == []
    (fault,) = check_staff(GOOD, person)
    assert (fault.path, fault.code) == (f"staff.W1.{path}", FaultCode(code))


def test_staff_are_part_of_the_rules_and_no_two_have_one_handle() -> None:
    other = replace(PERSON, id="W2", version=-1)
    rules = replace(GOOD, staff={"W1": PERSON, "W2": other})
    assert [(fault.path, fault.code) for fault in check_rules(rules)] == [
        ("staff.W2.version", FaultCode.OUT_OF_RANGE),
        ("staff.W2.handle", FaultCode.DUPLICATE_HANDLE),
    ]


def test_a_store_has_a_handle_of_its_own_or_none() -> None:
    def stores(*handles: bytes | None) -> Rules:
        return replace(
            GOOD, stores={f"S{n}": replace(STORE, handle=one) for n, one in enumerate(handles, 1)}
        )

    assert check_rules(stores(None, None, b"store--1", b"store--2")) == []
    (fault,) = check_rules(stores(b"store--1", b"store--1"))
    assert (fault.path, fault.code) == ("stores.S2.handle", FaultCode.DUPLICATE_HANDLE)
    (fault,) = check_rules(stores(b"store"))
    assert (fault.path, fault.code) == ("stores.S1.handle", FaultCode.BAD_LENGTH)


def test_good_rules_have_no_fault() -> None:
    assert check_rules(GOOD) == []
    assert check_rules(bands(Hours(0, 1_440), Hours(1_439, 2_879))) == []
    assert check_rules(rules_of(replace(FREE, type=PlanType.SCHOOL, ticket_required=True))) == []
    assert check_rules(rules_of(Plan("P1", bands=(BandGrant("POOL", 0),)))) == []
    one_day = replace(CONTRACT, end=CONTRACT.start, paused=((NEW_YEAR, NEW_YEAR),))
    good = replace(MEMBER, contracts=(one_day,), bookings=(BOOKING,))
    assert check_member(GOOD, replace(good, notices=frozenset({Warn.OPEN_NOTE}))) == []
    assert check_rules(replace(GOOD, tenant="x" * limits.TENANT_CHARS)) == []
    many = tuple(replace(CONTRACT, id=f"C{n}") for n in range(limits.CONTRACTS))
    assert check_member(GOOD, replace(MEMBER, contracts=many)) == []


def test_all_faults_are_told_at_once() -> None:
    plan = Plan("P1", PlanType.SCHOOL, ticket_required=True, bands=(BandGrant("DAY", -1),) * 2)
    device = Device("D1", "S9", Side.IN, door="F9", booking_early_min=-1)
    rules = replace(
        doors(Door("F1", "S1", pulse_ms=1)), tenant="", devices={"D1": device}, plans={"P1": plan}
    )
    assert [fault.path for fault in check_rules(rules)] == [
        "tenant",
        "plans.P1.restrict",
        "plans.P1.ticket_required",
        "plans.P1.bands[0].limit",
        "plans.P1.bands[1].kind",
        "plans.P1.bands[1].limit",
        "doors.F1.pulse_ms",
        "devices.D1.store",
        "devices.D1.booking_early_min",
        "devices.D1.door",
    ]


def test_what_could_not_be_read_is_not_unknown_on_top() -> None:
    device = replace(ENTRANCE, store="S9", door="F9")
    rules = replace(devices(device), plans={"P1": replace(DAY_PLAN, stores=frozenset({"S9"}))})
    unread = Names(stores=frozenset({"S9"}), plans=frozenset({"P9"}), doors=frozenset({"F9"}))
    assert len(check_rules(rules)) == 3
    assert check_rules(rules, unread) == []
    member = Member(
        "M1", b"member-1", (replace(CONTRACT, plan="P9"),), bookings=(replace(BOOKING, store="S9"),)
    )
    assert len(check_member(GOOD, member)) == 2
    assert check_member(GOOD, member, unread) == []


def test_a_range_says_what_it_allows_and_why() -> None:
    (fault,) = check_rules(doors(Door("F1", "S1", pulse_ms=1)))
    assert str(limits.PULSE) == "500..60000 ms"
    assert fault.message == f"1 is not in 500..60000 ms: {limits.PULSE.reason}"
