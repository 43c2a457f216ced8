"""The blocks of 16 x 16 pixels, in three materials, that the acts are made of."""

import dataclasses
from collections.abc import Callable

import numpy as np

from envs.hillhopper.source.generate.canvas import (
    OUTLINE,
    Picture,
    canvas,
    ellipse,
    outline,
    polygon,
    speckle,
)

TOP_LIGHT, TOP, TOP_DARK, SOIL_LIGHT, SOIL, SOIL_DARK = 2, 3, 4, 5, 6, 7
LEAF, LEAF_DARK, WHITE, STEEL, RED, GOLD_LIGHT, GOLD, GOLD_DARK = 8, 9, 10, 11, 12, 13, 14, 15
BLOCKS = (
    'EMPTY', 'TOP_A', 'TOP_B', 'TOP_LEFT', 'TOP_RIGHT', 'SOIL_A', 'SOIL_B', 'SOIL_LEFT',
    'SOIL_RIGHT', 'UP_LOW', 'UP_HIGH', 'UP_LOW_SOIL', 'UP_HIGH_SOIL', 'DOWN_HIGH', 'DOWN_LOW',
    'DOWN_HIGH_SOIL', 'DOWN_LOW_SOIL', 'STONE', 'LEDGE_LEFT', 'LEDGE', 'LEDGE_RIGHT', 'SPIKES',
    'SPRING', 'RING', 'POST', 'POST_LIT', 'POST_POLE', 'GOAL', 'GOAL_POLE',
    'FLAG', 'FLAG_LIT',
    'FLOWER', 'TUFT', 'BUSH_LEFT', 'BUSH_RIGHT', *(f'TREE_{i}' for i in range(6)),
)  # fmt: skip
BLOCK = {name: number for number, name in enumerate(BLOCKS)}
EMPTY, SOLID, SLOPE, ONE_WAY = range(4)  # Kinds of blocks, by their effect on the hero.
# Height of the ground in every pixel column of a block with a slope.
SLOPES = {
    'UP_LOW': np.arange(16) // 2 + 1,
    'UP_HIGH': np.arange(16) // 2 + 9,
    'DOWN_HIGH': 16 - np.arange(16) // 2,
    'DOWN_LOW': 8 - np.arange(16) // 2,
}


@dataclasses.dataclass(frozen=True)
class Material:
    """Look of the ground of a zone."""

    texture: Callable[[np.ndarray, np.ndarray], np.ndarray]  # From x and y to SOIL colours.
    fringe: tuple[int, ...]  # Depth to which the top covers the soil, by column.
    flower: Callable[[Picture], None]
    tuft: Callable[[Picture], None]
    tree: Callable[[Picture], None]  # 48 x 32.


def kind(name: str) -> int:
    """Returns the kind of a block."""
    if name in SLOPES:
        return SLOPE
    if name.startswith(('TOP', 'SOIL', 'STONE')) or name.endswith('_SOIL'):
        return SOLID
    return ONE_WAY if name.startswith('LEDGE') else EMPTY


def heights(name: str) -> np.ndarray:
    """Returns the height of the surface in each pixel column of a block; 0 where there is none."""
    if name in SLOPES:
        return SLOPES[name]
    return np.full(16, 16 if kind(name) != EMPTY else 0)


def blocks(material: Material) -> list[Picture]:
    """Draws all `BLOCKS`; the picture of the ring is replaced during the game."""
    drawn = {**_earth(material), **_things(), **_plants(material)}
    return [drawn.get(name, canvas(16, 16)) for name in BLOCKS]


# ---- the ground ----------------------------------------------------------------------------------


def _ground(material: Material, depth: np.ndarray, x0: int = 0, y0: int = 0) -> Picture:
    """Draws ground with a texture from (x0, y0), given each pixel's depth below the surface."""
    x = np.arange(x0, x0 + depth.shape[1])[None, :] + np.zeros_like(depth)
    fringe = np.array([material.fringe[i % len(material.fringe)] for i in x[0]])[None, :]
    picture = material.texture(x, y0 + np.arange(16)[:, None] + np.zeros_like(depth))
    picture[depth < fringe + 2] = SOIL_DARK
    picture[depth < fringe + 1] = TOP_DARK
    picture[depth < fringe - 1] = TOP
    picture[depth < 3] = TOP_LIGHT
    picture[depth == 0] = OUTLINE
    picture[depth < 0] = 0
    return picture


def _earth(material: Material) -> dict[str, Picture]:
    level = np.arange(16)[:, None] + np.zeros(16, int)
    drawn = {
        'TOP_A': _ground(material, level),
        'TOP_B': _ground(material, level, 16),
        'SOIL_A': _ground(material, level + 16, 0, 16),
        'SOIL_B': _ground(material, level + 32, 16, 32),
    }
    for part, whole in (('TOP', 'TOP_A'), ('SOIL', 'SOIL_A')):
        for side, column in (('LEFT', 0), ('RIGHT', 15)):
            picture = drawn[whole].copy()
            picture[:, column] = OUTLINE
            inner = picture[6:, abs(column - 1)] if part == 'TOP' else picture[:, abs(column - 1)]
            inner[:] = SOIL_LIGHT if side == 'LEFT' else SOIL_DARK
            drawn[f'{part}_{side}'] = picture
    for name, height in SLOPES.items():
        depth = level - (16 - height)[None, :]
        drawn[name] = _ground(material, depth)
        drawn[f'{name}_SOIL'] = _ground(material, depth + 16, 0, 16)
    return drawn


