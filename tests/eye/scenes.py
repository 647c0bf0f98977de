"""Pictures of codes as a door's camera sees them, made the same way on every run."""

import cv2
import numpy as np
import segno

from drivers.eye.pictures import Frame, grey

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SIZE = (480, 640)


def text(seed: int = 0) -> str:
    """128 characters, as long as a member's code (spec/credentials.md)."""
    return "".join(np.random.default_rng(seed).choice(list(BASE45), 128))


def code(content: str, module_px: float = 6.0) -> Frame:
    """The QR code of `content` with its quiet zone, `module_px` pixels a module."""
    rows = segno.make(content, error="m", micro=False).matrix_iter(border=4)
    modules = np.array([[0 if dark else 255 for dark in row] for row in rows], np.uint8)
    large = np.kron(modules, np.ones((8, 8), np.uint8))
    side = round(len(modules) * module_px)
    return grey(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA))


def trimmed(picture: Frame, module_px: float) -> Frame:
    """The code without its quiet zone, as an app in dark mode shows it."""
    edge = round(4 * module_px)
    return picture[edge:-edge, edge:-edge]


def before_camera(picture: Frame, turned: float = 0.0, wall: int = 110) -> Frame:
    """`picture` in the middle of a scene of brightness `wall`, turned by so many degrees."""
    height, width = picture.shape
    move = cv2.getRotationMatrix2D((width / 2, height / 2), turned, 1.0)
    move[:, 2] += (SIZE[1] - width) / 2, (SIZE[0] - height) / 2
    return grey(cv2.warpAffine(picture, move, SIZE[::-1], borderValue=(wall,)))


def blurred(frame: Frame, sigma: float) -> Frame:
    return grey(cv2.GaussianBlur(frame, (0, 0), sigma))


def faded(frame: Frame, contrast: float) -> Frame:
    return grey((128 + (frame.astype(np.float32) - 128) * contrast).astype(np.uint8))


def noisy(frame: Frame, levels: float, seed: int = 0) -> Frame:
    noise = np.random.default_rng(seed).normal(0, levels, frame.shape)
    return grey(np.clip(frame + noise, 0, 255).astype(np.uint8))


def jpeg(frame: Frame) -> bytes:
    ok, data = cv2.imencode(".jpg", frame)
    assert ok
    return data.tobytes()
