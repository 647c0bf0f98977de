"""What the pages say, in ja, ko and en; in the order of `Language`.

Words of the machine (reasons, results, events) have their meanings in `edged.staff_words`.
"""

from collections.abc import Callable
from typing import Final

from edged.settings.model import Language
from edged.staff_words import Words, word

TEXTS: Final[dict[str, Words]] = {
    "title": ("管理画面", "관리 화면", "Console"),
    "overview": ("状況", "현황", "Overview"),
    "events": ("できごと", "이벤트", "Events"),
    "why": ("入れない理由", "거절 사유", "Why refused"),
    "bookings": ("本日の予約", "오늘의 예약", "Today's bookings"),
    "lockers": ("ロッカー", "사물함", "Lockers"),
    "wiring": ("配線", "배선", "Wiring"),
    "login": ("ログイン", "로그인", "Log in"),
    "logout": ("ログアウト", "로그아웃", "Log out"),
    "user": ("ユーザー名", "사용자", "User"),
    "password": ("パスワード", "비밀번호", "Password"),
    "wrong": (
        "ユーザー名かパスワードが違います",
        "사용자 또는 비밀번호가 다릅니다",
        "Wrong user or password",
    ),
    "wait": (
        "{0}秒待ってからもう一度お試しください",
        "{0}초 뒤에 다시 시도하세요",
        "Wait {0} seconds, then try again",
    ),
    "no_users": (
        "ユーザーがいません。端末で edged console user 名前 を実行してください",
        "사용자가 없습니다. 장치에서 edged console user 이름 을 실행하세요",
        "There are no users yet. On the device: edged console user NAME",
    ),
    "by_code": ("スタッフコードでログイン", "직원 코드로 로그인", "Log in by a staff code"),
    "reader": ("読取機", "리더기", "Reader"),
    "code_begin": ("4桁を表示", "네 자리 표시", "Show the digits"),
    "code_busy": (
        "この読取機では別のログインを待っています。2分待つか、別の読取機を選んでください",
        "이 리더기에 다른 로그인이 있습니다. 2분 기다리거나 다른 리더기를 고르세요",
        "Another login waits at this reader. Wait two minutes, or choose another reader",
    ),
    "code_steps": (
        "{0} で行ってください。その間、そのコードで扉は開きません",
        "{0} 에서 하세요. 그동안 그 코드로 문은 열리지 않습니다",
        "Do this at {0}. Meanwhile your code opens no door there",
    ),
    "code_digits": ("4桁の数字", "네 자리 숫자", "The four digits"),
    "code_picture": (
        "4桁のQRコード。キーのない読取機用",
        "네 자리 QR 코드. 키가 없는 리더기용",
        "The digits as a QR code, for a reader without keys",
    ),
    "code_WAITING": (
        "4桁を入力するか、QRコードをかざす",
        "네 자리를 입력하거나 QR 코드를 보여 주세요",
        "Key the four digits, or show the QR code",
    ),
    "code_ARMED": (
        "スタッフコードをかざす",
        "직원 코드를 보여 주세요",
        "Show your staff code",
    ),
    "code_SHOWN": (
        "もう一度4桁を入力するか、QRコードをかざす",
        "네 자리를 다시 입력하거나 QR 코드를 보여 주세요",
        "The digits or the QR code once more",
    ),
    "code_CONFIRMED": ("確認しました", "확인했습니다", "Confirmed"),
    "code_OVER": (
        "時間切れか、コードが使えませんでした",
        "시간이 지났거나 코드를 쓸 수 없습니다",
        "Too late, or the code was not good for it",
    ),
    "again": ("もう一度", "다시", "Again"),
    "enter": ("進む", "계속", "Go on"),
    "commission": ("検収", "시운전", "Commissioning"),
    "walk_help": (
        "扉と錠を一つずつ確かめ、署名された報告書を作ります",
        "문과 자물쇠를 하나씩 확인하고 서명된 보고서를 만듭니다",
        "Goes from door to door and lock to lock, and ends in a signed report",
    ),
    "walk_not_here": (
        "検収済みです。施工者がリーダーでスタッフコードを使ってログインしてください",
        "이미 시운전했습니다. 설치 담당자가 리더에서 직원 코드로 로그인해야 합니다",
        "It was done before: an installer has to log in by a staff code at a reader first",
    ),
    "walk_anew": ("最初からやり直す", "처음부터 다시", "Not on from where it was, but anew"),
    "walk_begin": ("始める", "시작", "Begin"),
    "walk_busy": ("確認しています", "확인하고 있습니다", "Looking"),
    "walk_within": ("{0}秒以内に", "{0}초 안에", "within {0} seconds"),
    "walk_reason": ("省略する理由", "건너뛰는 이유", "Why it is skipped"),
    "walk_done": ("終わった項目", "끝난 항목", "Steps that have ended"),
    "walk_stop": ("中断する", "중단", "Break off"),
    "passed": ("合格", "합격", "passed"),
    "failed": ("不合格", "불합격", "failed"),
    "skipped": ("省略", "건너뜀", "skipped"),
    "report": ("検収報告書", "시운전 보고서", "Acceptance report"),
    "report_view": ("表示", "보기", "View"),
    "report_save": ("保存 (HTML)", "저장 (HTML)", "Download (HTML)"),
    "report_signed": ("保存 (署名付きJSON)", "저장 (서명 JSON)", "Download (signed JSON)"),
    "accepted": ("検収済み", "승인됨", "Accepted"),
    "not_accepted": ("未検収", "승인되지 않음", "Not accepted"),
    "missing": ("未実施: {0}", "아직 안 함: {0}", "Not done: {0}"),
    "provision": ("登録", "등록", "Provisioning"),
    "claim": ("登録コード", "등록 코드", "Claim"),
    "claim_help": (
        "クラウドで発行、一度だけ、一日以内",
        "클라우드에서 발급, 한 번만, 하루 안에",
        "made in the cloud for this serial; good once, for a day at most",
    ),
    "claim_give": ("登録する", "등록", "Provision"),
    "claim_waited": (
        "登録コードを待っています。入力するか、読取機にかざしてください",
        "등록 코드를 기다립니다. 입력하거나 리더기에 보여 주세요",
        "A claim is waited for: type it here, or show it to any reader",
    ),
    "claim_BAD_CLAIM": (
        "登録コードの形ではありません。20文字を確かめてもう一度入力してください",
        "등록 코드 형식이 아닙니다. 20자를 확인해 다시 입력하세요",
        "This is no claim. Compare its 20 letters and digits, and type it again",
    ),
    "claim_NOT_WAITING": (
        "いまは登録コードを受け付けません。1分待って状態を確かめてください",
        "지금은 등록 코드를 받지 않습니다. 1분 뒤 상태를 확인하세요",
        "No claim is waited for now. Look at the state again in a minute",
    ),
    "no_cloud": (
        "設定にクラウドがありません: [cloud]",
        "설정에 클라우드가 없습니다: [cloud]",
        "The settings name no cloud: [cloud]",
    ),
    "serial": ("シリアル", "일련번호", "Serial"),
    "fingerprint": ("鍵の指紋", "키 지문", "Key's fingerprint"),
    "certificate_until": ("証明書の期限", "인증서 만료", "Certificate until"),
    "phase_FACTORY": ("未登録", "등록되지 않음", "Not provisioned"),
    "phase_CLAIMED": ("鍵を作成中", "키를 만드는 중", "Making its key"),
    "phase_ENROLLING": ("クラウドの承認待ち", "클라우드 승인 대기", "Waiting for the cloud"),
    "phase_ACTIVE": ("登録済み", "등록됨", "Adopted"),
    "phase_RENEWING": (
        "登録済み、更新中",
        "등록됨, 갱신 중",
        "Adopted; being renewed",
    ),
    "phase_RETIRED": ("廃止", "폐기됨", "Given up"),
    "skip": ("本文へ", "본문으로", "Skip to content"),
    "language": ("言語", "언어", "Language"),
    "doors": ("扉", "문", "Doors"),
    "alarms": ("警報", "경보", "Alarms"),
    "no_alarms": ("警報はありません", "경보 없음", "No alarms"),
    "orders": ("操作", "조작", "Orders"),
    "facts": ("内訳", "내역", "Facts"),
    "since": ("{0}から", "{0}부터", "since {0}"),
    "devices": ("機器", "장치", "Devices"),
    "device": ("機器", "장치", "Device"),
    "here": ("接続中", "연결됨", "connected"),
    "lost": ("応答なし", "응답 없음", "lost"),
    "daemon_lost": (
        "制御プログラムが応答しません",
        "제어 프로그램이 응답하지 않습니다",
        "The door program does not answer",
    ),
    "simulated": (
        "模擬機器です。扉は守られていません",
        "시뮬레이션입니다. 문을 지키지 않습니다",
        "Simulated devices: no door is guarded",
    ),
    "unprovisioned": ("未登録の端末です", "등록되지 않은 장치", "This device is not provisioned"),
    "clock": ("時計", "시계", "Clock"),
    "rules": ("ルール", "규칙", "Rules"),
    "no_rules": ("ルールがありません", "규칙이 없습니다", "No rules are loaded"),
    "version": ("第{0}版、{1}", "버전 {0}, {1}", "version {0} of {1}"),
    "journal": ("記録", "기록", "Records"),
    "journal_ok": ("書き込みできます", "기록 가능", "being written"),
    "journal_bad": ("書き込めません: {0}", "기록할 수 없음: {0}", "can't be written: {0}"),
    "link": ("クラウド", "클라우드", "Cloud"),
    "no_link": ("接続の設定なし", "연결 설정 없음", "not set up"),
    "link_up": ("接続中", "연결됨", "connected"),
    "link_down": ("切断", "끊김", "not connected"),
    "lasts": ("証明書の期限", "인증서 만료", "Certificate until"),
    "lasts_authority": ("認証局の期限", "인증 기관 만료", "Authority until"),
    "faults": ("設定とルールの食い違い", "설정과 규칙의 불일치", "Settings and rules disagree"),
    "readiness": ("いま回線が切れたら", "지금 회선이 끊기면", "If the line drops now"),
    "ready_members": (
        "{0}人が{1}まで入館できます",
        "{0}명이 {1}까지 입장 가능",
        "{0} members can come in until {1}",
    ),
    "ready_buffer": ("記録はあと{0}日分", "기록 공간 {0}일분", "room for {0} days of records"),
    "ready_stale": ("ルールが古すぎます", "규칙이 너무 오래됨", "the rules are too old already"),
    "release": ("開ける", "열기", "Open"),
    "lockdown_on": ("全館施錠", "전체 잠금", "Lock down"),
    "lockdown_off": ("施錠解除", "잠금 해제", "End lockdown"),
    "fire_reset": ("火災を復旧", "화재 복구", "Reset fire"),
    "sure": ("もう一度押すと実行します", "한 번 더 누르면 실행합니다", "Press again to do it"),
    "done": ("完了: {0}", "완료: {0}", "Done: {0}"),
    "refused": ("実行されませんでした: {0}", "실행되지 않음: {0}", "Not done: {0}"),
    "not_allowed": ("権限がありません", "권한이 없습니다", "You may not do that"),
    "member": ("会員", "회원", "Member"),
    "member_help": ("IDまたはハンドル", "ID 또는 핸들", "id or handle"),
    "place": ("扉または機器", "문 또는 장치", "Door or device"),
    "anywhere": ("すべて", "전체", "anywhere"),
    "ask": ("調べる", "조회", "Ask"),
    "last_refusals": ("最近断られた入館", "최근 거절된 입장", "Refused lately"),
    "none": ("ありません", "없음", "None"),
    "time": ("時刻", "시각", "Time"),
    "reason": ("理由", "사유", "Reason"),
    "check": ("条件", "조건", "Check"),
    "yes": ("はい", "예", "yes"),
    "no": ("いいえ", "아니요", "NO"),
    "start": ("開始", "시작", "Start"),
    "end": ("終了", "종료", "End"),
    "program": ("内容", "내용", "Program"),
    "status": ("状態", "상태", "State"),
    "locker": ("ロッカー", "사물함", "Locker"),
    "holder": ("利用者", "이용자", "Holder"),
    "open_look": ("開けて確認", "열어 확인", "Open to look"),
    "force_end": ("強制終了", "강제 종료", "End by force"),
    "confirm_empty": ("空を確認", "비었음 확인", "Confirm empty"),
    "set_aside": ("使用停止", "사용 중지", "Set aside"),
    "testing": ("試験モード", "시험 모드", "Test mode"),
    "testing_on": ("試験を始める: 15分", "시험 시작 (15분)", "Start testing (15 minutes)"),
    "testing_off": ("試験を終える", "시험 끝내기", "Stop testing"),
    "drawing": ("配線図", "배선도", "Drawing"),
    "test_release": ("開けて試す", "열어 시험", "Test release"),
    "kind": ("種類", "종류", "Kind"),
    "live": ("更新中", "실시간", "live"),
    "unseen": ("接点なし", "접점 없음", "not seen"),
    "not_live": ("更新が止まっています", "갱신 중단", "not live"),
    "idle": ("コードをかざしてください", "코드를 보여 주세요", "Show your code"),
    "reading": ("確認中", "확인 중", "Reading"),
    "out_of_service": (
        "ただいま利用できません",
        "지금은 이용할 수 없습니다",
        "Not available right now",
    ),
    "error": ("エラー", "오류", "Error"),
    "not_found": ("このページはありません", "페이지가 없습니다", "There is no such page"),
    "too_many": ("混み合っています", "요청이 너무 많습니다", "Too many requests"),
    "back": ("戻る", "돌아가기", "Back"),
}

