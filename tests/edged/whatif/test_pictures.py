"""The month as SVG, PNG and text."""

import sys
from dataclasses import replace
from datetime import date
from functools import partial
from xml.etree import ElementTree as ET

import pytest

from edged.errors import NotFound
from edged.settings.model import Language
from edged.whatif import png, terminal
from edged.whatif.month import Day, Month, Quota, Span
from edged.whatif.shapes import text, width
from edged.whatif.svg import draw
from policy.model import Hours

SVG = "{http://www.w3.org/2000/svg}"


def a_day(number: int) -> Day:
    """A day of November 2026: the store opens from Monday to Friday and is closed on the 10th."""
    day, band = date(2026, 11, number), (Span(600, 1020, "DAY"),)
    closed = number == 10
    return Day(
        day,
        number in {3, 23},
        closed,
        () if closed or day.weekday() > 4 else band,
        (Span(1080, 1140, "YOGA"),) if number == 24 else (),
        ("DAY",) if number in {2, 5} else (),
    )


MONTH = Month(
    "M1",
    "front-in",
    "S1",
    date(2026, 11, 1),
    date(2026, 11, 18),
    tuple(map(a_day, range(1, 31))),
    (Quota("DAY", Hours(600, 1020), 2, 8, 6), Quota("NIGHT", Hours(1320, 1560), 0, None, None)),
)


def plain(text: str, *_: object, **__: object) -> str:
    return text


def parsed(month: Month = MONTH, language: Language = Language.EN) -> ET.Element:
    return ET.fromstring(draw(month, language))  # noqa: S314 - we drew it


def said(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_picture_says_what_is_left_and_when_today_is_open() -> None:
    texts = said(parsed())
    assert {"November 2026", "6 of 8 left", "no limit", "Today", "Wed 18 Nov"} <= set(texts)
    assert "10:00\N{EN DASH}17:00" in texts
    assert "22:00\N{EN DASH}26:00" in texts


def test_every_day_is_in_the_picture_and_told_to_who_cannot_see() -> None:
    root = parsed()
    days = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    assert [group.findtext(f"{SVG}text") for group in days] == [str(n) for n in range(1, 31)]
    told = [group.findtext(f"{SVG}title") for group in days]
    assert told[1] == "Mon 2 Nov; DAY 10:00\N{EN DASH}17:00; visited: DAY"
    assert told[9] == "Tue 10 Nov; closed; no entry"
    assert "booking: YOGA 18:00\N{EN DASH}19:00" in str(told[23])
    assert root.findtext(f"{SVG}title") == "November 2026"
    assert root.findtext(f"{SVG}desc") == "S1; DAY 6 of 8 left; NIGHT no limit"


def test_the_picture_stands_alone() -> None:
    root = parsed()
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "defs", "pattern", "rect", "circle", "path", "text", "g")
    }
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name}


def test_a_name_is_text_whatever_it_is() -> None:
    bad = "<script>\ufffe&amp;\u202e"
    days = (replace(MONTH.days[0], used=(bad,)), *MONTH.days[1:])
    root = parsed(replace(MONTH, store=bad, days=days, quotas=(Quota(bad, None, 0, 1, 1),)))
    assert root.find(f".//{SVG}script") is None
    shown = "<script>\\ufffe&amp;\\u202e"
    assert shown in str(root.findtext(f"{SVG}desc"))
    assert any(line.startswith("<script>") for line in said(root))


@pytest.mark.parametrize("char", ["W", "a", "月"])
def test_a_long_name_leaves_room_for_what_is_left(char: str) -> None:
    name = 64 * char
    quota = Quota(name, Hours(600, 1020), 1, 8, 7)
    (shown, *_) = [line for line in said(parsed(replace(MONTH, quotas=(quota,)))) if "…" in line]
    assert shown.startswith(char)
    assert width(shown, 14) <= 150


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.JA, {"2026年11月", "残り6/8回", "祝", "休", "今日", "月"}),
        (Language.KO, {"2026년 11월", "6/8회 남음", "공휴", "휴무", "오늘", "월"}),
    ],
)
def test_the_picture_speaks_the_language(language: Language, words: set[str]) -> None:
    assert words <= set(said(parsed(language=language)))


