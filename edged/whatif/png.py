"""A picture as a PNG, by a library that draws SVG without a browser and ships for every Pi."""

from typing import Final

from edged.errors import NotFound
from edged.settings.model import Language
from edged.whatif.shapes import FONTS, text

ZOOM: Final = 2
"""Pixels a unit: sharp on a phone, and some 100 KB."""
_SAMPLES: Final = {Language.JA: "祝月", Language.KO: "휴월", Language.EN: "AB"}
_NO_CHARACTER: Final = "\U000f0000"
"""For private use: fonts draw it as nothing, or as a box."""


def render(svg: str, language: Language) -> bytes:
    """Draw an SVG.

    Raises:
        NotFound: The library is not installed, or no font here has the language's characters.
    """
    try:
        from resvg_py import svg_to_bytes  # noqa: PLC0415 - only pictures in PNG need it
    except ImportError:
        raise NotFound("png: the package resvg-py is not installed; --svg needs none") from None
    # Some fonts have one box for all that they lack, which is not that of other planes.
    probes = [_probe(char) for char in (*_SAMPLES[language], _NO_CHARACTER)]
    if len({bytes(svg_to_bytes(svg_string=probe)) for probe in probes}) < len(probes):
        raise NotFound(f"png: no font here can write {language}; fonts-noto-cjk can")
    return bytes(svg_to_bytes(svg_string=svg, zoom=ZOOM, languages=[language.value]))


def _probe(char: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" font-family="{FONTS}">'
        f"{text((2, 24), char, 20)}</svg>"
    )
