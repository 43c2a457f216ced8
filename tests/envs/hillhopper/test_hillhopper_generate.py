"""The programs that draw HillHopper and lay out its acts."""

import numpy as np
import pytest

from envs.hillhopper.source.generate import actors, acts, font, ground, hero, materials, music, sky
from envs.hillhopper.source.generate.canvas import (
    canvas,
    colour_word,
    ellipse,
    outline,
    palette,
    polygon,
    tiles,
)
from envs.hillhopper.source.generate.cartridge import finished
from envs.hillhopper.source.generate.course import KINDS, Course

ALL_ACTS = acts.MEADOW + acts.CANYON + acts.GLACIER
MATERIALS = (materials.MEADOW, materials.CANYON, materials.GLACIER)
SKIES = (sky.meadow, sky.canyon, sky.glacier)


def tops(course):
    """The row of the uppermost solid block of every column; 14 if there is none."""
    solid = np.isin(course.cells, [n for name, n in ground.BLOCK.items() if ground.kind(name) == 1])
    return [int(np.argmax(column)) if column.any() else 14 for column in solid]


# ---- canvas --------------------------------------------------------------------------------------


def test_ellipses_and_polygons_have_their_area():
    picture = canvas(40, 40)
    ellipse(picture, (20, 20), (12, 6), 3)
    assert (picture == 3).sum() == pytest.approx(np.pi * 12 * 6, rel=0.03)
    assert picture[20, 30] == 3 and picture[30, 20] == 0
    turned = canvas(40, 40)
    ellipse(turned, (20, 20), (12, 6), 3, degrees=90)
    np.testing.assert_array_equal(turned, picture.T)
    polygon(picture, [(0, 0), (8, 0), (8, 8), (0, 8)], 5)
    assert (picture == 5).sum() == 64


def test_balls_are_light_above_and_dark_below():
    picture = canvas(20, 20)
    ellipse(picture, (10, 10), (8, 8), (2, 3, 4))
    assert (picture[3, 10], picture[10, 10], picture[16, 10]) == (2, 3, 4)


def test_outlines_are_outside():
    picture = canvas(5, 5)
    picture[2, 2] = 7
    outline(picture)
    assert picture.tolist()[1:4] == [[0, 0, 1, 0, 0], [0, 1, 7, 1, 0], [0, 0, 1, 0, 0]]


def test_tiles_go_down_the_columns():
    picture = np.arange(4).reshape(2, 2).repeat(8, 0).repeat(8, 1)
    assert [tile[0, 0] for tile in tiles(picture)] == [0, 2, 1, 3]


@pytest.mark.parametrize('rgb, word', [('FF0000', 0x00E), ('00FF00', 0x0E0), ('0000FF', 0xE00)])
def test_colours_have_three_bits(rgb, word):
    assert colour_word(rgb) == word
    assert palette(rgb) == [0, word] + [0] * 14


# ---- pictures ------------------------------------------------------------------------------------


def test_pictures_fit_sprites_and_palettes():
    sizes = [
        (hero.frames(), (32, 32), 14),
        (actors.enemies(), (24, 32), 6),
        ([actors.platform()], (16, 24), 1),
        (actors.rings() + actors.puffs(), (16, 16), 6),
        (font.glyphs(), (8, 8), 59),
        ([font.logo()], (56, 256), 1),
    ]
    for pictures, shape, count in sizes:
        assert len(pictures) == count
        assert {picture.shape for picture in pictures} == {shape}
        assert 0 <= min(p.min() for p in pictures) and max(p.max() for p in pictures) <= 15


def test_the_font_has_what_the_game_says():
    letters = set('SCORE TIME RINGS ACT LIVES 0123456789 ALL NINE ACTS CLEARED THANK YOU GAME OVER')
    assert letters - {' '} <= set(font.DOTS)


@pytest.mark.parametrize('material', MATERIALS)
def test_blocks_are_as_high_as_they_look(material):
    pictures = dict(zip(ground.BLOCKS, ground.blocks(material), strict=True))
    assert {picture.shape for picture in pictures.values()} == {(16, 16)}
    for name, picture in pictures.items():
        if ground.kind(name) in (ground.SOLID, ground.SLOPE):
            np.testing.assert_array_equal((picture > 0).sum(0), ground.heights(name))


