"""What people are told beside yes and no: when it opens, what is left; to staff also why.

One code for machines, one line for the member, one for staff. Members are never told why they
were stopped: for them `policy.explain` computes nothing. Times are those of the store.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType

from edged import limits
from edged.settings.model import Language
from edged.staff_words import FACTS, REASONS, Words, word
from policy.decision import Fact
from policy.explain import Left, Way, WayIn
from policy.locker_model import Locker
from policy.model import Decision, Reason, Verdict
from policy.seats import Io, Seat
from policy.usage import ANY_BAND

_MINUTE = timedelta(minutes=1)

_WAYS: Mapping[Way, Words] = MappingProxyType(
    {
        Way.FROM: (
            "{opens}から入館できます",
            "{opens}부터 입장할 수 있습니다",
            "From {opens}",
        ),
        Way.BOOKED: (
            "{booked}のご予約は{opens}から入れます",
            "{booked} 예약: {opens}부터 입장 가능",
            "Booked {booked}, opens {opens}",
        ),
        Way.NEXT_MONTH: (
            "来月 {opens}から入館できます",
            "다음 달 {opens}부터 입장할 수 있습니다",
            "Next month, from {opens}",
        ),
        Way.CONTRACT_STARTS: (
            "ご契約は{opens}から有効です",
            "이용권은 {opens}부터 유효합니다",
            "Your plan is valid from {opens}",
        ),
    }
)
_LEFT: Words = ("{of}回中あと{left}回", "{of}회 중 {left}회 남음", "{left} of {of} left")
_LEFT_OF_TICKET: Words = ("あと{left}回", "{left}회 남음", "{left} left")

_SEAT: Mapping[Io, Words] = MappingProxyType(
    {
        Io.IN: ("座席{}: 入室", "좌석 {}: 입실", "Seat {}: checked in"),
        Io.OUT: ("座席{}: 退室", "좌석 {}: 퇴실", "Seat {}: checked out"),
    }
)
_LOCKER: Words = ("ロッカー{}: {}まで", "사물함 {}: {}까지", "Locker {}: until {}")

_TOMORROW: Words = ("明日", "내일", "tomorrow")
_DATE: Words = ("{0.month}月{0.day}日({1})", "{0.month}월 {0.day}일({1})", "{1} {0.day} {2}")
_WEEKDAYS: Words = ("月 火 水 木 金 土 日", "월 화 수 목 금 토 일", "Mon Tue Wed Thu Fri Sat Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Checks that tell a reason without naming it; all others name it.
_TOLD_BY = {
    Reason.QUOTA_EXHAUSTED: "quota",
    Reason.OUT_OF_BAND: "in_band",
    Reason.ANTI_PASSBACK: "passback",
    Reason.RULES_STALE: "rules_fresh",
}


def member_line(ahead: WayIn | Left, language: Language, tz: tzinfo, now: datetime) -> str:
    """Return one line for the member, of at most `limits.MEMBER_LINE_COLUMNS`.

    Args:
        ahead: The nearest way in, or what is left.
        language: In which language.
        tz: The store's zone, in which times and dates are told.
        now: The instant of the decision; what is on the same date is told by its time only.
    """
    if isinstance(ahead, Left):
        text = word(_LEFT_OF_TICKET if ahead.of is None else _LEFT, language)
        return text.format(left=ahead.left, of=ahead.of)
    today = now.astimezone(tz).date()
    opens, begins = (_minute(at, tz) for at in (ahead.at, ahead.booked or ahead.at))
    beside = opens.date() if opens.date() == begins.date() and ahead.booked else today
    return word(_WAYS[ahead.kind], language).format(
        opens=_when(opens, beside, language, in_full=ahead.kind is Way.NEXT_MONTH),
        booked=_when(begins, today, language),
    )


def held_line(
    seats: Iterable[Seat],
    lockers: Iterable[Locker],
    language: Language,
    tz: tzinfo,
    now: datetime,
) -> str:
    """Return one line of what a member holds: seats, and lockers with their ends.

    It is cut after `limits.MEMBER_LINE_COLUMNS` characters.

    Args:
        seats: Of the member; one that was given back is left out.
        lockers: Of the member.
        language: In which language.
        tz: The store's zone, in which times and dates are told.
        now: An end on the same date is told by its time only.
    """
    today = now.astimezone(tz).date()
    held = [word(_SEAT[s.holding.io], language).format(s.id) for s in seats if s.holding]
    for locker in lockers:
        if locker.occupancy is not None:
            end = _when(_minute(locker.occupancy.end, tz), today, language)
            held.append(word(_LOCKER, language).format(locker.id, end))
    return " / ".join(held)[: limits.MEMBER_LINE_COLUMNS]


def staff_line(decision: Decision, language: Language, tz: tzinfo, ahead: str = "") -> str:
    """Return one line for staff: the code, its meaning, what it was judged by, the warnings.

    Never for the member's eyes: it tells why somebody was stopped.

    Args:
        decision: What was decided; its trace is spelled out for this.
        language: In which language.
        tz: The store's zone.
        ahead: The member's line, if there is one, to stand at the end.
    """
    parts = [decision.reason.value, word(REASONS[decision.reason], language)]
    if decision.verdict is Verdict.DENY:
        parts += _facts(decision, language, tz)
    else:
        parts += [str(p) for p in (decision.via, decision.band, decision.service_date) if p]
    parts += [warning.value for warning in decision.warnings]
    return " | ".join([*parts, ahead] if ahead else parts)


def plain(ahead: WayIn | Left) -> dict[str, object]:
    """Spell it as plain JSON values for machines: `code`, and times in UTC."""
    if isinstance(ahead, Left):
        return {"code": "LEFT", "left": ahead.left, "of": ahead.of}
    booked = None if ahead.booked is None else ahead.booked.isoformat()
    return {
        "code": ahead.kind.value,
        "at": ahead.at.isoformat(),
        "booked": booked,
        "via": ahead.via,
        "band": ahead.band,
    }


def _minute(at: datetime, tz: tzinfo) -> datetime:
    """Return the store's time at an instant, in whole minutes and never before it."""
    return (at + _MINUTE - timedelta.resolution).astimezone(tz).replace(second=0, microsecond=0)


