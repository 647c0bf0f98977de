"""The label of a device: where its console is, and by which certificate it is known."""

from typing import Final

import segno

from edged.settings.model import Console, Settings

WIDTH_MM, HEIGHT_MM = 62, 29
"""A common address label."""
_PAIRS: Final = 8
"""Of hex digits in a line: the eye compares line by line."""
_SVG: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}">'
    '<rect width="{w}" height="{h}" fill="#fff"/><svg width="{h}" height="{h}">{code}</svg>'
    '<g font-family="DejaVu Sans Mono, Liberation Mono, monospace">{lines}</g></svg>\n'
)
_LINE: Final = '<text x="{x}" y="{y:g}" font-size="{size}">{said}</text>'


def host_name(device: str) -> str:
    """Give the name of a device's console in its own network (multicast DNS)."""
    return f"edged-{device.lower().replace('_', '-')}.local"


def draw(settings: Settings, fingerprint: str) -> str:
    """Draw it as SVG.

    Its QR code is the console's address; behind the `#`, which no browser sends, stands the
    `fingerprint`, the SHA-256 of the certificate in pairs of hex.
    """
    port = (settings.console or Console()).port
    host = host_name(settings.device)
    address = f"https://{host}:{port}/#{fingerprint.replace(':', '')}"
    code = segno.make_qr(address, error="m").svg_inline(omitsize=True, border=4, lineclass=None)
    pairs = fingerprint.split(":")
    lines = [settings.device, host, "", "SHA-256"]
    lines += [" ".join(pairs[n : n + _PAIRS]) for n in range(0, len(pairs), _PAIRS)]
    said = [
        _LINE.format(x=HEIGHT_MM, y=4 + 3 * n, size=3 if n == 0 else 1.9, said=line)
        for n, line in enumerate(lines)
    ]
    return _SVG.format(w=WIDTH_MM, h=HEIGHT_MM, code=code, lines="".join(said))
