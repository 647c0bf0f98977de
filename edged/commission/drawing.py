"""Wiring as SVG: self-contained, readable in black and white, printed on one page.

Each wire runs from its terminal on the left to its terminal on the right, with what is in it
between. Lengths are in user units.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Final

from edged.commission.circuits import (
    GROUNDS,
    PIN,
    V3,
    V5,
    Circuit,
    Part,
    Rung,
    Shape,
    Sheet,
    Wire,
    pins,
    sheets,
)
from edged.settings.model import Settings
from edged.whatif.shapes import FONTS, INK, plain, rect, text

WIDTH: Final = 900
_MARGIN: Final = 28
_BLOCK: Final = 170
_LEFT: Final = _MARGIN + 16 + _BLOCK
_RIGHT: Final = WIDTH - _LEFT
_RUNG: Final = 58
_HEAD: Final = 40
_NOTE: Final = 20
_NOTE_CHARS: Final = 118
_GAP: Final = 18
_HALF: Final = 17
"""Half the width of a part."""
_ACROSS: Final = 34
"""How far before the right terminal something stands across two wires."""
_SOFT: Final = "#56616f"
_LINE: Final = "#d9dfe6"
_CARD: Final = "#f8fafb"
_PART: Final = "#ffffff"
_COLOURS: Final[Mapping[Wire, str]] = {
    Wire.PLUS: "#b23c06",
    Wire.MINUS: "#1f4e79",
    Wire.SIGNAL: "#00664a",
    Wire.BUS: "#7a2a86",
}
_CENTRE: Final = {"text_anchor": "middle"}
_NUMBERS: Final = {pin: line for line, pin in PIN.items()}


def drawings(settings: Settings) -> Mapping[str, str]:
    """Draw every sheet on which there is anything, and the header in use: SVG, by name."""
    drawn = {sheet.name: draw(sheet) for sheet in sheets(settings) if sheet.circuits}
    used = pins(settings)
    return {**drawn, "header": draw_header(settings.device, used)} if used else drawn


def draw(sheet: Sheet) -> str:
    """Draw a sheet."""
    parts = [text((_MARGIN, 46), sheet.title, 24, font_weight="600")]
    y = 70.0
    for circuit in sheet.circuits:
        height = _height(circuit)
        parts += _circuit(circuit, y, height)
        y += height + _GAP
    return _document(parts, y + 8)


def draw_header(device: str, used: Mapping[int, str]) -> str:
    """Draw the 40-pin header: what stands on each pin, by the pin's number."""
    parts = [
        text((_MARGIN, 46), f"Header of {device}", 24, font_weight="600"),
        text((_MARGIN, 70), "Pin 1 is at the board's corner, by the SD card.", 14, _SOFT),
    ]
    top, pitch, middle = 104, 29, WIDTH / 2
    parts.append(rect((middle - 36, top - 20, 72, 20 * pitch + 12), INK, 8))
    for row in range(20):
        y = top + row * pitch
        for side, pin in ((-1, 2 * row + 1), (1, 2 * row + 2)):
            parts += _pin((middle + side * 17, y), side, pin, used.get(pin))
    return _document(parts, top + 20 * pitch + 16)


def _pin(at: tuple[float, float], side: int, pin: int, use: str | None) -> Iterator[str]:
    x, y = at
    fixed = "5 V" if pin in V5 else "3.3 V" if pin in V3 else "GND" if pin in GROUNDS else ""
    colour = _COLOURS[Wire.MINUS if fixed == "GND" else Wire.PLUS if fixed else Wire.SIGNAL]
    filled = bool(fixed) or use is not None
    yield (
        f'<circle cx="{x:g}" cy="{y:g}" r="10.5" fill="{colour if filled else _PART}"'
        f' stroke="{_PART}"/>'
    )
    number = _PART if filled else _SOFT
    yield text((x, y + 4), str(pin), 11, number, **_CENTRE)
    anchor = {"text_anchor": "end" if side < 0 else "start"}
    name = fixed or (f"GPIO {_NUMBERS[pin]}" if pin in _NUMBERS else "")
    yield text((x + side * 32, y + 5), name, 13, INK if filled else _SOFT, **anchor)
    if use is not None:
        yield text((x + side * 96, y + 5), use, 15, colour, font_weight="600", **anchor)


def _height(circuit: Circuit) -> float:
    notes = len(_notes(circuit))
    return _HEAD + _RUNG * len(circuit.rungs) + _NOTE * notes + (10 if notes else 4)


def _notes(circuit: Circuit) -> list[str]:
    return [line for note in circuit.notes for line in wrap(note, _NOTE_CHARS)]


