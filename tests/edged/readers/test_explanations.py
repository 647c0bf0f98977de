"""The words beside yes and no, in three languages."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.limits import MEMBER_LINE_COLUMNS
from edged.readers.explanations import held_line, member_line, plain, staff_line
from edged.settings.model import Language
from edged.staff_words import FACTS, REASONS
from policy.entry import decide
from policy.explain import Left, Way, WayIn
from policy.locker_model import Locker, LockerState, Occupancy
from policy.model import (
    AntiPassback,
    BandGrant,
    Decision,
    Device,
    Member,
    Mode,
    Plan,
    Qualifier,
    Reason,
    Rules,
    RuleSettings,
    Scene,
    StalePolicy,
    Ticket,
    TicketType,
    Usage,
    UsageKey,
    Verdict,
    Visit,
    Warn,
)
from policy.seats import Holding, Io, ProductKind, Seat
from tests.policy.worlds import ENTRANCE, MEMBER, TOKYO, at, rules_of

NOW = at(9)
DECEMBER = datetime(2026, 12, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "ja", "ko", "en"),
    [
        pytest.param(
            WayIn(Way.FROM, at(17, 45), "plan:C1"),
            "17:45から入館できます",
            "17:45부터 입장할 수 있습니다",
            "From 17:45",
            id="later today",
        ),
        pytest.param(
            WayIn(Way.FROM, at(6, day=5), "plan:C1"),
            "明日 06:00から入館できます",
            "내일 06:00부터 입장할 수 있습니다",
            "From tomorrow 06:00",
            id="tomorrow",
        ),
        pytest.param(
            WayIn(Way.FROM, at(6, day=7), "plan:C1"),
            "11月7日(土) 06:00から入館できます",
            "11월 7일(토) 06:00부터 입장할 수 있습니다",
            "From Sat 7 Nov 06:00",
            id="on a date",
        ),
        pytest.param(
            WayIn(Way.BOOKED, at(9, 45), "booking:B1", booked=at(10)),
            "10:00のご予約は09:45から入れます",
            "10:00 예약: 09:45부터 입장 가능",
            "Booked 10:00, opens 09:45",
            id="booked today",
        ),
        pytest.param(
            WayIn(Way.BOOKED, at(9, 45, day=7), "booking:B1", booked=at(10, day=7)),
            "11月7日(土) 10:00のご予約は09:45から入れます",
            "11월 7일(토) 10:00 예약: 09:45부터 입장 가능",
            "Booked Sat 7 Nov 10:00, opens 09:45",
            id="booked on a date",
        ),
        pytest.param(
            WayIn(Way.BOOKED, at(23, 50, day=6), "booking:B1", booked=at(0, 5, day=7)),
            "11月7日(土) 00:05のご予約は11月6日(金) 23:50から入れます",
            "11월 7일(토) 00:05 예약: 11월 6일(금) 23:50부터 입장 가능",
            "Booked Sat 7 Nov 00:05, opens Fri 6 Nov 23:50",
            id="booked just after midnight",
        ),
        pytest.param(
            WayIn(Way.NEXT_MONTH, DECEMBER, "plan:C1", "DAY"),
            "来月 12月1日(火) 10:00から入館できます",
            "다음 달 12월 1일(화) 10:00부터 입장할 수 있습니다",
            "Next month, from Tue 1 Dec 10:00",
            id="next month",
        ),
        pytest.param(
            WayIn(Way.CONTRACT_STARTS, at(10, day=20), "plan:C1", "DAY"),
            "ご契約は11月20日(金) 10:00から有効です",
            "이용권은 11월 20일(금) 10:00부터 유효합니다",
            "Your plan is valid from Fri 20 Nov 10:00",
            id="a contract starts",
        ),
        pytest.param(
            Left(2, 8), "8回中あと2回", "8회 중 2회 남음", "2 of 8 left", id="2 of 8 left"
        ),
        pytest.param(Left(2), "あと2回", "2회 남음", "2 left", id="2 left of a ticket"),
    ],
)
def test_a_member_reads_one_line(ahead: WayIn | Left, ja: str, ko: str, en: str) -> None:
    texts = {Language.JA: ja, Language.KO: ko, Language.EN: en}
    told = {language: member_line(ahead, language, TOKYO, NOW) for language in Language}
    assert told == texts


def test_the_next_month_is_told_with_its_date_even_if_it_is_tomorrow() -> None:
    told = member_line(
        WayIn(Way.NEXT_MONTH, DECEMBER, None), Language.EN, TOKYO, DECEMBER - timedelta(hours=12)
    )
    assert told == "Next month, from Tue 1 Dec 10:00"


def test_times_are_the_stores_and_never_too_early() -> None:
    way = WayIn(Way.FROM, at(12, 30) + timedelta.resolution, None)
    assert member_line(way, Language.EN, TOKYO, NOW) == "From 12:31"
    new_york = ZoneInfo("America/New_York")
    assert member_line(way, Language.EN, new_york, NOW) == "From 22:31"


def columns(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


@given(
    st.sampled_from(Way),
    st.sampled_from(Language),
    st.integers(0, 62 * 1_440),
    st.none() | st.integers(0, 1_440),
)
def test_a_members_line_fits_the_display(
    kind: Way, language: Language, minutes: int, margin: int | None
) -> None:
    opens = NOW + timedelta(minutes=minutes)
    booked = None if margin is None else opens + timedelta(minutes=margin)
    text = member_line(WayIn(kind, opens, "plan:C1", booked=booked), language, TOKYO, NOW)
    assert columns(text) <= MEMBER_LINE_COLUMNS
    assert text.isprintable()
    assert "{" not in text


SEAT = Seat("9", Holding("M1", "P1", ProductKind.PERIOD_FIXED, Io.OUT, NOW), "S1")
LOCKER = Locker("L1", LockerState.IN_USE, Occupancy("O1", "M1", NOW, at(0) + timedelta(days=4)))


@pytest.mark.parametrize(
    ("language", "line"),
    [
        (Language.JA, "座席9: 退室 / ロッカーL1: 11月8日(日) 00:00まで"),
        (Language.KO, "좌석 9: 퇴실 / 사물함 L1: 11월 8일(일) 00:00까지"),
        (Language.EN, "Seat 9: checked out / Locker L1: until Sun 8 Nov 00:00"),
    ],
)
def test_what_a_member_holds_is_one_line(language: Language, line: str) -> None:
    assert held_line([SEAT], [LOCKER], language, TOKYO, NOW) == line
    assert columns(line) <= MEMBER_LINE_COLUMNS


def test_who_holds_a_lot_is_told_as_much_as_fits() -> None:
    line = held_line([SEAT], [LOCKER] * 9, Language.EN, TOKYO, NOW)
    assert line.startswith("Seat 9: checked out / Locker L1: until Sun 8 Nov 00:00 / Lock")
    assert columns(line) == MEMBER_LINE_COLUMNS


def test_what_nobody_holds_any_more_is_not_told() -> None:
    free = replace(SEAT, holding=None)
    assert held_line([free], [Locker("L1")], Language.EN, TOKYO, NOW) == ""


def test_machines_read_one_code() -> None:
    assert plain(WayIn(Way.BOOKED, at(9, 45), "booking:B1", booked=at(10))) == {
        "code": "BOOKED",
        "at": "2026-11-04T00:45:00+00:00",
        "booked": "2026-11-04T01:00:00+00:00",
        "via": "booking:B1",
        "band": None,
    }
    assert plain(WayIn(Way.FROM, at(10), "plan:C1", "DAY"))["booked"] is None
    assert plain(Left(2, 8)) == {"code": "LEFT", "left": 2, "of": 8}


DAY = rules_of(Plan("P1", bands=(BandGrant("DAY", 2),)))
TICKETS = rules_of(Plan("P1", restrict=False, ticket_required=True))
USED = Usage.of(UsageKey("C1", "DAY", date(2026, 11, day)) for day in (1, 2))
INSIDE = Visit("S1", at(11), None, "D1", "plan:C1", "DAY")
HARD = replace(DAY, settings=RuleSettings(anti_passback=AntiPassback.HARD))
STRICT = replace(DAY, settings=RuleSettings(stale_policy=StalePolicy.DENY))
TICKET = Ticket("T1", TicketType.ENTRY, 0, date(2026, 1, 1))
BANDED = replace(TICKET, bands=frozenset({"DAY"}))
KEYS = replace(ENTRANCE, mode=Mode.KEY_SCHEDULE)
LATER = replace(MEMBER.contracts[0], start=date(2026, 12, 1))


@pytest.mark.parametrize(
    ("rules", "device", "member", "scene", "en"),
    [
        pytest.param(
            DAY,
            ENTRANCE,
            MEMBER,
            Scene(at(12), USED),
            "QUOTA_EXHAUSTED | visits used up"
            " | contract C1 | plan P1 | band DAY | date 2026-11-04 | used 2 | limit 2",
            id="count",
        ),
        pytest.param(
            DAY,
            ENTRANCE,
            MEMBER,
            Scene(at(9)),
            "OUT_OF_BAND | outside the hours | plan P1",
            id="hours",
        ),
        pytest.param(
            DAY,
            ENTRANCE,
            replace(MEMBER, contracts=(LATER,)),
            Scene(at(12)),
            "CONTRACT_NOT_STARTED | contract has not begun"
            " | contract C1 | plan P1 | band DAY | date 2026-11-04",
            id="contract",
        ),
        pytest.param(
            TICKETS,
            ENTRANCE,
            replace(MEMBER, tickets=(TICKET,)),
            Scene(at(12)),
            "TICKET_USED_UP | ticket used up | ticket T1 | date 2026-11-04",
            id="ticket",
        ),
        pytest.param(
            TICKETS,
            ENTRANCE,
            replace(MEMBER, tickets=(BANDED,)),
            Scene(at(12)),
            "TICKET_USED_UP | ticket used up | ticket T1 | band DAY | date 2026-11-04",
            id="ticket of a band",
        ),
        pytest.param(
            HARD,
            ENTRANCE,
            MEMBER,
            Scene(at(12), visit=INSIDE),
            "ANTI_PASSBACK | inside already | inside since 2026-11-04 11:00",
            id="inside",
        ),
        pytest.param(
            STRICT,
            ENTRANCE,
            MEMBER,
            Scene(at(12), rules_age_h=80.5),
            "RULES_STALE | rules too old | age in hours 80.5 | WARN_RULES_STALE",
            id="old rules",
        ),
        pytest.param(
            DAY,
            KEYS,
            replace(MEMBER, contracts=(LATER,)),
            Scene(at(12)),
            "CONTRACT_NOT_STARTED | contract has not begun"
            " | contract C1 | band DAY | date 2026-11-04",
            id="key schedule",
        ),
        pytest.param(
            DAY,
            replace(ENTRANCE, qualify=frozenset({Qualifier.BOOKING})),
            MEMBER,
            Scene(at(12)),
            "DEVICE_NOT_QUALIFIED | not for this door",
            id="no fact",
        ),
        pytest.param(
            DAY,
            ENTRANCE,
            replace(MEMBER, notices=frozenset({Warn.OPEN_NOTE})),
            Scene(at(12)),
            "OK | let in | plan:C1 | DAY | 2026-11-04 | WARN_OPEN_NOTE",
            id="let in",
        ),
    ],
)
def test_staff_read_why(
    rules: Rules, device: Device, member: Member, scene: Scene, en: str
) -> None:
    decision = decide(rules, device, member, scene)
    assert staff_line(decision, Language.EN, TOKYO) == en


def test_staff_read_it_in_their_language_and_what_the_member_was_told() -> None:
    refused = decide(DAY, ENTRANCE, MEMBER, Scene(at(12), USED))
    ahead = member_line(WayIn(Way.NEXT_MONTH, DECEMBER, "plan:C1"), Language.JA, TOKYO, NOW)
    assert staff_line(refused, Language.JA, TOKYO, ahead) == (
        "QUOTA_EXHAUSTED | 回数の上限 | 契約 C1 | プラン P1 | 時間帯 DAY | 利用日 2026-11-04"
        " | 利用回数 2 | 上限 2 | 来月 12月1日(火) 10:00から入館できます"
    )
    assert staff_line(refused, Language.KO, TOKYO) == (
        "QUOTA_EXHAUSTED | 이용 횟수 소진 | 계약 C1 | 요금제 P1 | 시간대 DAY | 이용일 2026-11-04"
        " | 이용 횟수 2 | 한도 2"
    )


def test_staff_read_which_stop_it_was() -> None:
    stopped = (Reason.MEMBER_WITHDRAWN, Reason.MEMBER_SUSPENDED, Reason.IDENTITY_SUSPENDED)
    for language in Language:
        told = {staff_line(Decision(Verdict.DENY, reason), language, TOKYO) for reason in stopped}
        assert len(told) == len(stopped)


@pytest.mark.parametrize("words", [REASONS.values(), FACTS.values()], ids=["reasons", "facts"])
def test_every_language_has_its_own_word_for_everything(words: list[tuple[str, ...]]) -> None:
    for told in zip(*words, strict=True):
        assert len(set(told)) == len(told)
        assert all(text == text.strip() and text.isprintable() for text in told)


def test_staff_have_a_word_for_every_reason() -> None:
    assert set(REASONS) == set(Reason)
