"""Writes the pictures and acts as C: `python -m envs.hillhopper.source.generate FOLDER`."""

import pathlib
import sys
from collections.abc import Iterable, Sequence

import numpy as np

from envs.hillhopper.source.generate import (
    actors,
    acts,
    font,
    ground,
    hero,
    materials,
    music,
    sky,
)
from envs.hillhopper.source.generate.canvas import Picture, tiles
from envs.hillhopper.source.generate.course import KINDS, START_ROW, Course

NUM_STEPS = 64  # Length of a tune.
NUM_TILES = 0xC000 // 32  # Tiles that fit below the maps of the planes.
ZONES = (
    ('MEADOW ZONE', materials.MEADOW, materials.MEADOW_GROUND, materials.MEADOW_ACTORS,
     sky.meadow, acts.MEADOW, music.MEADOW),
    ('CANYON ZONE', materials.CANYON, materials.CANYON_GROUND, materials.CANYON_ACTORS,
     sky.canyon, acts.CANYON, music.CANYON),
    ('GLACIER ZONE', materials.GLACIER, materials.GLACIER_GROUND, materials.GLACIER_ACTORS,
     sky.glacier, acts.GLACIER, music.GLACIER),
)  # fmt: skip
TYPES = """
struct point { s16 x, y; };
struct placed { s16 x, y, range; u16 kind; };
struct band { s16 end, speed, gain; };
struct act {
    const u8 *map;
    const struct placed *actors;
    const struct point *checkpoints;
    struct point start;
    s16 columns, goal, goal_y;
    u16 num_actors, num_checkpoints;
};
struct tune { const u16 *melody, *bass; };
struct zone {
    const char *name;
    const u16 *ground_tiles, *sky_tiles, *sky_map, *palettes;
    const struct band *bands;
    const struct tune *tune;
    u16 num_sky_tiles;
};
"""


class Tables:
    """Constants in C: declarations for the header and values for the C file."""

    def __init__(self) -> None:
        self.header, self.source = [TYPES], ['#include "game.h"\n']

    def enum(self, **values: int) -> None:
        """Adds named numbers."""
        items = ', '.join(f'{name} = {value}' for name, value in values.items())
        self.header.append(f'enum {{ {items} }};')

    def array(self, kind: str, name: str, values: Sequence[object], inner: str = '') -> None:
        """Adds an array; `inner` is the size of its elements if they are arrays."""
        declaration = f'const {kind} {name}[{len(values)}]{inner}'
        self.header.append(f'extern {declaration};')
        lines = [', '.join(map(str, values[i : i + 16])) for i in range(0, len(values), 16)]
        self.source.append(f'{declaration} = {{\n' + ',\n'.join(lines) + '\n};')

    def tiles(self, name: str, pictures: Iterable[Picture]) -> int:
        """Adds pictures of 8 x 8 as words of four pixels each; returns the number of tiles."""
        pixels = np.concatenate([picture.reshape(16, 4) for picture in pictures])
        assert 0 <= pixels.min() and pixels.max() <= 15
        words = pixels @ (4096, 256, 16, 1)
        self.array('u16', name, [int(word) for word in words])
        return len(words) // 16


def _mapped(picture: Picture) -> tuple[list[Picture], list[int]]:
    """Returns the distinct tiles of a picture, and the number of the tile at each place by row."""
    height, width = picture.shape
    cells = picture.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    numbers: dict[bytes, int] = {}
    places = [numbers.setdefault(cell.tobytes(), len(numbers)) for cell in cells]
    return [cells[places.index(number)] for number in range(len(numbers))], places


def _cut(pictures: Iterable[Picture]) -> list[Picture]:
    return [tile for picture in pictures for tile in tiles(picture)]


def _figures(tables: Tables, first: int) -> int:
    """Adds the hero and all actors; returns the number of their tiles."""
    parts = {
        'HERO': hero.frames(),
        'ENEMY': actors.enemies(),
        'PLATFORM': [actors.platform()],
        'SPARK_RING': actors.rings(),
        'PUFF': actors.puffs(),
    }
    cut = {name: _cut(pictures) for name, pictures in parts.items()}
    starts = dict(zip(cut, first + np.cumsum([0, *map(len, cut.values())]), strict=False))
    stand, enemy = int(starts['HERO']), int(starts['ENEMY'])
    tables.enum(
        HERO_STAND=stand, HERO_DUCK=stand + 16, HERO_HURT=stand + 32, HERO_FALLEN=stand + 48,
        HERO_RUN=stand + 64, HERO_BALL=stand + 160, WALKER_TILE=enemy, FLYER_TILE=enemy + 24,
        HOPPER_TILE=enemy + 48, PLATFORM_TILE=int(starts['PLATFORM']),
        SPARK_RING_TILE=int(starts['SPARK_RING']), PUFF_TILE=int(starts['PUFF']),
    )  # fmt: skip
    tables.array('u16', 'hero_palette', hero.PALETTE)
    tables.array('u8', 'hero_steps', hero.RUN_STEPS)
    tables.tiles('ring_tiles', cut['SPARK_RING'])
    return tables.tiles('figure_tiles', [tile for part in cut.values() for tile in part])


