"""Ground, plants and colours of the three zones."""

import numpy as np

from envs.hillhopper.source.generate.canvas import (
    OUTLINE,
    Picture,
    ellipse,
    palette,
    polygon,
    speckle,
)
from envs.hillhopper.source.generate.ground import (
    GOLD,
    LEAF,
    LEAF_DARK,
    RED,
    SOIL,
    SOIL_DARK,
    SOIL_LIGHT,
    TOP_DARK,
    TOP_LIGHT,
    WHITE,
    Material,
)

# Order: outline, 3 of the top, 3 of the soil, 2 of leaves, white, steel, red, 3 of gold.
MEADOW_GROUND = palette(
    '102010 90F040 38C028 108820 E0A050 B87030 804818 80D070 489850 FFFFFF A0A8C0 F02020'
    ' FFF080 FFC000 C07000'
)
CANYON_GROUND = palette(
    '301008 FFD880 F0A040 B86018 D86840 B04028 782010 68A050 306838 FFFFFF B0A0A0 D01060'
    ' FFF080 FFC000 A06000'
)
GLACIER_GROUND = palette(
    '081030 FFFFFF C0E8FF 70B0F0 5090E0 3868C0 204088 388890 185060 FFFFFF A0B0D0 F03060'
    ' FFF080 FFC000 C08000'
)
# Order: outline, 3 of bodies, white, wing, 2 accents, (none), 3 of wood.
MEADOW_ACTORS = palette(
    '200818 FF80B0 E02070 900848 FFFFFF FFE0F0 FFE040 603080 000000 E0B070 B07838 704018'
)
CANYON_ACTORS = palette(
    '180828 E8D8FF B088FF 6040C0 FFFFFF E8E0FF 40F0D0 205868 000000 F0D0A0 C09060 805030'
)
GLACIER_ACTORS = palette(
    '180808 FFD890 FF9838 B84010 FFFFFF FFE8C0 FFF060 702040 000000 D0F0FF 80B8F0 4070B0'
)


def _check(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Draws squares of 8 pixels, like ploughed earth."""
    dark = ((x // 8 + y // 8) % 2).astype(bool)
    picture = np.where(dark, SOIL, SOIL_LIGHT)
    picture[(x % 8 == 7) & dark | (y % 8 == 7) & dark] = SOIL_DARK
    return picture


def _strata(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Draws layers of sandstone."""
    layer = (y + np.round(1.5 * np.sin(2 * np.pi * x / 16)).astype(int)) % 16
    picture = np.select([layer < 5, layer < 7, layer < 12], [SOIL, SOIL_DARK, SOIL_LIGHT], SOIL)
    picture[(layer == 8) & (x % 8 < 3)] = SOIL
    return picture


def _ice(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Draws blocks of ice with a diagonal gleam."""
    slant = (x + y) % 16
    picture = np.select([slant < 3, slant < 4, slant < 10], [SOIL_LIGHT, SOIL_DARK, SOIL], SOIL)
    picture[slant == 12] = SOIL_LIGHT
    picture[(y % 16 == 15) | ((x + 8 * (y // 16)) % 16 == 0)] = SOIL_DARK
    return picture


# ---- plants --------------------------------------------------------------------------------------


def _daisy(picture: Picture) -> None:
    picture[8:16, 8] = LEAF_DARK
    ellipse(picture, (5.5, 13), (2.6, 1.3), LEAF, 30)
    for x, y in ((8.5, 3), (8.5, 8), (6, 5.5), (11, 5.5)):
        ellipse(picture, (x, y), (2, 2), WHITE)
    ellipse(picture, (8.5, 5.5), (1.6, 1.6), GOLD)


def _grass(picture: Picture) -> None:
    for x, tip in ((3, 0), (6, 4), (9, 9), (12, 15)):
        polygon(picture, [(x, 16), (x + 2.5, 16), (tip, 8 if x in (6, 9) else 11)], LEAF)


def _round_tree(picture: Picture) -> None:
    picture[26:48, 14:18] = SOIL
    picture[26:48, 17] = SOIL_DARK
    for x, y, radius in ((9, 19, 8), (23, 19, 8), (16, 11, 10), (16, 22, 9)):
        ellipse(picture, (x, y), (radius, radius), (LEAF, LEAF, LEAF_DARK))
    speckle(picture[:30], [LEAF], TOP_DARK, 0.1, np.random.default_rng(3))
    for x, y in ((9, 17), (22, 13), (16, 23), (24, 22)):
        ellipse(picture, (x, y), (1.8, 1.8), RED)


def _pebbles(picture: Picture) -> None:
    ellipse(picture, (5, 13.5), (4, 2.5), (SOIL_LIGHT, SOIL, SOIL_DARK))
    ellipse(picture, (11.5, 14), (2.6, 1.9), (SOIL_LIGHT, SOIL, SOIL_DARK))


def _agave(picture: Picture) -> None:
    for tip in ((1, 8), (5, 3), (11, 3), (15, 8)):
        polygon(picture, [(6, 16), tip, (10, 16)], LEAF)
    polygon(picture, [(7, 16), (8, 2), (9.5, 16)], LEAF_DARK)


def _cactus(picture: Picture) -> None:
    for x, top, bottom in ((16, 6, 48), (6, 16, 28), (26, 12, 24)):
        picture[top:bottom, x - 3 : x + 4] = LEAF
        picture[top:bottom, x + 2 : x + 4] = LEAF_DARK
        ellipse(picture, (x + 0.5, top), (3.4, 3.4), LEAF)
        picture[top:bottom:4, x] = TOP_LIGHT
    picture[24:29, 4:14] = LEAF
    picture[20:25, 19:29] = LEAF_DARK
    ellipse(picture, (16.5, 3.5), (2.4, 2.4), RED)


def _crystal(picture: Picture) -> None:
    for x, top, colour in ((4, 9, LEAF), (11, 6, WHITE), (8, 2, LEAF)):
        polygon(picture, [(x - 2, 16), (x - 3, top + 4), (x, top), (x + 3, top + 4), (x + 2, 16)],
                colour)  # fmt: skip
        polygon(picture, [(x, 16), (x, top), (x + 3, top + 4), (x + 2, 16)], LEAF_DARK)


def _snowball(picture: Picture) -> None:
    ellipse(picture, (7, 14), (6, 3.5), (WHITE, TOP_LIGHT, TOP_DARK))


def _fir(picture: Picture) -> None:
    picture[40:48, 14:18] = OUTLINE
    for top, bottom, half in ((22, 42, 14), (12, 30, 11.5), (2, 19, 9)):
        polygon(picture, [(16, top), (16 + half, bottom), (16 - half, bottom)], LEAF)
        polygon(picture, [(16, top), (16 + half, bottom), (16 + 2, bottom)], LEAF_DARK)
        polygon(picture, [(16, top), (16 + half * 0.45, top + 8), (16, top + 6),
                          (16 - half * 0.45, top + 8)], WHITE)  # fmt: skip


MEADOW = Material(_check, (6, 7, 8, 8, 7, 6, 5, 5), _daisy, _grass, _round_tree)
CANYON = Material(_strata, (5, 5, 5, 6, 6, 6, 5, 5), _agave, _pebbles, _cactus)
GLACIER = Material(_ice, (6, 8, 10, 8, 6, 5, 5, 5), _crystal, _snowball, _fir)