@pytest.mark.parametrize(("limit", "count"), [(1, 0), (8, 8), (8, 11), (31, 3), (400, 100)])
def test_what_is_left_is_drawn_in_pieces(limit: int, count: int) -> None:
    quota = Quota("DAY", None, count, limit, limit - count)
    root = parsed(replace(MONTH, quotas=(quota,)))
    pieces = [r for r in root.iter(f"{SVG}rect") if r.get("height") == "7"]
    full = [r for r in pieces if r.get("fill") == "#0072b2"]
    assert len(pieces) == min(limit, 31)
    assert bool(full) == (limit > count)
    assert all(float(r.get("width", "0")) > 3 for r in pieces)


def test_the_terminal_shows_the_month_in_blocks() -> None:
    found = [line.rstrip() for line in terminal.lines(MONTH, Language.EN, 80, plain)]
    assert found[:4] == [
        "November 2026  S1",
        "██ DAY 10:00\N{EN DASH}17:00 6 of 8 left",
        "▓▓ NIGHT 22:00\N{EN DASH}26:00 no limit",
        "Today Wed 18 Nov 10:00\N{EN DASH}17:00",
    ]
    assert found[5] == "Mon      Tue      Wed      Thu      Fri      Sat      Sun"
    week = "2 ✓      3 hol.   4        5 ✓      6        7        8"
    at = found.index(week)
    assert found[at + 1] == " ".join([*["···███··"] * 5, "········", "········"])
    assert "16       17       [18]     19       20       21       22" in found


@pytest.mark.parametrize("columns", [62, 80, 90, 200])
@pytest.mark.parametrize("language", Language)
def test_the_terminals_weeks_fit(columns: int, language: Language) -> None:
    found = list(terminal.lines(MONTH, language, columns, plain))[4:-1]
    assert max(map(len, found)) <= columns


def test_colour_changes_no_text() -> None:
    def paint(text: str, *_: object, **__: object) -> str:
        return f"<{text}>"

    coloured = "\n".join(terminal.lines(MONTH, Language.JA, 80, paint))
    bare = "\n".join(terminal.lines(MONTH, Language.JA, 80, plain))
    assert "<" in coloured
    assert coloured.replace("<", "").replace(">", "") == bare


def test_without_the_library_a_png_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(NotFound, match="resvg-py"):
        png.render(draw(MONTH, Language.EN), Language.EN)


def test_a_png_is_never_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    resvg = pytest.importorskip("resvg_py")
    fontless = partial(resvg.svg_to_bytes, skip_system_fonts=True)
    monkeypatch.setattr(resvg, "svg_to_bytes", fontless)
    for language in Language:
        with pytest.raises(NotFound, match=f"can write {language}"):
            png.render(draw(MONTH, language), language)


def test_a_font_with_one_box_for_all_that_it_lacks_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resvg = pytest.importorskip("resvg_py")
    svg_to_bytes = resvg.svg_to_bytes

    def boxed(svg_string: str) -> object:
        lacking = png._SAMPLES[Language.JA] + png._SAMPLES[Language.KO]
        return svg_to_bytes(svg_string=svg_string.translate(dict.fromkeys(map(ord, lacking), "-")))

    monkeypatch.setattr(resvg, "svg_to_bytes", boxed)
    for language in (Language.JA, Language.KO):
        with pytest.raises(NotFound, match=f"can write {language}"):
            png.render(draw(MONTH, language), language)


def test_a_png_is_twice_as_wide_as_the_picture() -> None:
    pytest.importorskip("resvg_py")
    try:
        drawn = png.render(draw(MONTH, Language.EN), Language.EN)
    except NotFound:
        pytest.skip("this machine has no font at all")
    assert drawn.startswith(b"\x89PNG\r\n")
    assert int.from_bytes(drawn[16:20]) == 2 * 390


def test_a_line_of_svg_is_escaped() -> None:
    assert text((1, 2), "a<b", 3) == '<text x="1" y="2" font-size="3" fill="#1c2430">a&lt;b</text>'
