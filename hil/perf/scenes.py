"""Codes as a door's camera gets to see them: drawn, then made worse step by step.

Seeded: the same presentations on every run and every machine. A presentation is what one person
does: the code is held before the camera for some frames, and the hand is never quite still.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hil.issuer.qr import qr

Frame = NDArray[np.uint8]
"""A grey picture, rows of brightness."""
Light = NDArray[np.float32]
"""A grey picture on its way, 0 to 255 and beyond."""

SIZE = (480, 640)
FRAMES = 9
"""Frames of one presentation: 0.6 s at 15 a second."""
EACH = 16
"""Presentations of one kind, from easy to hard."""
TEXT_CHARS = 128
"""As long as a member's code (spec/credentials.md)."""

_BASE45 = list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
_FINE = 2
"""Scenes are drawn so much larger and then averaged down: pixels see areas, not points."""
_MODULE_PX = 8
_WALL = 110
_MODULES = 49
"""Across the code of such a text with its quiet zone: version 6."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What is shown. `expected`: for each text that is there, the bytes that it may come as."""

    kind: str
    expected: tuple[frozenset[bytes], ...]
    frames: Sequence[Frame]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a code is: its middle in pixels, pixels a module, degrees turned and tilted."""

    x: float = SIZE[1] / 2
    y: float = SIZE[0] / 2
    module_px: float = 3.5
    turned: float = 7.0
    tilted: float = 0.0


def text(random: np.random.Generator) -> str:
    """A text like a member's code."""
    return "".join(random.choice(_BASE45, TEXT_CHARS))


def code(said: str, *, border: int = 4) -> Frame:
    """The code of a text, `_MODULE_PX` pixels a module, with `border` modules of quiet zone."""
    rows = qr(said).matrix_iter(border=border)
    modules = np.array([[0 if dark else 255 for dark in row] for row in rows], np.uint8)
    return np.kron(modules, np.ones((_MODULE_PX, _MODULE_PX), np.uint8))


