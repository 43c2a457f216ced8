"""Enemies, moving platforms, sparks and rings."""

import numpy as np

from envs.hillhopper.source.generate.canvas import (
    OUTLINE,
    Picture,
    canvas,
    ellipse,
    outline,
    painted,
    polygon,
)

# Colours of the enemies' palette; bodies (2 to 4) and accents (7, 8) differ between zones.
BODY = (2, 3, 4)
WHITE, WING, ACCENT, ACCENT_DARK = 5, 6, 7, 8
WOOD = (10, 11, 12)
# Colours of the hero's palette.
RING_LIGHT, RING, RING_DARK, SPARK_WHITE = 13, 14, 15, 6


def enemies() -> list[Picture]:
    """Draws two pictures each of the walker, the flyer and the hopper, 32 x 24, looking left."""
    return [_walker(0), _walker(1), _flyer(0), _flyer(1), _hopper(0), _hopper(1)]


def _eye(picture: Picture, x: int, y: int) -> None:
    picture[y : y + 4, x : x + 4] = WHITE
    picture[y : y + 4, x + 4] = OUTLINE
    picture[y + 1 : y + 4, x : x + 2] = OUTLINE


def _walker(step: int) -> Picture:
    """Draws a beetle with a horn."""

    def feet(picture: Picture) -> None:
        for i in range(3):
            x = 9.5 + 6 * i + (2 if (i + step) % 2 else 0)
            ellipse(picture, (x, 21.6), (2.6, 1.7), ACCENT_DARK)

    def shell(picture: Picture) -> None:
        ellipse(picture, (18, 14.5), (9.5, 7), BODY)
        picture[8:20, 18] = OUTLINE
        for x, y in ((15, 11), (22, 11), (22, 17)):
            ellipse(picture, (x, y), (1.8, 1.8), ACCENT)

    def head(picture: Picture) -> None:
        polygon(picture, [(2, 8), (8, 11), (7, 16)], ACCENT)
        ellipse(picture, (9, 16), (4.6, 4.6), ACCENT_DARK)
        _eye(picture, 6, 13)

    return painted((24, 32), feet, shell, head)


def _flyer(beat: int) -> Picture:
    """Draws a bird as round as a ball."""

    def body(picture: Picture) -> None:
        polygon(picture, [(22, 11), (30, 8), (29, 17)], 4)
        ellipse(picture, (16, 13.5), (8.5, 7.5), BODY)
        ellipse(picture, (14, 17), (5, 3.4), WING)
        polygon(picture, [(9, 12), (2, 15), (9, 17)], ACCENT)
        _eye(picture, 9, 8)

    def wing(picture: Picture) -> None:
        if beat:
            ellipse(picture, (20, 17), (5.5, 2.6), WING, 40)
        else:
            ellipse(picture, (20, 7), (6, 2.6), WING, -50)

    return painted((24, 32), body, wing)


def _hopper(in_air: int) -> Picture:
    """Draws a frog."""

    def legs(picture: Picture) -> None:
        if in_air:
            ellipse(picture, (23, 20), (6, 1.9), 4, 40)
            ellipse(picture, (11, 20), (4, 1.7), 4, 110)
        else:
            ellipse(picture, (23, 18.5), (5, 4), BODY)
            ellipse(picture, (22, 22), (5.5, 1.5), ACCENT_DARK)
            ellipse(picture, (10, 22), (4, 1.5), ACCENT_DARK)

    def body(picture: Picture) -> None:
        rise = 3 if in_air else 0
        ellipse(picture, (16, 16 - rise), (9, 5.6), BODY)
        ellipse(picture, (12, 18.5 - rise), (5.6, 2.6), WING)
        ellipse(picture, (10, 10 - rise), (3.6, 3.6), BODY)
        _eye(picture, 7, 8 - rise)
        for x in (17, 21):
            ellipse(picture, (x, 13 - rise), (1.3, 1.3), ACCENT)

    return painted((24, 32), legs, body)


def platform() -> Picture:
    """Draws the left half of a moving platform, 24 x 16; the right half is its mirror image."""
    picture = canvas(16, 24)
    picture[1:8, 1:] = WOOD[1]
    picture[1:3, 1:] = WOOD[0]
    picture[6:8, 1:] = WOOD[2]
    polygon(picture, [(5, 8), (24, 8), (24, 14), (12, 14)], WOOD[2])
    picture[8:10, 8:24] = OUTLINE
    picture[3:6, 4:6] = ACCENT
    outline(picture)
    picture[:, 23][picture[:, 23] == 0] = 0
    return picture


def rings() -> list[Picture]:
    """Draws a ring from four sides, 16 x 16, in the colours of the hero's palette."""
    return [_ring(width) for width in (6.0, 4.2, 1.6, 4.2)]


def _ring(width: float) -> Picture:
    picture = canvas(16, 16)
    ellipse(picture, (8, 8), (width + 0.6, 6.6), RING_DARK)
    ellipse(picture, (7.6, 7.6), (width, 6), RING)
    if width > 2:
        ellipse(picture, (8, 8), (width - 2, 4), OUTLINE)
        ellipse(picture, (8, 8), (width - 2.6, 3.4), 0)
    picture[3:6, int(8 - width * 0.75)] = RING_LIGHT
    picture[2:4, int(8 - width * 0.5)] = RING_LIGHT
    outline(picture)
    return picture


def puffs() -> list[Picture]:
    """Draws a glitter, first small and then large."""
    pictures = []
    for reach in (4, 7):
        picture = canvas(16, 16)
        for i in range(8):
            turn = np.pi * i / 4
            x, y = 8 + reach * 0.8 * np.cos(turn), 8 + reach * 0.8 * np.sin(turn)
            ellipse(picture, (x, y), (1.6, 1.6), RING_LIGHT if i % 2 else SPARK_WHITE)
        pictures.append(picture)
    return pictures
