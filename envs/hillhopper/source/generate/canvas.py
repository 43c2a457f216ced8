"""Draws on small pictures whose pixels are numbers of colours; 0 is transparent."""

from collections.abc import Callable, Sequence

import numpy as np

Picture = np.ndarray  # int64[height, width], 0 to 15
OUTLINE = 1


def canvas(height: int, width: int, colour: int = 0) -> Picture:
    """Returns an empty picture."""
    return np.full((height, width), colour)


def coordinates(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Returns the x and the y of the middles of all pixels."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return x + 0.5, y + 0.5


def ellipse(
    picture: Picture,
    middle: tuple[float, float],
    radii: tuple[float, float],
    colours: int | Sequence[int],
    degrees: float = 0,
) -> None:
    """Draws a filled ellipse, its first radius turned clockwise by some degrees.

    Three colours (light, base, dark) shade it like a ball lit from the upper left.
    """
    x, y = coordinates(picture)
    dx, dy = x - middle[0], y - middle[1]
    turn = np.deg2rad(degrees)
    along, across = np.cos(turn) * dx + np.sin(turn) * dy, np.cos(turn) * dy - np.sin(turn) * dx
    inside = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1
    if isinstance(colours, int):
        picture[inside] = colours
        return
    light = (0.45 * dx + dy) / (min(radii) + 0.3 * (max(radii) - min(radii)))
    shade = np.select([light < -0.42, light < 0.5], colours[:2], colours[2])
    picture[inside] = shade[inside]


def polygon(picture: Picture, corners: Sequence[tuple[float, float]], colour: int) -> None:
    """Draws a filled polygon."""
    x, y = coordinates(picture)
    inside = np.zeros(picture.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 != y1:
            between = (y0 <= y) != (y1 <= y)
            inside ^= between & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    picture[inside] = colour


def outline(picture: Picture, colour: int = OUTLINE) -> None:
    """Draws an edge of one pixel around the drawing."""
    drawn = np.pad(picture > 0, 1)
    near = drawn[:-2, 1:-1] | drawn[2:, 1:-1] | drawn[1:-1, :-2] | drawn[1:-1, 2:]
    picture[near & (picture == 0)] = colour


def speckle(
    picture: Picture, on: Sequence[int], colour: int, share: float, rng: np.random.Generator
) -> None:
    """Recolours a fraction of the pixels that have one of the colours `on`."""
    chosen = rng.random(picture.shape) < share
    picture[chosen & np.isin(picture, on)] = colour


def tiles(picture: Picture) -> list[Picture]:
    """Cuts a picture into tiles of 8 x 8 in the order of sprites and blocks: down the columns."""
    height, width = picture.shape
    return [picture[y : y + 8, x : x + 8] for x in range(0, width, 8) for y in range(0, height, 8)]


def colour_word(rgb: str) -> int:
    """Converts `RRGGBB` to a colour of the Genesis: 3 bits each for blue, green and red."""
    red, green, blue = (round(int(rgb[i : i + 2], 16) * 7 / 255) for i in (0, 2, 4))
    return blue << 9 | green << 5 | red << 1


def palette(text: str) -> list[int]:
    """Returns 16 colours: a transparent one, then the colours of the text."""
    words = [0, *(colour_word(rgb) for rgb in text.split())]
    assert len(words) <= 16
    return words + [0] * (16 - len(words))


def painted(size: tuple[int, int], *steps: Callable[[Picture], None]) -> Picture:
    """Draws a picture of height and width `size` in steps, and then its outline."""
    picture = canvas(*size)
    for step in steps:
        step(picture)
    outline(picture)
    return picture