def _act(tables: Tables, name: str, text: str, seed: int) -> str:
    """Adds the tables of an act; returns its initializer."""
    course = Course(text, seed)
    tables.array('u8', f'{name}_map', [int(cell) for cell in course.cells.ravel()])
    placed = [f'{{{a.x}, {a.y}, {a.range}, {a.kind}}}' for a in course.actors]
    posts = [f'{{{x}, {y}}}' for x, y in course.posts]
    tables.array('struct placed', f'{name}_actors', placed)
    tables.array('struct point', f'{name}_posts', posts)
    print(f'{name}: {len(course.cells) * 16} pixels, goal at {course.goal_x}')
    return (
        f'{{{name}_map, {name}_actors, {name}_posts, {{48, {START_ROW * 16}}}, '
        f'{len(course.cells)}, {course.goal_x}, {course.goal_y}, {len(placed)}, {len(posts)}}}'
    )


def _tune(tables: Tables, name: str, melody: str, bass: str) -> None:
    for part, text in (('melody', melody), ('bass', bass)):
        assert len(music.steps(text)) == NUM_STEPS
        tables.array('u16', f'{name}_{part}', music.steps(text))
    tables.array('struct tune', name, [f'{{{name}_melody, {name}_bass}}'])


def _zones(tables: Tables, sky_tile: int) -> None:
    zones, all_acts = [], []
    for number, (name, material, earth, bodies, paint, texts, tune) in enumerate(ZONES):
        backdrop = paint()
        sky_tiles, sky_map = _mapped(backdrop.picture)
        print(f'{name}: {len(sky_tiles)} tiles of sky')
        assert sky_tile + len(sky_tiles) <= NUM_TILES, 'too many different tiles'
        tables.tiles(f'ground_{number}', _cut(ground.blocks(material)))
        tables.tiles(f'sky_{number}', sky_tiles)
        tables.array('u16', f'sky_map_{number}', sky_map)
        tables.array('u16', f'palettes_{number}', earth + backdrop.palette + bodies)
        bands = [f'{{{band.end}, {band.speed}, {band.gain}}}' for band in backdrop.bands]
        tables.array('struct band', f'bands_{number}', bands)
        _tune(tables, f'tune_{number}', *tune)
        zones.append(
            f'{{"{name}", ground_{number}, sky_{number}, sky_map_{number}, palettes_{number}, '
            f'bands_{number}, tune_{number}, {len(sky_tiles)}}}'
        )
        for i, text in enumerate(texts):
            all_acts.append(_act(tables, f'act_{number}_{i}', text, 10 * number + i))
    tables.array('struct zone', 'zones', zones)
    tables.array('struct act', 'acts', all_acts)


def _blocks(tables: Tables) -> None:
    tables.enum(**ground.BLOCK, NUM_BLOCKS=len(ground.BLOCKS))
    tables.enum(KIND_EMPTY=0, KIND_SOLID=1, KIND_SLOPE=2, KIND_ONE_WAY=3)
    tables.enum(**{name: number for number, name in enumerate(KINDS)})
    tables.array('u8', 'block_kinds', [ground.kind(name) for name in ground.BLOCKS])
    heights = ['{' + ', '.join(map(str, ground.heights(name))) + '}' for name in ground.BLOCKS]
    tables.array('u8', 'block_heights', heights, '[16]')


def main(folder: pathlib.Path) -> None:
    """Writes `assets.h` and `assets.c`."""
    tables = Tables()
    _blocks(tables)
    glyphs, (logo_tiles, logo_map) = font.glyphs(), _mapped(font.logo())
    num_ground = len(ground.BLOCKS) * 4
    assert len(logo_tiles) <= num_ground, 'the title has more tiles than the ground'
    font_tile, ground_tile = 1, 1 + len(glyphs)
    figure_tile = ground_tile + num_ground
    num_figures = _figures(tables, figure_tile)
    tables.enum(
        FONT_TILE=font_tile, GROUND_TILE=ground_tile, FIGURE_TILE=figure_tile,
        SKY_TILE=figure_tile + num_figures, NUM_FONT_TILES=len(glyphs),
        NUM_FIGURE_TILES=num_figures, NUM_LOGO_TILES=len(logo_tiles), NUM_ZONES=len(ZONES),
        LOGO_WIDTH=32, LOGO_HEIGHT=len(logo_map) // 32,
    )  # fmt: skip
    tables.tiles('font_tiles', glyphs)
    tables.tiles('logo_tiles', logo_tiles)
    tables.array('u16', 'logo_map', logo_map)
    waves = np.round(64 * np.sin(2 * np.pi * np.arange(256) / 256)).astype(int)
    tables.array('s8', 'sine', list(waves))
    tables.enum(TUNE_STEPS=NUM_STEPS, NOTE_HOLD=music.HOLD, NOTE_SILENCE=music.SILENCE)
    _zones(tables, figure_tile + num_figures)
    (folder / 'assets.h').write_text('\n'.join(tables.header) + '\n')
    (folder / 'assets.c').write_text('\n'.join(tables.source) + '\n')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]))