# ---- what is built -------------------------------------------------------------------------------


def _things() -> dict[str, Picture]:
    ledge = _ledge()
    return {
        'STONE': _stone(),
        'LEDGE': ledge,
        'LEDGE_LEFT': _ended(ledge, 0),
        'LEDGE_RIGHT': _ended(ledge, 15),
        'SPIKES': _spikes(),
        'SPRING': _spring(),
        'POST': _post(STEEL, SOIL_DARK),
        'POST_LIT': _post(GOLD_LIGHT, RED),
        'POST_POLE': _pole(),
        'GOAL': _pole_top(),
        'FLAG': _flag(WHITE, OUTLINE),
        'FLAG_LIT': _flag(GOLD_LIGHT, RED),
        'GOAL_POLE': _pole(),
    }


def _stone() -> Picture:
    picture = canvas(16, 16, STEEL)
    picture[1:3, 1:15] = picture[1:15, 1:3] = WHITE
    picture[13:15, 2:15] = picture[2:15, 13:15] = SOIL_DARK
    picture[5:11, 5:11] = SOIL
    picture[5, 5:11] = picture[5:11, 5] = SOIL_DARK
    picture[6:8, 6:8] = GOLD
    picture[0], picture[15], picture[:, 0], picture[:, 15] = (OUTLINE,) * 4
    return picture


def _ledge() -> Picture:
    picture = canvas(16, 16)
    picture[0] = picture[9] = OUTLINE
    picture[1:3], picture[3:6], picture[6:9] = GOLD_LIGHT, GOLD, GOLD_DARK
    picture[1:9, 7] = picture[1:9, 15] = GOLD_DARK
    picture[4, 3] = picture[4, 11] = OUTLINE
    return picture


def _ended(ledge: Picture, column: int) -> Picture:
    picture = ledge.copy()
    picture[1:9, column] = OUTLINE
    picture[(0, 9), (column, column)] = 0
    return picture


def _spikes() -> Picture:
    picture = canvas(16, 16)
    for x in (0, 8):
        polygon(picture, [(x + 4, 4), (x + 7.5, 16), (x + 0.5, 16)], STEEL)
        polygon(picture, [(x + 4, 4), (x + 4, 16), (x + 0.5, 16)], WHITE)
    outline(picture)
    picture[14:, :] = np.where(picture[14:] == WHITE, RED, picture[14:])
    picture[14:, :] = np.where(picture[14:] == STEEL, RED, picture[14:])
    return picture


def _spring() -> Picture:
    picture = canvas(16, 16)
    for y in (9, 12):
        picture[y, 3:13] = STEEL
        picture[y + 1, 4:12] = WHITE
    picture[5:8, 1:15] = RED
    picture[5, 1:15] = GOLD_LIGHT
    picture[14:16, 1:15] = RED
    outline(picture)
    return picture


def _post(lamp: int, ring: int) -> Picture:
    picture = canvas(16, 16)
    ellipse(picture, (8, 7.5), (6, 6), ring)
    ellipse(picture, (8, 7.5), (4, 4), lamp)
    picture[4:6, 5:7] = WHITE
    picture[13:, 7:9] = STEEL
    outline(picture)
    return picture


def _pole() -> Picture:
    picture = canvas(16, 16)
    picture[:, 7], picture[:, 8] = WHITE, STEEL
    picture[:, 6] = picture[:, 9] = OUTLINE
    return picture


def _pole_top() -> Picture:
    picture = _pole()
    picture[:3] = 0
    ellipse(picture, (8, 3.5), (2.6, 2.6), GOLD)
    outline(picture)
    picture[5, 10:] = picture[13, 10:] = OUTLINE  # The flag in the next block hangs on these.
    return picture


def _flag(light: int, dark: int) -> Picture:
    """Draws a chequered flag in the wind, with a hem on its left."""
    x, y = np.arange(16)[None, :], np.arange(16)[:, None]
    row = y - 3 - np.round(1.4 * np.sin(x / 2.6)).astype(int)
    picture = np.where((x // 4 + row // 4) % 2 == 0, light, dark)
    picture[(row < 0) | (row >= 12)] = 0
    picture[:, 15] = 0
    outline(picture)
    return picture


# ---- what grows ----------------------------------------------------------------------------------


def _plants(material: Material) -> dict[str, Picture]:
    flower, tuft = canvas(16, 16), canvas(16, 16)
    bush, tree = canvas(16, 32), canvas(48, 32)
    material.flower(flower)
    material.tuft(tuft)
    for x, y, radius in ((9, 10, 6.5), (22, 10, 6.5), (16, 7, 6.5)):
        ellipse(bush, (x, y), (radius, radius), (LEAF, LEAF, LEAF_DARK))
    bush[15, 3:29] = LEAF_DARK
    speckle(bush, [LEAF], TOP_LIGHT, 0.08, np.random.default_rng(2))
    material.tree(tree)
    for picture in (flower, tuft, bush, tree):
        outline(picture)
    parts = {f'TREE_{i}': tree[i // 2 * 16 :][:16, i % 2 * 16 :][:, :16] for i in range(6)}
    return {
        'FLOWER': flower,
        'TUFT': tuft,
        'BUSH_LEFT': bush[:, :16],
        'BUSH_RIGHT': bush[:, 16:],
        **parts,
    }
