"""The backgrounds: 512 x 224 pixels that repeat, in bands that move at different speeds.

Nothing crosses the border of two bands: the last line of a band has a single colour, the one behind
the silhouette of the next band. So the bands can slide without a visible cut.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from envs.hillhopper.source.generate.canvas import Picture, canvas, ellipse, palette, polygon

WIDTH, HEIGHT = 512, 224
X = np.arange(WIDTH)


@dataclasses.dataclass(frozen=True)
class Band:
    """Lines up to `end` that move by speed / 256 of the camera, plus gain / 256 for each line."""

    end: int
    speed: int
    gain: int = 0


@dataclasses.dataclass(frozen=True)
class Sky:
    """A background, its colours and its bands."""

    picture: Picture
    palette: list[int]
    bands: tuple[Band, ...]


def waves(base: float, *terms: tuple[float, int, float]) -> np.ndarray:
    """Returns a periodic line: base + sum of amplitude * sin(2 pi cycles x / 512 + phase)."""
    parts = [a * np.sin(2 * np.pi * n * X / WIDTH + phase) for a, n, phase in terms]
    return base + np.sum(parts, axis=0)


def peaks(base: float, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Returns a periodic zigzag through points (x, height above base)."""
    xs, heights = zip(*points, strict=True)
    return base - np.interp(X, xs, heights, period=WIDTH)


def silhouette(
    picture: Picture, line: np.ndarray, end: int, colours: Sequence[int], widths: Sequence[int]
) -> None:
    """Fills the area below a line down to `end`: stripes along its edge, then the last colour."""
    depth = np.arange(HEIGHT)[:, None] - np.round(line)[None, :]
    layer = np.searchsorted(np.cumsum(widths), depth, side='right')
    inside = (depth >= 0) & (np.arange(HEIGHT)[:, None] < end)
    picture[inside] = np.array(colours)[layer[inside]]


def gradient(picture: Picture, first: int, last: int, colours: Sequence[int]) -> None:
    """Draws level stripes from line `first` to `last`, blended over a few lines in between."""
    edges = np.linspace(first, last, len(colours) + 1).astype(int)
    for colour, top, bottom in zip(colours, edges[:-1], edges[1:], strict=True):
        picture[top:bottom] = colour
    for colour, edge in zip(colours[1:], edges[1:-1], strict=True):
        picture[edge - 3, ::2] = colour
        picture[edge - 1, 1::2] = colour
        picture[edge - 1, ::2] = colour
        picture[edge - 2, :] = colours[colours.index(colour) - 1]


def cloud(picture: Picture, x: int, y: int, size: float, light: int, shade: int) -> None:
    """Draws a cloud with a level lower edge at y."""
    puffs = ((-20, -5, 11), (-6, -10, 13), (9, -8, 12), (22, -4, 9))
    layer = canvas(HEIGHT, WIDTH)
    for colour, lift in ((shade, 0), (light, 3)):
        for dx, dy, radius in puffs:
            middle = x + dx * size, y + dy * size - lift
            ellipse(layer, middle, (radius * size, radius * size * 0.8), colour)
    layer[y:] = 0
    picture[layer > 0] = layer[layer > 0]


def meadow() -> Sky:
    """Draws a morning: clouds, blue mountains, two rows of pale green hills."""
    picture = canvas(HEIGHT, WIDTH)
    gradient(picture, 0, 112, (1, 2, 3, 4))
    for x, y, size in ((70, 44, 1.0), (200, 66, 0.7), (318, 38, 1.1), (440, 62, 0.8)):
        cloud(picture, x, y, size, 5, 6)
    points = [(20, 8), (70, 44), (110, 14), (150, 34), (200, 6), (262, 50), (310, 18), (350, 36),
              (400, 10), (452, 40), (490, 16)]  # fmt: skip
    mountains = peaks(124, points)
    picture[112:150] = 4
    silhouette(picture, mountains, 142, (8, 7), (5,))
    snow = np.arange(HEIGHT)[:, None] < np.minimum(mountains + 12, 96 + 4 * np.sin(X))[None, :]
    picture[(picture >= 7) & snow & (np.arange(HEIGHT)[:, None] >= mountains)] = 5
    picture[142:186] = 7
    silhouette(picture, waves(160, (9, 3, 0), (5, 7, 1)), 186, (9, 10), (4,))
    picture[186:] = 10
    silhouette(picture, waves(198, (7, 4, 2), (4, 9, 0)), HEIGHT, (11, 12), (3,))
    for i in range(16):
        x, y = 16 + 32 * i + 9 * (i % 3), 202 - 4 * (i % 2)
        ellipse(picture, (x % WIDTH, y + 8), (7 + i % 3, 8), (11, 12, 13))
    colours = palette(
        '50A0FF 78B8FF A0D0FF C8E8FF FFFFFF D8ECFF 90B8F0 A8D0F8 B8E8B0 98D898 80CC78 60B868 48A058'
    )
    return Sky(picture, colours, (Band(72, 24), Band(142, 44), Band(186, 80), Band(HEIGHT, 124)))


