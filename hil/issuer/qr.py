"""Codes as pictures."""

import io

import segno


def qr(text: str) -> segno.QRCode:
    """The QR code of a text at level M, as small as it goes (spec/credentials.md: M1 v6, F1 v5).

    Raises:
        ValueError: the text is empty or does not fit into a QR code.
    """
    return segno.make_qr(text, error="m", boost_error=False)


def png(
    text: str, *, scale: int = 8, border: int = 4, dark: str = "black", light: str = "white"
) -> bytes:
    """The picture of that code.

    Args:
        text: What the code says.
        scale: Pixels a module, from 1.
        border: Modules of quiet zone around it; scanners want 4.
        dark: Colour of the modules, a name or #rrggbb.
        light: Colour between and around them.
    """
    file = io.BytesIO()
    qr(text).save(file, kind="png", scale=scale, border=border, dark=dark, light=light)
    return file.getvalue()
