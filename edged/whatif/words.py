"""The words of a member's calendar, in the languages that members can be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from edged.settings.model import Language


@dataclass(frozen=True, slots=True)
class Words:
    """What a calendar says; `{}` stand for numbers and names.

    `holiday_mark` and `closed_mark` stand in a day and have to be short.
    """

    weekdays: tuple[str, ...]
    title: str
    day: str
    today: str
    shut: str
    left: str
    left_over: str
    no_limit: str
    any_time: str
    visited: str
    booking: str
    ticket: str
    holiday: str
    holiday_mark: str
    closed: str
    closed_mark: str
    seat: str
    room: str

    def month(self, first: date) -> str:
        """Name a month."""
        return self.title.format(year=first.year, month=first.month, name=f"{first:%B}")

    def date(self, day: date) -> str:
        """Name a day of a month."""
        weekday = self.weekdays[day.weekday()]
        return self.day.format(month=day.month, day=day.day, name=f"{day:%b}", weekday=weekday)

    def way(self, name: str) -> str:
        """Name a way in that is no band: what stands before the colon of a decision's `via`."""
        other = {"plan": self.any_time, "booking": self.booking, "ticket": self.ticket}
        return {**other, "seat": self.seat, "room": self.room}.get(name, name)


WORDS: Mapping[Language, Words] = MappingProxyType(
    {
        Language.JA: Words(
            weekdays=("月", "火", "水", "木", "金", "土", "日"),
            title="{year}年{month}月",
            day="{month}月{day}日({weekday})",
            today="今日",
            shut="入館できる時間はありません",
            left="残り{left}/{limit}回",
            left_over="残り{left}回",
            no_limit="回数制限なし",
            any_time="いつでも",
            visited="利用した日",
            booking="予約",
            ticket="チケット",
            holiday="祝日",
            holiday_mark="祝",
            closed="休業日",
            closed_mark="休",
            seat="座席",
            room="ルーム",
        ),
        Language.KO: Words(
            weekdays=("월", "화", "수", "목", "금", "토", "일"),
            title="{year}년 {month}월",
            day="{month}월 {day}일({weekday})",
            today="오늘",
            shut="입장할 수 있는 시간이 없습니다",
            left="{left}/{limit}회 남음",
            left_over="{left}회 남음",
            no_limit="횟수 제한 없음",
            any_time="언제든지",
            visited="이용한 날",
            booking="예약",
            ticket="출입권",
            holiday="공휴일",
            holiday_mark="공휴",
            closed="휴무일",
            closed_mark="휴무",
            seat="좌석",
            room="예약룸",
        ),
        Language.EN: Words(
            weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
            title="{name} {year}",
            day="{weekday} {day} {name}",
            today="Today",
            shut="no entry",
            left="{left} of {limit} left",
            left_over="{left} left",
            no_limit="no limit",
            any_time="any time",
            visited="visited",
            booking="booking",
            ticket="ticket",
            holiday="holiday",
            holiday_mark="hol.",
            closed="closed",
            closed_mark="closed",
            seat="seat",
            room="room",
        ),
    }
)