def canyon() -> Sky:
    """Draws an evening: a large sun, violet mesas, a plain of sand seen from above."""
    picture = canvas(HEIGHT, WIDTH)
    gradient(picture, 0, 128, (1, 2, 3, 4, 5))
    ellipse(picture, (330, 84), (34, 34), 6)
    for y in range(86, 120, 6):
        inside = picture[y : y + 1 + (y - 86) // 10] == 6
        picture[y : y + 1 + (y - 86) // 10][inside] = 5
    for x, y, long in ((60, 30, 40), (180, 42, 30), (250, 24, 36), (430, 38, 44)):
        ellipse(picture, (x, y), (long, 3), 4)
        ellipse(picture, (x + 14, y - 4), (long * 0.6, 2.4), 3)
    far = peaks(132, [(0, 0), (20, 30), (60, 30), (76, 6), (150, 6), (162, 40), (190, 40),
                      (200, 18), (236, 18), (246, 4), (390, 4), (400, 34), (452, 34), (466, 10),
                      (500, 0)])  # fmt: skip
    picture[120:152] = 5
    silhouette(picture, far, 152, (8, 7), (3,))
    picture[152:188] = 7
    near = peaks(176, [(0, 4), (50, 4), (60, 20), (120, 20), (134, 2), (230, 2), (240, 18),
                       (262, 18), (270, 23), (330, 23), (346, 2), (420, 2), (428, 14), (480, 14),
                       (488, 4)])  # fmt: skip
    silhouette(picture, near, 188, (10, 9), (4,))
    picture[188:] = 9
    for i, (top, bottom) in enumerate(((188, 191), (194, 199), (203, 211), (216, 224))):
        for x in range(0, WIDTH, 64):
            polygon(picture, [(x + 11 * i, top), (x + 11 * i + 44, top), (x + 11 * i + 34, bottom),
                              (x + 11 * i + 10, bottom)], 10 + i % 2)  # fmt: skip
    colours = palette(
        '9060C0 C070C0 F08CA8 FFB098 FFD0A0 FFF0B8 B07CB8 C898C8 E0A088 F0B898 E8AC90'
    )
    return Sky(picture, colours, (Band(47, 12), Band(152, 28), Band(188, 72), Band(HEIGHT, 76, 3)))


def glacier() -> Sky:
    """Draws a night: stars, northern lights, moonlit mountains, a frozen lake."""
    picture = canvas(HEIGHT, WIDTH)
    gradient(picture, 0, 128, (1, 2, 3, 4))
    rng = np.random.default_rng(8)
    for _ in range(36):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(27, 70))
        picture[y, x] = 5
    for base, amplitude, cycles in ((46, 7, 2), (62, 5, 3)):
        edge = np.round(waves(base, (amplitude, cycles, base), (2, 7, 1)))[None, :]
        rise = edge - np.arange(HEIGHT)[:, None]
        rays = (X[None, :] % 3 == 0) & (rise < 12 + 5 * np.sin(X / 9)[None, :])
        picture[(rise >= 0) & ((rise < 4) | rays)] = 7
        picture[(rise >= 0) & (rise < 2)] = 6
    ellipse(picture, (120, 40), (13, 13), 8)
    ellipse(picture, (115, 37), (3, 3), 5)
    ellipse(picture, (124, 44), (2, 2), 5)
    points = [(0, 10), (46, 50), (86, 16), (128, 38), (168, 8), (232, 58), (290, 14), (330, 44),
              (372, 20), (420, 52), (470, 12)]  # fmt: skip
    far = peaks(140, points)
    picture[128:160] = 4
    silhouette(picture, far, 160, (9,), ())
    slope = np.roll(far, -3) > far
    depth = np.arange(HEIGHT)[:, None] - far[None, :]
    lit = (depth >= 0) & (depth < 16 + 5 * np.sin(X * 0.9)[None, :]) & slope[None, :]
    picture[lit & (picture == 9)] = 10
    picture[160:196] = 9
    near = peaks(186, [(0, 6), (60, 22), (100, 4), (180, 20), (230, 2), (300, 24), (360, 6),
                       (430, 18), (480, 2)])  # fmt: skip
    silhouette(picture, near, 196, (12, 11), (3,))
    picture[196:] = 11
    for i, y in enumerate((199, 204, 210, 217)):
        for x in range(0, WIDTH, 64):
            start = (x + 23 * i) % WIDTH
            picture[y : y + 1 + i // 2, start : start + 26 + 6 * i] = 12 + i % 2
    colours = palette(
        '000049 24246D 242492 4949B6 FFFFFF 24B692 246D92 FFFFB6 6D6DB6 B6B6DB 494992 6D6DB6 6D49B6'
    )
    return Sky(picture, colours, (Band(76, 16), Band(160, 32), Band(196, 72), Band(HEIGHT, 76, 3)))