def _when(local: datetime, today: date, language: Language, *, in_full: bool = False) -> str:
    clock, days = f"{local:%H:%M}", (local.date() - today).days
    if days == 0 and not in_full:
        return clock
    if days == 1 and not in_full:
        return f"{word(_TOMORROW, language)} {clock}"
    weekday = word(_WEEKDAYS, language).split()[local.weekday()]
    day = word(_DATE, language).format(local, weekday, _MONTHS[local.month - 1])
    return f"{day} {clock}"


def _facts(decision: Decision, language: Language, tz: tzinfo) -> Iterator[str]:
    """Spell the facts of the first check that told the reason."""
    name, reason = _TOLD_BY.get(decision.reason), decision.reason
    for check in decision.trace:
        if not check.passed and (check.name == name or check.facts.get("reason") == reason):
            facts = {**_parts(check.facts, tz), **check.facts}
            yield from (f"{word(FACTS[n], language)} {facts[n]}" for n in FACTS if n in facts)
            return


def _parts(facts: Mapping[str, Fact], tz: tzinfo) -> dict[str, Fact]:
    """Return what a check's facts say in other words.

    A usage key is taken apart; the band of a ticket that asks for none is no fact.
    """
    parts: dict[str, Fact] = {}
    if "key" in facts:
        owner, band, day = str(facts["key"]).rsplit("/", 2)
        parts = {"ticket" if "ticket" in facts else "contract": owner, "date": day}
        if not band.startswith(ANY_BAND):
            parts["band"] = band
    if "since" in facts:
        since = datetime.fromisoformat(str(facts["since"])).astimezone(tz)
        parts["inside"] = f"{since:%Y-%m-%d %H:%M}"
    return parts