@pytest.mark.parametrize('paint', SKIES)
def test_bands_of_the_background_meet_in_one_colour(paint):
    backdrop = paint()
    assert backdrop.picture.shape == (224, 512)
    assert backdrop.picture.min() > 0
    assert backdrop.bands[-1].end == 224
    for band in backdrop.bands[:-1]:
        above, below = backdrop.picture[band.end - 1], backdrop.picture[band.end]
        assert len({*above}) == 1
        assert {*above} & {*below} or len({*below}) == 1


# ---- acts ----------------------------------------------------------------------------------------


def test_a_course_is_laid_out_as_its_text_says():
    course = Course('flat 4, step 2, rings 2, pit 3, up 1, spikes 1, wall 2, walker 5, goal', 0)
    assert tops(course)[:9] == [11] * 4 + [9] * 2 + [14] * 3
    assert (course.cells[4:6, 7] == ground.BLOCK['RING']).all()
    assert ground.BLOCK['UP_LOW'] == course.cells[9, 8]
    assert tops(course)[9 + 2 + 3 : 9 + 2 + 5] == [6, 6]
    (walker,) = course.actors
    assert (walker.x, walker.y, KINDS[walker.kind]) == ((16 * 2 + 5) * 8, 8 * 16, 'WALKER')
    assert course.goal_x == 21 * 16
    assert len(course.cells) * 16 - course.goal_x == 192


def test_edges_are_drawn_where_the_ground_meets_air():
    course = Course('flat 3, pit 2, flat 3, goal', 0)
    assert course.cells[2, 11] == ground.BLOCK['TOP_RIGHT']
    assert course.cells[5, 12] == ground.BLOCK['SOIL_LEFT']


def test_ground_outside_of_the_screen_is_refused():
    with pytest.raises(AssertionError, match='row 4 after 1 columns'):
        Course('flat 1, step 7, flat 1', 0)


@pytest.mark.parametrize('number', range(9))
def test_acts_have_room_for_the_hero_and_the_machine(number):
    course = Course(ALL_ACTS[number], number)
    assert len(course.cells) <= 480
    assert len(course.actors) <= 40
    assert len(course.posts) == (1, 1, 2, 1, 2, 2, 2, 2, 2)[number]
    assert not course.cells[:, :2].any()  # There the scores are.
    assert all(top <= 13 for top in tops(course)[:8])  # Ground to start on.
    for actor in course.actors:
        assert actor.range >= 0 and 0 < actor.x - actor.range
    steps = -np.diff([top for top in tops(course) if top < 14])
    assert steps.max() <= 6


def test_plants_stand_on_the_ground():
    course = Course('flat 120, goal', 1)
    plants = range(ground.BLOCK['FLOWER'], len(ground.BLOCKS))
    found = np.argwhere(np.isin(course.cells, plants))
    assert len(found) > 20
    assert found[:, 1].max() == 10


def test_the_checksum_is_the_sum_of_the_words():
    rom = bytes(0x200) + b'\x12\x34\xff\xff\x01'
    image = finished(rom)
    assert len(image) == len(rom) + 1
    assert int.from_bytes(image[0x18E:0x190], 'big') == (0x1234 + 0xFFFF + 0x0100) & 0xFFFF
    assert finished(image) == image


@pytest.mark.parametrize('note, hertz', [('A4', 440), ('A2', 110), ('C5', 523.25), ('F#4', 369.99)])
def test_notes_have_their_pitch(note, hertz):
    assert music.CLOCK / music.period(note) == pytest.approx(hertz, rel=0.003)


@pytest.mark.parametrize('tune', [music.MEADOW, music.CANYON, music.GLACIER])
def test_both_voices_of_a_tune_are_equally_long(tune):
    voices = [music.steps(text) for text in tune]
    assert [len(voice) for voice in voices] == [64, 64]
    assert all(step < 1024 for voice in voices for step in voice)  # What the chip can play.
    assert music.steps('A4 - | .') == [254, music.HOLD, music.SILENCE]
