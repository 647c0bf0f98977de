"""What a walk asks, in ja, ko and en: by the key of its question (edged/commission/scripts.py).

The walk says it in English, whole; the others say what is to be done, and the English stands
below. A question without words here is shown as the walk says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edged.settings.model import Language
from edged.staff_words import Words, word

TITLES: Final[Mapping[str, Words]] = {
    "board": ("ロッカー基板", "사물함 보드", "Locker board"),
    "check": ("点検", "점검", "Check"),
    "lock": ("錠", "자물쇠", "Lock"),
    "secure": ("施錠", "잠김", "Shut"),
    "contact": ("扉センサー", "문 센서", "Contact"),
    "exit_button": ("退出ボタン", "퇴실 버튼", "Exit button"),
    "way_out_frozen": (
        "制御なしの出口",
        "제어 프로그램 없는 출구",
        "Way out without the daemon",
    ),
    "way_out_dark": ("停電時の出口", "정전 때 출구", "Way out without power"),
    "reader": ("読取機", "리더기", "Reader"),
    "fire": ("火災", "화재", "Fire"),
    "power_cut": ("停電", "정전", "Power cut"),
}

_Pair = tuple[str, str]
"""ja and ko; {0} is the subject."""

ASKED: Final[Mapping[str, _Pair]] = {
    "begin": ("{0}: 準備ができたら始めてください", "{0}: 준비되면 시작하세요"),
    "why": ("省略する理由を書いてください", "건너뛰는 이유를 적어 주세요"),
    "running": ("制御プログラムを起動してください", "제어 프로그램을 시작하세요"),
    "rest": ("{0}を閉めて、施錠を待ってください", "{0} 을 닫고 잠길 때까지 기다리세요"),
    "board/which": ("どのロッカーが開きましたか", "어느 사물함이 열렸습니까"),
    "board/empty": (
        "開いたロッカーを閉めてください。中は空ですか",
        "열린 사물함을 닫으세요. 비어 있습니까",
    ),
    "lock/which": ("どの扉の錠が動きましたか", "어느 문의 자물쇠가 움직였습니까"),
    "secure/shut": (
        "外から{0}を引いてください。閉まったままですか",
        "밖에서 {0} 을 당겨 보세요. 닫힌 채로 있습니까",
    ),
    "contact/open": ("{0}を開けてください", "{0} 을 여세요"),
    "contact/close": ("{0}を閉めてください", "{0} 을 닫으세요"),
    "exit_button/press": ("{0}の退出ボタンを押してください", "{0} 의 퇴실 버튼을 누르세요"),
    "exit_button/open": ("{0}は中から開きましたか", "{0} 이 안에서 열렸습니까"),
    "way_out_frozen/out": (
        "制御が止まっています。20秒以内に{0}から出てください。開きましたか",
        "제어가 멈췄습니다. 20초 안에 {0} 으로 나가세요. 열렸습니까",
    ),
    "way_out_dark/out": (
        "この装置と{0}の錠の電源を切り、外へ出て、電源を戻してください。開きましたか",
        "이 장치와 {0} 자물쇠의 전원을 끄고 나간 뒤 전원을 다시 켜세요. 열렸습니까",
    ),
    "reader/show": (
        "{0}にコードをかざしてください。誰のものでも構いません",
        "{0} 에 코드를 보여 주세요. 누구 것이든 됩니다",
    ),
    "fire/fire": ("火災受信機を作動させてください", "화재 수신기를 작동시키세요"),
    "fire/magnets": ("すべての電磁錠が解放されましたか", "모든 전자석이 풀렸습니까"),
    "fire/over": ("火災受信機を復旧しましたか", "화재 수신기를 복구했습니까"),
    "power_cut/cut": (
        "電源を抜き、戻し、起動後にもう一度始めてください。済みましたか",
        "전원을 뽑았다 다시 꽂고, 켜진 뒤 다시 시작하세요. 했습니까",
    ),
}
CHOICES: Final[Mapping[str, Words]] = {
    "go": ("始める", "시작", "Go"),
    "skip": ("省略", "건너뛰기", "Skip"),
    "yes": ("はい", "예", "Yes"),
    "no": ("いいえ", "아니요", "No"),
    "none": ("どれも違う", "없음", "None"),
    "another": ("別のもの", "다른 것", "Another"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a question or a task. `for_s` 0: it is a question.

    `choices`: what is answered and how that is called; empty: anything may be.
    """

    key: str
    step: str
    title: str
    text: str
    english: str
    choices: tuple[tuple[str, str], ...]
    for_s: int


def shown(now: Mapping[str, object], language: Language) -> Shown:
    """Say what a walk asks for (`now` of edged/commission/paged.py) in a language."""
    key, english = str(now.get("ask") or now.get("do")), str(now.get("text"))
    kind, _, rest = key.partition("/")
    subject, _, name = rest.rpartition("/")
    pair = ASKED.get(f"{kind}/{name}") or ASKED.get(name)
    text = english
    if pair is not None and language is not Language.EN:
        text = pair[0 if language is Language.JA else 1].format(subject)
    choices, for_s = now.get("choices"), now.get("for_s")
    return Shown(
        key,
        f"{kind}/{subject}",
        word(TITLES[kind], language) if kind in TITLES else kind,
        text,
        english,
        tuple((one, _choice(one, language)) for one in map(str, _listed(choices))),
        int(for_s) if isinstance(for_s, int | float) else 0,
    )


def _choice(said: str, language: Language) -> str:
    return word(CHOICES[said], language) if said in CHOICES else said


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else []
