"""What staff read beside a code (spec/rules.md 3.10), in the order of `Language`: ja, ko, en.

Staff are told what members are not: which flag stopped somebody, which pass is missing. A check's
fact that has no word here is left out: it means nothing without the source.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edged.settings.model import Language
from policy.model import Reason

Words = tuple[str, str, str]

_PLACE = {language: place for place, language in enumerate(Language)}


def word(words: Words, language: Language) -> str:
    """Return the one of that language."""
    return words[_PLACE[language]]


REASONS: Mapping[Reason, Words] = MappingProxyType(
    {
        Reason.OK: ("入館可", "입장 가능", "let in"),
        Reason.OK_WITH_WARNING: ("通過可、要確認", "통과, 확인 필요", "let through, please check"),
        Reason.STAFF: ("スタッフ", "직원", "staff"),
        Reason.RECORDED: ("記録のみ", "기록만", "recorded only"),
        Reason.CODE_UNREADABLE: ("コード読取不可", "코드 판독 불가", "code can't be read"),
        Reason.CODE_KIND_NOT_ACCEPTED: (
            "この端末で使えない種類のコード",
            "이 단말기에서 쓸 수 없는 코드 종류",
            "kind of code not accepted here",
        ),
        Reason.CODE_UNKNOWN_KEY: ("署名鍵が不明", "알 수 없는 서명 키", "signed by an unknown key"),
        Reason.CODE_OTHER_STORE: ("他店舗用コード", "다른 지점의 코드", "code for another store"),
        Reason.CODE_BAD_SIGNATURE: ("署名が不正", "서명 오류", "signature is wrong"),
        Reason.CODE_NOT_YET_VALID: (
            "コードの有効期間前",
            "코드 유효 시간 전",
            "code valid later",
        ),
        Reason.CODE_EXPIRED: ("コードの期限切れ", "코드 만료", "code has expired"),
        Reason.CODE_REVOKED: ("失効したコード", "폐기된 코드", "code was replaced"),
        Reason.CODE_USED: ("使用済みコード", "이미 사용한 코드", "code was used already"),
        Reason.PIN_NEEDED: ("暗証番号待ち", "비밀번호 대기", "card needs its PIN"),
        Reason.STAFF_UNKNOWN: ("スタッフ登録なし", "등록되지 않은 직원", "no such staff"),
        Reason.STAFF_NOT_HERE: (
            "この店舗の権限なし",
            "이 지점 권한 없음",
            "staff, but not here",
        ),
        Reason.MEMBER_UNKNOWN: ("会員登録なし", "등록되지 않은 회원", "no such member"),
        Reason.MEMBER_NOT_SYNCED: (
            "会員情報が未同期",
            "회원 정보 미동기화",
            "member not known yet",
        ),
        Reason.DEVICE_DISABLED: ("端末が無効", "단말기 사용 중지", "device is off"),
        Reason.LOCKDOWN: ("全館施錠中", "전체 잠금 중", "lockdown"),
        Reason.INTERLOCK: ("連動扉が開いている", "연동문이 열려 있음", "partner door is open"),
        Reason.NO_RULES: ("ルール未受信", "규칙 없음", "no rules loaded"),
        Reason.RULES_STALE: ("ルールが古い", "규칙이 오래됨", "rules too old"),
        Reason.CLOCK_UNTRUSTED: ("時計が未確認", "시계 미확인", "clock not trusted"),
        Reason.RECORD_FAILED: ("記録不可", "기록 실패", "can't be recorded"),
        Reason.INTERNAL_ERROR: ("内部エラー", "내부 오류", "internal error"),
        Reason.MEMBER_WITHDRAWN: ("退会済み", "탈퇴 회원", "has withdrawn"),
        Reason.MEMBER_SUSPENDED: ("入退館停止中", "출입 정지", "entry stopped"),
        Reason.IDENTITY_SUSPENDED: (
            "本人確認による停止中",
            "본인확인 출입 정지",
            "entry stopped by the identity check",
        ),
        Reason.DEVICE_GENDER: ("性別制限", "성별 제한", "door for the other gender"),
        Reason.DEVICE_NOT_QUALIFIED: (
            "入館資格なし",
            "출입 자격 없음",
            "not for this door",
        ),
        Reason.QUOTA_EXHAUSTED: ("回数の上限", "이용 횟수 소진", "visits used up"),
        Reason.STORE_CLOSED: ("休業日", "휴무일", "closed that day"),
        Reason.HOLIDAY_NOT_ALLOWED: ("祝日対象外", "공휴일 이용 불가", "not on holidays"),
        Reason.WEEKDAY_NOT_ALLOWED: ("曜日対象外", "이용 요일 아님", "not on this weekday"),
        Reason.CONTRACT_PAUSED: ("休会中", "휴회 중", "membership is paused"),
        Reason.CONTRACT_ENDED: ("契約終了", "계약 종료", "contract has ended"),
        Reason.CONTRACT_NOT_STARTED: ("契約開始前", "계약 시작 전", "contract has not begun"),
        Reason.OUT_OF_BAND: ("時間帯対象外", "이용 시간대 아님", "outside the hours"),
        Reason.TICKET_USED_UP: ("チケット残数なし", "출입권 소진", "ticket used up"),
        Reason.TICKET_EXPIRED: ("チケット期間外", "출입권 기간 아님", "ticket not valid that day"),
        Reason.TICKET_OUT_OF_BAND: (
            "チケットの時間帯対象外",
            "출입권 시간대 아님",
            "outside the ticket's hours",
        ),
        Reason.TICKET_STORE_NOT_ALLOWED: (
            "チケットの店舗対象外",
            "출입권 지점 아님",
            "ticket not for this store",
        ),
        Reason.TICKET_REQUIRED: ("チケットなし", "출입권 없음", "needs an entry ticket"),
        Reason.PLAN_NO_BANDS: ("プランに時間帯なし", "요금제에 시간대 없음", "plan has no hours"),
        Reason.STORE_NOT_ALLOWED: ("店舗対象外", "이용 지점 아님", "plan not for this store"),
        Reason.NO_ENTITLEMENT: ("契約・予約なし", "계약·예약 없음", "no contract and no booking"),
        Reason.ANTI_PASSBACK: ("退館記録なし", "퇴실 기록 없음", "inside already"),
        Reason.BOOKING_UNPAID: ("予約が未決済", "예약 미결제", "booking not paid"),
        Reason.BOOKING_CANCELLED: ("予約取消済み", "예약 취소됨", "booking was cancelled"),
        Reason.BOOKING_OVER: ("予約終了", "예약 종료", "booking is over"),
        Reason.TOO_EARLY: ("予約時刻前", "예약 시간 전", "too early for the booking"),
        Reason.NOT_A_REGISTERED_USER: ("利用者登録なし", "등록된 이용자 아님", "not a user of it"),
        Reason.SEAT_NOT_ASSIGNED: ("座席の割当なし", "배정된 좌석 없음", "has no seat"),
        Reason.SEAT_CHECKED_OUT: ("退室中", "퇴실 상태", "is checked out of the seat"),
        Reason.SEAT_OCCUPIED: ("座席使用中", "사용 중인 좌석", "seat is taken"),
        Reason.NO_PRODUCT: ("利用券なし", "이용권 없음", "has no pass"),
        Reason.PRODUCT_EXPIRED: ("利用券の期限切れ", "이용권 만료", "pass has expired"),
        Reason.TIME_BALANCE_EMPTY: ("時間残高なし", "잔여 시간 없음", "no minutes left"),
        Reason.NOT_YOUR_FIXED_SEAT: (
            "他の方の固定席",
            "다른 회원의 고정석",
            "somebody's fixed seat",
        ),
        Reason.ALREADY_IN: ("入室済み", "이미 입실", "checked in already"),
        Reason.ALREADY_OUT: ("退室済み", "이미 퇴실", "checked out already"),
        Reason.LOCKER_NOT_ASSIGNED: ("未割当のロッカー", "배정되지 않은 사물함", "locker is free"),
        Reason.LOCKER_NOT_YOURS: (
            "他の方のロッカー",
            "다른 회원의 사물함",
            "another's locker",
        ),
        Reason.LOCKER_BAD_PIN: ("暗証番号が違う", "비밀번호 오류", "wrong PIN"),
        Reason.LOCKER_NOT_STARTED: ("ロッカー利用開始前", "사물함 이용 전", "locker not begun"),
        Reason.LOCKER_EXPIRED: ("ロッカー期限切れ", "사물함 만료", "locker has expired"),
        Reason.LOCKER_OCCUPIED: ("ロッカー使用中", "사용 중인 사물함", "locker is taken"),
        Reason.LOCKER_OUT_OF_ORDER: ("ロッカー故障", "사물함 고장", "locker out of order"),
        Reason.PIN_RESET_FAILED: ("暗証番号の初期化失敗", "비밀번호 초기화 실패", "PIN not reset"),
        Reason.STALE_COMMAND: ("古い指示", "오래된 명령", "command came too late"),
    }
)

FACTS: Mapping[str, Words] = MappingProxyType(
    {
        "contract": ("契約", "계약", "contract"),
        "plan": ("プラン", "요금제", "plan"),
        "ticket": ("チケット", "출입권", "ticket"),
        "band": ("時間帯", "시간대", "band"),
        "date": ("利用日", "이용일", "date"),
        "counted": ("利用回数", "이용 횟수", "used"),
        "limit": ("上限", "한도", "limit"),
        "inside": ("入館", "입장", "inside since"),
        "age_h": ("経過時間", "경과 시간", "age in hours"),
    }
)
"""Names of facts in `policy.model.Check`, or of what `explanations` makes of them."""
