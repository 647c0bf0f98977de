import pytest

from edged.messages import CUES, TEXTS, Cue, MessageClass, cue, message_class
from edged.settings.model import Language
from policy.model import Reason

ROWS = {
    "どうぞ": ("입장하세요", "OK OK_WITH_WARNING STAFF RECORDED"),
    "読み取れませんでした": (
        "인식할 수 없습니다",
        (
            "CODE_UNREADABLE CODE_BAD_SIGNATURE CODE_UNKNOWN_KEY CODE_KIND_NOT_ACCEPTED CODE_USED"
            " MEMBER_UNKNOWN STAFF_UNKNOWN STAFF_NOT_HERE"
        ),
    ),
    "コードを表示し直してください": (
        "QR을 새로고침하세요",
        "CODE_EXPIRED CODE_NOT_YET_VALID",
    ),
    "このコードは使えません": ("사용할 수 없는 코드입니다", "CODE_REVOKED"),
    "登録情報を確認中です。しばらくお待ちください": (
        "등록 정보를 확인 중입니다. 잠시 기다려 주세요",
        "MEMBER_NOT_SYNCED",
    ),
    "ただいま利用できません": (
        "지금은 이용할 수 없습니다",
        (
            "DEVICE_DISABLED LOCKDOWN INTERLOCK NO_RULES RULES_STALE STORE_CLOSED"
            " CLOCK_UNTRUSTED RECORD_FAILED INTERNAL_ERROR"
        ),
    ),
    "スタッフへお問い合わせください": (
        "직원에게 문의하세요",
        "MEMBER_WITHDRAWN MEMBER_SUSPENDED IDENTITY_SUSPENDED",
    ),
    "この店舗は対象外です": ("이용 가능한 지점이 아닙니다", "STORE_NOT_ALLOWED"),
    "アプリで店舗を選び直してください": ("앱에서 지점을 다시 선택하세요", "CODE_OTHER_STORE"),
    "暗証番号を入力してください": ("비밀번호를 입력하세요", "PIN_NEEDED"),
    "有効な契約がありません": (
        "유효한 이용권이 없습니다",
        "CONTRACT_NOT_STARTED CONTRACT_ENDED CONTRACT_PAUSED NO_ENTITLEMENT",
    ),
    "利用時間・曜日の対象外です": (
        "이용 시간·요일이 아닙니다",
        "PLAN_NO_BANDS OUT_OF_BAND WEEKDAY_NOT_ALLOWED HOLIDAY_NOT_ALLOWED",
    ),
    "今月の入館回数の上限です": ("이번 달 이용 횟수를 모두 사용했습니다", "QUOTA_EXHAUSTED"),
    "入退館チケットが必要です": (
        "출입권이 필요합니다",
        "TICKET_REQUIRED TICKET_USED_UP TICKET_EXPIRED TICKET_OUT_OF_BAND TICKET_STORE_NOT_ALLOWED",
    ),
    "この扉は利用できません": (
        "이 문은 이용할 수 없습니다",
        "DEVICE_GENDER DEVICE_NOT_QUALIFIED",
    ),
    "退館記録がありません": ("퇴실 기록이 없습니다", "ANTI_PASSBACK"),
    "予約を確認してください": (
        "예약을 확인하세요",
        "BOOKING_UNPAID BOOKING_CANCELLED BOOKING_OVER TOO_EARLY NOT_A_REGISTERED_USER",
    ),
    "座席・利用券を確認してください": (
        "좌석·이용권을 확인하세요",
        (
            "SEAT_NOT_ASSIGNED SEAT_CHECKED_OUT SEAT_OCCUPIED NO_PRODUCT PRODUCT_EXPIRED"
            " TIME_BALANCE_EMPTY NOT_YOUR_FIXED_SEAT ALREADY_IN ALREADY_OUT"
        ),
    ),
    "ロッカーを確認してください": (
        "사물함을 확인하세요",
        (
            "LOCKER_NOT_ASSIGNED LOCKER_NOT_YOURS LOCKER_BAD_PIN LOCKER_NOT_STARTED LOCKER_EXPIRED"
            " LOCKER_OCCUPIED LOCKER_OUT_OF_ORDER PIN_RESET_FAILED STALE_COMMAND"
        ),
    ),
}
"""spec/rules.md 3.10, and some reasons of the device's own that it has no row for."""


def test_the_table_has_every_reason_once() -> None:
    told = [reason for _, reasons in ROWS.values() for reason in reasons.split()]
    assert sorted(told) == sorted(Reason)


@pytest.mark.parametrize(
    ("reason", "ja", "ko"),
    [(Reason(reason), ja, ko) for ja, (ko, reasons) in ROWS.items() for reason in reasons.split()],
)
def test_every_reason_is_told_in_its_rows_words(reason: Reason, ja: str, ko: str) -> None:
    message = message_class(reason)
    assert TEXTS[Language.JA][message] == ja
    assert TEXTS[Language.KO][message] == ko


@pytest.mark.parametrize("language", Language)
def test_every_language_has_its_own_words_for_every_message(language: Language) -> None:
    texts = TEXTS[language]
    assert set(texts) == set(MessageClass)
    assert len(set(texts.values())) == len(MessageClass)
    assert all(text == text.strip() and text.isprintable() for text in texts.values())


def test_only_who_may_pass_is_told_to_go() -> None:
    going = {reason: cue(reason) for reason in Reason if cue(reason) in {Cue.GO, Cue.NOTICE}}
    assert going == {
        Reason.OK: Cue.GO,
        Reason.STAFF: Cue.GO,
        Reason.RECORDED: Cue.GO,
        Reason.OK_WITH_WARNING: Cue.NOTICE,
    }


def test_a_fault_is_the_devices_and_nobody_elses() -> None:
    faults = {reason for reason in Reason if cue(reason) is Cue.FAULT}
    assert faults == {Reason.NO_RULES, Reason.RECORD_FAILED, Reason.INTERNAL_ERROR}


def test_no_answer_to_a_code_is_an_alarm() -> None:
    assert {cue(reason) for reason in Reason} == set(Cue) - {Cue.ALARM}


def test_every_message_has_its_cue() -> None:
    assert set(CUES) == set(MessageClass)
