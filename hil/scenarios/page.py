"""What happened, as a page: each scenario's lines, and a picture of doors and lights in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from hil.scenarios.latency import plot, presentations
from hil.scenarios.play import Played

_WIDTH, _LEFT, _ROW = 900, 150, 26
_BOLT_MS: Final = 50
"""The building's own, from coil to bolt (hil/building)."""
_COLOURS: Final = {"green": "#2a8f4f", "red": "#c23b3b", "amber": "#c98a1b", "off": "#888"}
_LEVELS: Final = {
    "bolt": ("released", "unlocked", "#2a8f4f"),
    "door": ("open", "open", "#3b6fc2"),
    "button": ("pressed", "exit button", "#8a5bc2"),
    "tamper": ("opened", "housing", "#c23b3b"),
    "switch": ("on", "on", "#c23b3b"),
    "locker": ("open", "open", "#3b6fc2"),
}
"""By what the building saw: the key of its level, the word for it, its colour."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something was so, in a lane, from one moment to another (ms)."""

    lane: str
    from_ms: int
    to_ms: int
    colour: str
    text: str


def bars(seen: Sequence[dict[str, Any]], end_ms: int) -> Iterator[Bar]:
    """Turn observations into bars; what has not ended by `end_ms` ends there."""
    began: dict[str, tuple[int, str, str]] = {}
    for one in seen:
        if one["what"] == "indicator":
            until_ms = min(end_ms, one["at_ms"] + int(one["for_ms"]))
            colour = _COLOURS.get(one["light"], "#888")
            yield Bar(f"{one['name']} light", one["at_ms"], until_ms, colour, one["light"])
            continue
        if one["what"] not in _LEVELS:
            continue
        key, word, colour = _LEVELS[one["what"]]
        lane = f"{_place(one)} {word}"
        if one[key]:
            began.setdefault(lane, (one["at_ms"], colour, word))
        elif lane in began:
            from_ms, colour, word = began.pop(lane)
            yield Bar(lane, from_ms, one["at_ms"], colour, word)
    for lane, (from_ms, colour, word) in began.items():
        yield Bar(lane, from_ms, end_ms, colour, word)


def _place(one: dict[str, Any]) -> str:
    if one["what"] == "locker":
        return f"locker {one['channel']}"
    return str(one.get("door") or one.get("line"))


def page(played: Sequence[Played]) -> str:
    """Make one page that needs nothing else."""
    parts = [_latencies(played), *(_section(one) for one in played)]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Scenarios</title><style>"
        "body{font:15px system-ui,sans-serif;max-width:960px;margin:2em auto;color:#222}"
        "h2{margin:2em 0 .2em}.bad{color:#c23b3b}svg{background:#fafafa;width:100%}"
        "ol{columns:2;font-size:13px}svg text{font-size:11px}</style><h1>Scenarios</h1>"
        f"{''.join(parts)}</html>\n"
    )


def _latencies(played: Sequence[Played]) -> str:
    picture = plot(presentations(played))
    if not picture:
        return ""
    return (
        "<h2>From scan to bolt</h2><p>A dot a presentation that opened a door, and the median. "
        f"The bolt's own way takes {_BOLT_MS} ms of it. On the virtual bench no work takes time "
        "but the disk's; the machine's processor is emulated, which says nothing of a Pi's.</p>"
        f"{picture}"
    )


def _section(one: Played) -> str:
    end_ms = max([1, *(at for at, _ in one.lines), *(int(seen["at_ms"]) for seen in one.seen)])
    verdict = "seen as it must be" if one.failed is None else escape(one.failed)
    kind = "" if one.failed is None else " class=bad"
    lines = "".join(f"<li>{at / 1_000:.1f} s: {escape(line)}" for at, line in one.lines)
    return (
        f"<h2>{escape(one.says)}</h2><p{kind}>{escape(one.name)}, {escape(one.bench)} bench, "
        f"{end_ms / 1_000:.1f} s: {verdict}</p>{_picture(one, end_ms)}<ol>{lines}</ol>"
    )


def _picture(one: Played, end_ms: int) -> str:
    drawn = list(bars(one.seen, end_ms))
    lanes = list(dict.fromkeys(bar.lane for bar in drawn))
    height = (len(lanes) + 1) * _ROW

    def x(at_ms: int) -> float:
        return round(_LEFT + (_WIDTH - _LEFT) * max(0, at_ms) / end_ms, 1)

    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">']
    for n, (at_ms, line) in enumerate(one.lines, start=1):
        out.append(
            f'<line x1="{x(at_ms)}" x2="{x(at_ms)}" y1="14" y2="{height}" stroke="#ddd"/>'
            f'<text x="{x(at_ms)}" y="11" fill="#999">{n}<title>{escape(line)}</title></text>'
        )
    for row, lane in enumerate(lanes, start=1):
        top = row * _ROW
        out.append(f'<text x="4" y="{top + 12}">{escape(lane)}</text>')
        out += [
            f'<rect x="{x(bar.from_ms)}" y="{top}" height="16" fill="{bar.colour}" rx="2" '
            f'width="{max(2.0, x(bar.to_ms) - x(bar.from_ms)):.1f}"><title>{escape(bar.text)}, '
            f"{bar.from_ms} to {bar.to_ms} ms</title></rect>"
            for bar in drawn
            if bar.lane == lane
        ]
    return "".join([*out, "</svg>"])