ALARMS: Final[dict[str, Words]] = {
    "FIRE": ("火災", "화재", "Fire"),
    "LOCKDOWN": ("全館施錠中", "전체 잠금 중", "Lockdown"),
    "DOOR_FORCED": ("扉がこじ開けられました", "문이 강제로 열렸습니다", "Door forced open"),
    "DOOR_HELD_OPEN": ("扉が開いたままです", "문이 열려 있습니다", "Door held open"),
    "DOOR_HELD_SOON": ("扉を閉めてください", "문을 닫아 주세요", "Please close the door"),
    "TAMPER": ("機器の開封", "장치 개봉", "Housing opened"),
    "LOCK_NOT_SECURED": ("施錠されていません", "잠기지 않았습니다", "Lock not secured"),
    "LOCK_FAULT": ("錠の故障", "자물쇠 고장", "Lock fault"),
    "DEVICE_LOST": ("機器が応答しません", "장치 응답 없음", "Device lost"),
    "STORE_FAILED": ("記録できません", "기록 불가", "Records can't be written"),
    "LOCKER_STUCK": ("ロッカーが開きません", "사물함이 열리지 않음", "Locker stuck"),
    "PIN_RESET_FAILED": ("終了できませんでした", "종료하지 못했습니다", "PIN not reset"),
    "UNDER_VOLTAGE": ("電源電圧の低下", "전압 부족", "Under-voltage"),
    "FIRE_UNHEARD": ("火災信号が届きません", "화재 신호 끊김", "Fire input lost"),
    "LINK_FAILED": ("クラウド接続の不具合", "클라우드 연결 오류", "Link to the cloud failed"),
    "RULES_FROZEN": ("ルールの更新が途絶", "규칙 갱신 끊김", "No word on newer rules"),
    "RULES_REFUSED": ("ルールを受け付けません", "규칙이 거부됨", "Rules were refused"),
    "CLOCK_DOUBTED": ("時刻が確かではありません", "시각을 믿을 수 없음", "The time is not certain"),
    "CLOCK_DRIFTS": ("時計の誤差が大きい", "시계 오차가 큼", "The clock drifts"),
    "CERTIFICATE_ENDS": ("証明書の期限が近い", "인증서 만료 임박", "A certificate ends soon"),
    "CODES_GUESSED": ("コードが推測されています", "코드 추측 시도", "Codes are being guessed"),
    "OUTPUTS_PERSIST": ("出力が残る設定です", "출력이 유지되는 설정", "Outputs persist"),
}
"""Every alarm; a test holds them against `AlarmName`."""