def placed(scene: Light, picture: Frame, pose: Pose) -> Light:
    """`scene` with `picture` held in it. A tilt turns it out of the camera's plane."""
    height, width = picture.shape
    at = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2)
    at = at * (pose.module_px / _MODULE_PX)
    turn, tilt = np.radians(pose.turned), np.radians(pose.tilted)
    x = at[:, 0] * np.cos(turn) - at[:, 1] * np.sin(turn)
    y = at[:, 0] * np.sin(turn) + at[:, 1] * np.cos(turn)
    nearer = 1 + x * np.sin(tilt) / SIZE[1]  # a lens as wide as two frames are far
    there = np.stack([x * np.cos(tilt) / nearer + pose.x, y / nearer + pose.y], axis=1)
    left, top = np.clip(np.floor(there.min(axis=0)).astype(int), 0, SIZE[::-1])
    right, bottom = np.clip(np.ceil(there.max(axis=0)).astype(int), 0, SIZE[::-1])
    here = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inside = ((there - (left, top)) * _FINE).astype(np.float32)
    move = cv2.getPerspectiveTransform(here, inside)
    size = (int(right - left) * _FINE, int(bottom - top) * _FINE)
    inked = cv2.warpPerspective(picture, move, size).astype(np.float32)
    covered = cv2.warpPerspective(np.full_like(picture, 255), move, size) / np.float32(255)
    behind = cv2.resize(scene[top:bottom, left:right], size)
    fine = behind * (1 - covered) + inked * covered
    out = scene.copy()
    out[top:bottom, left:right] = cv2.resize(
        fine, (size[0] // _FINE, size[1] // _FINE), interpolation=cv2.INTER_AREA
    )
    return out


def wall(level: float = _WALL) -> Light:
    """An empty scene of one brightness."""
    return np.full(SIZE, level, np.float32)


def taken(light: Light, random: np.random.Generator, noise: float = 2.0) -> Frame:
    """The picture that a sensor with so many levels of noise takes."""
    return np.clip(light + random.normal(0, noise, light.shape), 0, 255).astype(np.uint8)


def shaken(pose: Pose, random: np.random.Generator) -> Pose:
    """The same pose one frame later, held by a hand."""
    x, y, turned, nearer = random.normal(0, (1.5, 1.5, 0.7, 0.006))
    return Pose(
        pose.x + x, pose.y + y, pose.module_px * (1 + nearer), pose.turned + turned, pose.tilted
    )


# What makes it worse: `hard` goes from 0 to 1.
Spoil = Callable[[Light, float, np.random.Generator], Light]


def blurred(light: Light, hard: float, _: np.random.Generator) -> Light:
    """Out of focus."""
    return _light(cv2.GaussianBlur(light, (0, 0), 0.8 + 1.4 * hard))


def smeared(light: Light, hard: float, random: np.random.Generator) -> Light:
    """Moved while the shutter was open."""
    length = 3 + round(8 * hard)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    middle = (length / 2 - 0.5, length / 2 - 0.5)
    turn = cv2.getRotationMatrix2D(middle, random.uniform(0, 180), 1)
    turned = cv2.warpAffine(kernel, turn, (length, length))
    return _light(cv2.filter2D(light, -1, turned / turned.sum()))


def grainy(light: Light, hard: float, random: np.random.Generator) -> Light:
    """A sensor's noise at high gain."""
    return _light(light + random.normal(0, 15 + 60 * hard, light.shape))


def faded(light: Light, hard: float, _: np.random.Generator) -> Light:
    """Little contrast: a dirty lens, a dark screen in the sun."""
    return 120 + (light - 120) * np.float32(0.4 - 0.36 * hard)


def dim(light: Light, hard: float, random: np.random.Generator) -> Light:
    """Too little light, and the noise that comes with it."""
    dark = light * np.float32(0.3 - 0.26 * hard)
    return _light(dark + random.normal(0, 3, light.shape))


def screened(light: Light, hard: float, random: np.random.Generator) -> Light:
    """A screen's grid of pixels beating with the sensor's, and the dark bar of its refresh."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    turn, pitch = random.uniform(-0.2, 0.2), random.uniform(2.05, 2.9)
    across = columns * np.cos(turn) + rows * np.sin(turn)
    along = rows * np.cos(turn) - columns * np.sin(turn)
    depth = np.float32(0.3 + 0.6 * hard)
    grid = np.sin(2 * np.pi * across / pitch) * np.sin(2 * np.pi * along / pitch)
    bar = np.sin(2 * np.pi * (rows / 160 + random.uniform()))
    return _light(light * (1 - depth * (1 + grid) / 2) * (1 - depth * (1 + bar) / 3))


def glaring(light: Light, hard: float, random: np.random.Generator) -> Light:
    """A lamp mirrored in the glass, somewhere on the code."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    x, y = SIZE[1] / 2 + random.uniform(-50, 50), SIZE[0] / 2 + random.uniform(-50, 50)
    distance = ((columns - x) ** 2 + (rows - y) ** 2) / (25 + 60 * hard) ** 2
    return _light(light * 0.75 + (200 + 300 * hard) * np.exp(-distance))


def shaded(light: Light, hard: float, _: np.random.Generator) -> Light:
    """A shadow's edge across the code, and light that falls off."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    falls = 1 - (0.3 + 0.4 * hard) * columns / SIZE[1]
    shadow = np.where(columns + 0.4 * rows > SIZE[1] * 0.62, 1 - 0.3 - 0.5 * hard, 1)
    return _light(light * falls * shadow)


def squeezed(light: Light, hard: float, _: np.random.Generator) -> Light:
    """Compressed by the camera."""
    whole = np.clip(light, 0, 255).astype(np.uint8)
    data = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, round(14 - 13 * hard)])[1]
    return _light(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)))


def spoilt(spoil: Spoil, hard: float, random: np.random.Generator) -> Presentation:
    """One code, upright as a hand holds it, with one thing wrong."""
    said = text(random)
    picture, pose = code(said), Pose(turned=random.uniform(-15, 15))
    return _presented(
        spoil.__name__,
        (said,),
        lambda: taken(spoil(placed(wall(), picture, shaken(pose, random)), hard, random), random),
    )


def posed(kind: str, pose: Callable[[float, np.random.Generator], Pose]) -> "Make":
    """One good code in poses that get harder."""

    def make(hard: float, random: np.random.Generator) -> Presentation:
        said = text(random)
        picture, held = code(said), pose(hard, random)
        return _presented(
            kind, (said,), lambda: taken(placed(wall(), picture, shaken(held, random)), random)
        )

    return make


def near(hard: float, random: np.random.Generator) -> Presentation:
    """Held close before a sensor at its highest gain."""
    said = text(random)
    picture, pose = code(said), Pose(module_px=8.5, turned=random.uniform(-15, 15))
    noise = 40 + 80 * hard
    return _presented(
        "near", (said,), lambda: taken(placed(wall(), picture, shaken(pose, random)), random, noise)
    )


def inverted(hard: float, random: np.random.Generator) -> Presentation:
    """Light modules on dark, quiet zone and all, ever smaller."""
    said = text(random)
    picture = 255 - code(said)
    pose = Pose(module_px=3.5 - 2.3 * hard, turned=random.uniform(-15, 15))
    return _presented(
        "inverted",
        (said,),
        lambda: taken(placed(wall(), picture, shaken(pose, random)), random, 4),
    )


def borderless(hard: float, random: np.random.Generator) -> Presentation:
    """No quiet zone on a dark ground, as an app in dark mode shows a code."""
    said = text(random)
    picture = code(said, border=0)
    pose = Pose(module_px=4 - 2.4 * hard, turned=random.uniform(-15, 15))
    ground = wall(60 - 40 * hard)
    return _presented(
        "borderless", (said,), lambda: taken(placed(ground, picture, shaken(pose, random)), random)
    )


def several(hard: float, random: np.random.Generator) -> Presentation:
    """Two to four codes side by side, ever smaller: all of them are wanted."""
    count = 2 + round(2 * hard)
    said = [text(random) for _ in range(count)]
    corners = ((170, 130), (470, 340), (470, 130), (170, 340))
    poses = [
        Pose(x, y, module_px=3.5 - 2.2 * hard, turned=random.uniform(-20, 20))
        for x, y in corners[:count]
    ]

    def frame() -> Frame:
        scene = wall()
        for each, pose in zip(said, poses, strict=True):
            scene = placed(scene, code(each), shaken(pose, random))
        return taken(scene, random)

    return _presented("several", said, frame)


Make = Callable[[float, np.random.Generator], Presentation]

KINDS: tuple[Make, ...] = (
    posed("plain", lambda hard, _: Pose(module_px=6 - 4 * hard)),
    posed(
        "turned",
        lambda hard, random: Pose(module_px=2.2, turned=360 * hard + random.uniform(0, 30)),
    ),
    posed("tilted", lambda hard, _: Pose(tilted=25 + 45 * hard, module_px=4)),
    posed("small", lambda hard, _: Pose(module_px=2.2 - 1.1 * hard)),
    *(
        partial(spoilt, spoil)
        for spoil in (
            blurred,
            smeared,
            grainy,
            faded,
            dim,
            screened,
            glaring,
            shaded,
            squeezed,
        )
    ),
    near,
    inverted,
    borderless,
    several,
)


def presentations() -> Iterator[Presentation]:
    """All kinds, `EACH` of every one, from easy to hard."""
    for number, make in enumerate(KINDS):
        for step in range(EACH):
            yield make(step / (EACH - 1), np.random.default_rng((number, step)))


def still(frames: int, seed: int = 0) -> list[Frame]:
    """A door's view with nobody in it: soft shapes that stay, noise that doesn't."""
    random = np.random.default_rng(seed)
    shapes = cv2.resize(random.integers(20, 220, (12, 16), np.uint8), SIZE[::-1])
    return [taken(shapes.astype(np.float32), random, 3) for _ in range(frames)]


def _light(picture: NDArray[Any]) -> Light:
    return picture.astype(np.float32)


def _presented(kind: str, said: Sequence[str], frame: Callable[[], Frame]) -> Presentation:
    texts = tuple(frozenset({each.encode()}) for each in said)
    return Presentation(kind, texts, tuple(frame() for _ in range(FRAMES)))
