"""What members are told: few words, the same for several reasons (spec/rules.md 3.10).

A message says what to do next, never why somebody is stopped and never a matter of money.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from edged.core.login import Phase
from edged.settings.model import Language
from policy.model import Reason


class MessageClass(Enum):
    """The rows of the table in spec/rules.md 3.10."""

    WELCOME = auto()
    NOT_READ = auto()
    SHOW_AGAIN = auto()
    REPLACED = auto()
    NOT_KNOWN_YET = auto()
    UNAVAILABLE = auto()
    ASK_STAFF = auto()
    WRONG_DOOR = auto()
    OTHER_STORE = auto()
    CHOOSE_STORE = auto()
    ENTER_PIN = auto()
    NO_CONTRACT = auto()
    NOT_NOW = auto()
    USED_UP = auto()
    TICKET = auto()
    NOT_LEFT = auto()
    CHECK_BOOKING = auto()
    CHECK_SEAT = auto()
    CHECK_LOCKER = auto()


class Cue(Enum):
    """What an indicator without a display can tell: what to do next."""

    GO = auto()
    NOTICE = auto()
    """Go; something about it is noted for the staff."""
    SHOW_CODE = auto()
    """Show the code again, or the right one."""
    LATER = auto()
    """Not now; it may work later."""
    NO_RIGHT = auto()
    """What was bought does not open this."""
    STAFF = auto()
    """Ask the staff."""
    FAULT = auto()
    """The device is at fault, and somebody has to see to it."""
    ALARM = auto()
    """No answer to a code: the door was forced, or stands open."""


_REASONS: Mapping[MessageClass, tuple[Reason, ...]] = {
    MessageClass.WELCOME: (
        Reason.OK,
        Reason.OK_WITH_WARNING,
        Reason.STAFF,
        Reason.RECORDED,
    ),
    MessageClass.NOT_READ: (
        Reason.CODE_UNREADABLE,
        Reason.CODE_BAD_SIGNATURE,
        Reason.CODE_UNKNOWN_KEY,
        Reason.CODE_KIND_NOT_ACCEPTED,
        Reason.CODE_USED,
        Reason.MEMBER_UNKNOWN,
        Reason.STAFF_UNKNOWN,
        Reason.STAFF_NOT_HERE,
    ),
    MessageClass.SHOW_AGAIN: (
        Reason.CODE_EXPIRED,
        Reason.CODE_NOT_YET_VALID,
    ),
    MessageClass.REPLACED: (Reason.CODE_REVOKED,),
    MessageClass.NOT_KNOWN_YET: (Reason.MEMBER_NOT_SYNCED,),
    MessageClass.UNAVAILABLE: (
        Reason.DEVICE_DISABLED,
        Reason.LOCKDOWN,
        Reason.INTERLOCK,
        Reason.NO_RULES,
        Reason.RULES_STALE,
        Reason.CLOCK_UNTRUSTED,
        Reason.STORE_CLOSED,
        Reason.RECORD_FAILED,
        Reason.INTERNAL_ERROR,
    ),
    MessageClass.ASK_STAFF: (
        Reason.MEMBER_WITHDRAWN,
        Reason.MEMBER_SUSPENDED,
        Reason.IDENTITY_SUSPENDED,
    ),
    MessageClass.WRONG_DOOR: (
        Reason.DEVICE_GENDER,
        Reason.DEVICE_NOT_QUALIFIED,
    ),
    MessageClass.OTHER_STORE: (Reason.STORE_NOT_ALLOWED,),
    MessageClass.CHOOSE_STORE: (Reason.CODE_OTHER_STORE,),
    MessageClass.ENTER_PIN: (Reason.PIN_NEEDED,),
    MessageClass.NO_CONTRACT: (
        Reason.CONTRACT_NOT_STARTED,
        Reason.CONTRACT_ENDED,
        Reason.CONTRACT_PAUSED,
        Reason.NO_ENTITLEMENT,
    ),
    MessageClass.NOT_NOW: (
        Reason.PLAN_NO_BANDS,
        Reason.OUT_OF_BAND,
        Reason.WEEKDAY_NOT_ALLOWED,
        Reason.HOLIDAY_NOT_ALLOWED,
    ),
    MessageClass.USED_UP: (Reason.QUOTA_EXHAUSTED,),
    MessageClass.TICKET: (
        Reason.TICKET_REQUIRED,
        Reason.TICKET_USED_UP,
        Reason.TICKET_EXPIRED,
        Reason.TICKET_OUT_OF_BAND,
        Reason.TICKET_STORE_NOT_ALLOWED,
    ),
    MessageClass.NOT_LEFT: (Reason.ANTI_PASSBACK,),
    MessageClass.CHECK_BOOKING: (
        Reason.BOOKING_UNPAID,
        Reason.BOOKING_CANCELLED,
        Reason.BOOKING_OVER,
        Reason.TOO_EARLY,
        Reason.NOT_A_REGISTERED_USER,
    ),
    MessageClass.CHECK_SEAT: (
        Reason.SEAT_NOT_ASSIGNED,
        Reason.SEAT_CHECKED_OUT,
        Reason.SEAT_OCCUPIED,
        Reason.NO_PRODUCT,
        Reason.PRODUCT_EXPIRED,
        Reason.TIME_BALANCE_EMPTY,
        Reason.NOT_YOUR_FIXED_SEAT,
        Reason.ALREADY_IN,
        Reason.ALREADY_OUT,
    ),
    MessageClass.CHECK_LOCKER: (
        Reason.LOCKER_NOT_ASSIGNED,
        Reason.LOCKER_NOT_YOURS,
        Reason.LOCKER_BAD_PIN,
        Reason.LOCKER_NOT_STARTED,
        Reason.LOCKER_EXPIRED,
        Reason.LOCKER_OCCUPIED,
        Reason.LOCKER_OUT_OF_ORDER,
        Reason.PIN_RESET_FAILED,
        Reason.STALE_COMMAND,
    ),
}
_CLASS = {reason: message for message, reasons in _REASONS.items() for reason in reasons}


def message_class(reason: Reason) -> MessageClass:
    """Return what to tell the member; total, and one class for all who were stopped."""
    return _CLASS[reason]


CUES: Mapping[MessageClass, Cue] = MappingProxyType(
    {
        MessageClass.WELCOME: Cue.GO,
        MessageClass.NOT_READ: Cue.SHOW_CODE,
        MessageClass.SHOW_AGAIN: Cue.SHOW_CODE,
        MessageClass.REPLACED: Cue.SHOW_CODE,
        MessageClass.NOT_KNOWN_YET: Cue.LATER,
        MessageClass.UNAVAILABLE: Cue.LATER,
        MessageClass.ASK_STAFF: Cue.STAFF,
        MessageClass.OTHER_STORE: Cue.NO_RIGHT,
        MessageClass.CHOOSE_STORE: Cue.SHOW_CODE,
        MessageClass.ENTER_PIN: Cue.SHOW_CODE,
        MessageClass.NO_CONTRACT: Cue.NO_RIGHT,
        MessageClass.NOT_NOW: Cue.LATER,
        MessageClass.USED_UP: Cue.NO_RIGHT,
        MessageClass.TICKET: Cue.NO_RIGHT,
        MessageClass.WRONG_DOOR: Cue.NO_RIGHT,
        MessageClass.NOT_LEFT: Cue.STAFF,
        MessageClass.CHECK_BOOKING: Cue.NO_RIGHT,
        MessageClass.CHECK_SEAT: Cue.NO_RIGHT,
        MessageClass.CHECK_LOCKER: Cue.NO_RIGHT,
    }
)

_OWN_CUES = {
    Reason.OK_WITH_WARNING: Cue.NOTICE,
    Reason.NO_RULES: Cue.FAULT,
    Reason.RECORD_FAILED: Cue.FAULT,
    Reason.INTERNAL_ERROR: Cue.FAULT,
}


def cue(reason: Reason) -> Cue:
    """Return what to tell without words; finer than the words, which members are to read."""
    return _OWN_CUES.get(reason) or CUES[message_class(reason)]


TEXTS: Mapping[Language, Mapping[MessageClass, str]] = MappingProxyType(
    {
        Language.JA: {
            MessageClass.WELCOME: "どうぞ",
            MessageClass.NOT_READ: "読み取れませんでした",
            MessageClass.SHOW_AGAIN: "コードを表示し直してください",
            MessageClass.REPLACED: "このコードは使えません",
            MessageClass.NOT_KNOWN_YET: "登録情報を確認中です。しばらくお待ちください",
            MessageClass.UNAVAILABLE: "ただいま利用できません",
            MessageClass.ASK_STAFF: "スタッフへお問い合わせください",
            MessageClass.OTHER_STORE: "この店舗は対象外です",
            MessageClass.CHOOSE_STORE: "アプリで店舗を選び直してください",
            MessageClass.ENTER_PIN: "暗証番号を入力してください",
            MessageClass.NO_CONTRACT: "有効な契約がありません",
            MessageClass.NOT_NOW: "利用時間・曜日の対象外です",
            MessageClass.USED_UP: "今月の入館回数の上限です",
            MessageClass.TICKET: "入退館チケットが必要です",
            MessageClass.WRONG_DOOR: "この扉は利用できません",
            MessageClass.NOT_LEFT: "退館記録がありません",
            MessageClass.CHECK_BOOKING: "予約を確認してください",
            MessageClass.CHECK_SEAT: "座席・利用券を確認してください",
            MessageClass.CHECK_LOCKER: "ロッカーを確認してください",
        },
        Language.KO: {
            MessageClass.WELCOME: "입장하세요",
            MessageClass.NOT_READ: "인식할 수 없습니다",
            MessageClass.SHOW_AGAIN: "QR을 새로고침하세요",
            MessageClass.REPLACED: "사용할 수 없는 코드입니다",
            MessageClass.NOT_KNOWN_YET: "등록 정보를 확인 중입니다. 잠시 기다려 주세요",
            MessageClass.UNAVAILABLE: "지금은 이용할 수 없습니다",
            MessageClass.ASK_STAFF: "직원에게 문의하세요",
            MessageClass.OTHER_STORE: "이용 가능한 지점이 아닙니다",
            MessageClass.CHOOSE_STORE: "앱에서 지점을 다시 선택하세요",
            MessageClass.ENTER_PIN: "비밀번호를 입력하세요",
            MessageClass.NO_CONTRACT: "유효한 이용권이 없습니다",
            MessageClass.NOT_NOW: "이용 시간·요일이 아닙니다",
            MessageClass.USED_UP: "이번 달 이용 횟수를 모두 사용했습니다",
            MessageClass.TICKET: "출입권이 필요합니다",
            MessageClass.WRONG_DOOR: "이 문은 이용할 수 없습니다",
            MessageClass.NOT_LEFT: "퇴실 기록이 없습니다",
            MessageClass.CHECK_BOOKING: "예약을 확인하세요",
            MessageClass.CHECK_SEAT: "좌석·이용권을 확인하세요",
            MessageClass.CHECK_LOCKER: "사물함을 확인하세요",
        },
        Language.EN: {
            MessageClass.WELCOME: "Please go ahead",
            MessageClass.NOT_READ: "Code not recognised",
            MessageClass.SHOW_AGAIN: "Please refresh your code",
            MessageClass.REPLACED: "This code can't be used",
            MessageClass.NOT_KNOWN_YET: "Checking your registration, please wait a moment",
            MessageClass.UNAVAILABLE: "Not available right now",
            MessageClass.ASK_STAFF: "Please ask our staff",
            MessageClass.OTHER_STORE: "Your plan is not for this location",
            MessageClass.CHOOSE_STORE: "Please choose this location in the app",
            MessageClass.ENTER_PIN: "Please enter your PIN",
            MessageClass.NO_CONTRACT: "No active membership",
            MessageClass.NOT_NOW: "Outside your hours or days",
            MessageClass.USED_UP: "This month's visits are used up",
            MessageClass.TICKET: "An entry ticket is needed",
            MessageClass.WRONG_DOOR: "This door is not for your use",
            MessageClass.NOT_LEFT: "You have not left yet",
            MessageClass.CHECK_BOOKING: "Please check your booking",
            MessageClass.CHECK_SEAT: "Please check your seat or pass",
            MessageClass.CHECK_LOCKER: "Please check your locker",
        },
    }
)

LOGIN_TEXTS: Mapping[Phase, Mapping[Language, str]] = MappingProxyType(
    {
        Phase.ARMED: {
            Language.JA: "管理画面ログイン: スタッフコードをかざしてください",
            Language.KO: "관리 화면 로그인: 직원 코드를 보여 주세요",
            Language.EN: "Console login: show your staff code",
        },
        Phase.SHOWN: {
            Language.JA: "管理画面ログイン: もう一度4桁を入力してください",
            Language.KO: "관리 화면 로그인: 네 자리를 다시 입력하세요",
            Language.EN: "Console login: the four digits once more",
        },
        Phase.CONFIRMED: {
            Language.JA: "管理画面にログインしました",
            Language.KO: "관리 화면에 로그인했습니다",
            Language.EN: "Logged in at the console",
        },
    }
)
"""What a reader says of a login by a staff code, by how far it is (edged/readers/logins.py)."""