def _circuit(circuit: Circuit, y: float, height: float) -> Iterator[str]:
    yield rect((_MARGIN, y, WIDTH - 2 * _MARGIN, height), _CARD, 10, stroke=_LINE)
    yield text((_MARGIN + 16, y + 26), circuit.title, 16, font_weight="600")
    top = y + _HEAD
    yield from _blocks(circuit.rungs, top)
    for number, rung in enumerate(circuit.rungs):
        yield from _rung(rung, top + number * _RUNG + _RUNG / 2)
    if circuit.diode:
        yield from _diode(_RIGHT - _ACROSS, top + _RUNG / 2)
    if circuit.ends:
        yield from _resistor_across(_RIGHT - _ACROSS, top + _RUNG / 2)
    below = top + _RUNG * len(circuit.rungs) + 14
    for number, note in enumerate(_notes(circuit)):
        yield text((_MARGIN + 16, below + number * _NOTE), note, 13, _SOFT)


def _blocks(rungs: Sequence[Rung], top: float) -> Iterator[str]:
    """Draw the devices at both ends: one block for neighbouring wires of the same device."""
    for x, names in (
        (_LEFT - _BLOCK, [rung.left[0] for rung in rungs]),
        (_RIGHT, [rung.right[0] for rung in rungs]),
    ):
        first = 0
        for name, same in groupby(names):
            count = len(list(same))
            box = (x, top + first * _RUNG + 3, _BLOCK, count * _RUNG - 6)
            yield rect(box, _PART, 6, stroke=INK, stroke_width="1.4")
            yield text((x + _BLOCK / 2, box[1] + 17), name, 12.5, _SOFT, **_CENTRE)
            first += count


def _rung(rung: Rung, y: float) -> Iterator[str]:
    colour = _COLOURS[rung.wire]
    y += 8  # below the name of the block
    yield _path(f"M{_LEFT:g} {y:g}H{_RIGHT:g}", colour)
    room = (_RIGHT - _LEFT - 2.5 * _ACROSS) / max(1, len(rung.parts))
    for number, part in enumerate(rung.parts):
        yield from _part(part, _LEFT + _ACROSS / 2 + room * (number + 0.5), y, colour)
    for x, side, terminal in ((_LEFT, -1, rung.left[1]), (_RIGHT, 1, rung.right[1])):
        yield f'<circle cx="{x:g}" cy="{y:g}" r="4.5" fill="{_PART}" stroke="{colour}"'
        yield ' stroke-width="2"/>'
        anchor = {"text_anchor": "end" if side < 0 else "start"}
        yield text((x + side * 12, y + 5), terminal, 14, font_weight="600", **anchor)


def _part(part: Part, x: float, y: float, colour: str) -> Iterator[str]:
    yield text((x, y - 15), part.name, 12.5, **_CENTRE)
    yield text((x, y + 24), part.told, 12, _SOFT, **_CENTRE)
    box = (x - _HALF, y - 6, 2 * _HALF, 12.0)
    match part.shape:
        case Shape.FUSE:
            yield rect(box, _PART, stroke=colour, stroke_width="2")
            yield _path(f"M{x - _HALF:g} {y:g}h{2 * _HALF:g}", colour)
        case Shape.RESISTOR:
            yield rect(box, _PART, stroke=colour, stroke_width="2")
        case Shape.BREAK | Shape.MAKE:
            yield rect((x - _HALF, y - 3, 2 * _HALF, 6), _CARD)
            yield _path(_contact(part.shape, x, y), colour)


def _contact(shape: Shape, x: float, y: float) -> str:
    """Spell a contact at rest: a break contact touches its hook, a make contact stands off."""
    if shape is Shape.BREAK:
        return f"M{x - _HALF:g} {y:g}L{x + _HALF + 3:g} {y - 9:g}M{x + _HALF:g} {y:g}v-10"
    return f"M{x - _HALF:g} {y:g}L{x + _HALF - 2:g} {y - 13:g}"


def _diode(x: float, y: float) -> Iterator[str]:
    """Draw a diode across two wires, its ring at the upper one."""
    top, bottom = y + 8, y + 8 + _RUNG
    middle = (top + bottom) / 2
    yield _path(f"M{x:g} {top:g}V{bottom:g}", INK)
    yield f'<path d="M{x - 9:g} {middle + 8:g}h18l-9-16z" fill="{INK}"/>'
    yield _path(f"M{x - 9:g} {middle - 8:g}h18", INK)
    yield from _joints(x, top, bottom)
    yield text((x - 16, middle + 20), "1N4007", 12, _SOFT, text_anchor="end")


def _resistor_across(x: float, y: float) -> Iterator[str]:
    top, bottom = y + 8, y + 8 + _RUNG
    middle = (top + bottom) / 2
    yield _path(f"M{x:g} {top:g}V{bottom:g}", INK)
    yield rect((x - 6, middle - 13, 12, 26), _PART, stroke=INK, stroke_width="2")
    yield from _joints(x, top, bottom)
    told = "120 Ω at the end of a long line"
    yield text((x - 14, middle + 4), told, 12, _SOFT, text_anchor="end")


def _joints(x: float, *heights: float) -> Iterator[str]:
    yield from (f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{INK}"/>' for y in heights)


def _path(steps: str, colour: str) -> str:
    return f'<path d="{steps}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _document(parts: Sequence[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}"'
        f' width="{WIDTH}" height="{height:g}" font-family="{plain(FONTS)}">'
        f"{rect((0, 0, WIDTH, height), _PART)}{''.join(parts)}</svg>\n"
    )