PHASES: Final[dict[str, Words]] = {
    "REST": ("施錠", "잠김", "secured"),
    "RELEASED": ("解錠", "열림 대기", "released"),
    "OPEN": ("開", "열림", "open"),
    "HELD": ("開いたまま", "열린 채", "held open"),
    "UNASKED": ("開", "열림", "open"),
    "FORCED": ("こじ開け", "강제 열림", "forced"),
}

LOCKERS: Final[dict[str, Words]] = {
    "FREE": ("空き", "비어 있음", "free"),
    "IN_USE": ("使用中", "사용 중", "in use"),
    "WAITING": ("期限切れ", "대기 중", "waiting"),
    "RELEASING": ("解放中", "해제 중", "releasing"),
    "OUT_OF_ORDER": ("使用停止", "사용 중지", "out of order"),
}

EVENTS: Final[dict[str, Words]] = {
    "read": ("読み取り", "읽음", "Read"),
    "decided": ("判定", "판정", "Decided"),
    "ahead": ("次に", "다음", "When next"),
    "refused": ("使えないコード", "쓸 수 없는 코드", "Unusable code"),
    "released": ("解錠", "잠금 해제", "Released"),
    "secured": ("施錠", "잠금", "Secured"),
    "door": ("扉", "문", "Door"),
    "outcome": ("結果", "결과", "Outcome"),
    "alarm": ("警報", "경보", "Alarm"),
    "command": ("指示", "지시", "Order"),
    "login": ("ログイン", "로그인", "Login"),
    "locker": ("ロッカー", "사물함", "Locker"),
    "locker_command": ("ロッカーの指示", "사물함 지시", "Order for a locker"),
}
"""What happens, by the names that `edged watch` says; one without words is said as it is."""

Say = Callable[..., str]


def speaker(language: Language) -> Say:
    """Return what says a text of this module by its name; what has no words is said as it is."""

    def say(name: str, *given: object) -> str:
        for words in (TEXTS, ALARMS, PHASES, LOCKERS):
            if name in words:
                return word(words[name], language).format(*given)
        return name

    return say
