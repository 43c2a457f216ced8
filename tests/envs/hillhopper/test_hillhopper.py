"""HillHopper, our own game: it can be won, and its variables mean what they say."""

import contextlib
import hashlib
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pytest

from envs.hillhopper import make_states, solve
from envs.hillhopper.emulator import (
    CARD,
    CLEARED,
    DYING,
    ENDING,
    FOLDER,
    GAME,
    GAME_OVER,
    LEVELS,
    PLAY,
    TITLE,
    Console,
)
from envs.hillhopper.solve import plan_of, text_of
from envs.hillhopper.source.generate import acts
from envs.hillhopper.source.generate.course import Course
from tests.helpers.paths import PLANS
from tests.helpers.processes import new_process

FIRST, LAST = LEVELS[0], LEVELS[-1]
COMPILER = shutil.which('m68k-linux-gnu-gcc')


@pytest.fixture(scope='module')
def call():
    """Calls a function in another process: an emulator core can be there but once."""
    with new_process() as call:
        yield call


@contextlib.contextmanager
def playing(level=FIRST):
    """A console at the beginning of a level."""
    console = Console(level)
    try:
        yield console
    finally:
        console.close()


def follow(console, plan, is_enough=lambda variables: False):
    """Plays a plan until it is enough; the variables after every frame."""
    trace = []
    for buttons, num_frames in plan:
        for _ in range(num_frames):
            trace.append(console.press(buttons))
            if is_enough(trace[-1]):
                return trace
    return trace


def until(console, is_enough, buttons='', max_frames=1000):
    """Holds buttons until it is enough; the variables after every frame."""
    trace = follow(console, [(buttons, max_frames)], is_enough)
    assert is_enough(trace[-1]), trace[-1]
    return trace


# ---- the acts ------------------------------------------------------------------------------------


def is_at_goal(variables):
    return variables['level_end_bonus']


def replay(level):
    with playing(level) as console:
        return console.variables(), follow(console, plan_of(PLANS[level]), is_at_goal)


@pytest.mark.parametrize('level', LEVELS)
def test_every_act_can_be_cleared_without_losing_a_life(call, level):
    start, trace = call(replay, level)
    zone, act = divmod(LEVELS.index(level), 3)
    assert (start['zone'], start['act'], start['lives'], start['x']) == (zone, act, 3, 48)
    assert {step['lives'] for step in trace} == {3}
    assert [step['level_end_bonus'] for step in trace] == [0] * (len(trace) - 1) + [1]
    course = Course((acts.MEADOW, acts.CANYON, acts.GLACIER)[zone][act], 0)
    assert trace[-1]['x'] >= course.goal_x > trace[-2]['x']
    assert trace[-1]['screen_x_end'] == len(course.cells) * 16 - 320
    assert trace[-1]['score'] >= trace[-2]['score'] + 1000
    seconds = trace[-1]['minutes'] * 60 + trace[-1]['seconds']
    assert abs(seconds - len(trace) / 60) < 1.1  # The console keeps up with every frame.


def clear(level):
    """Plays on after the goal; the game modes, one after the other, and the variables."""
    with playing(level) as console:
        trace = follow(console, plan_of(PLANS[level]))
        trace += follow(console, [('', 320)])
        modes = [step['game_mode'] for step in trace]
        return [m for m, last in zip(modes, [None, *modes], strict=False) if m != last], trace[-1]


def test_after_an_act_comes_the_next(call):
    modes, variables = call(clear, 'MeadowZone.Act3')
    assert modes == [PLAY, CLEARED, CARD, PLAY]
    assert (variables['zone'], variables['act'], variables['level_end_bonus']) == (1, 0, 0)


def win():
    with playing(LAST) as console:
        follow(console, plan_of(PLANS[LAST]))
        until(console, lambda v: v['game_mode'] == ENDING)
        until(console, lambda v: v['game_mode'] == TITLE)
        console.press('', 20)
        console.press('START', 2)
        return until(console, lambda v: v['game_mode'] == PLAY)[-1]


def test_after_the_last_act_comes_the_end_and_the_title(call):
    variables = call(win)
    assert (variables['zone'], variables['act'], variables['score']) == (0, 0, 0)


def test_acts_grow_longer():
    lengths = [len(Course(text, 0).cells) for text in acts.MEADOW + acts.CANYON + acts.GLACIER]
    assert 2500 <= lengths[0] * 16 <= 3500
    for zone in range(3):
        assert lengths[3 * zone : 3 * zone + 3] == sorted(lengths[3 * zone : 3 * zone + 3])


# ---- the variables -------------------------------------------------------------------------------


def hold_right():
    with playing() as console:
        return [console.variables(), *follow(console, [('RIGHT', 600)])]


def test_right_runs_and_collects_rings_until_a_wall(call):
    trace = call(hold_right)
    xs = np.array([step['x'] for step in trace])
    assert (np.diff(xs) >= 0).all()
    assert 4 <= np.diff(xs).max() <= 5
    assert 300 < xs[-1] == xs[-100] < 500
    assert trace[-1]['rings'] == 5
    assert trace[-1]['score'] == 50
    assert trace[-1]['lives'] == 3
    assert trace[-1]['screen_x'] == xs[-1] - 136
    assert (trace[-1]['minutes'], trace[-1]['seconds']) == (0, 10)


def earn(buttons_of_frames):
    """Plays as an agent does; returns rewards, whether the episode ended, and how far it went."""
    with playing() as console:
        start, rewards, done = console.variables()['x'], [], False
        for buttons in buttons_of_frames:
            _, reward, done, _, variables = console.env.step(console.mask(buttons))
            rewards.append(reward)
            if done:
                break
        return rewards, done, variables['x'] - start


def test_the_scenario_rewards_progress_and_ends_at_the_goal(call):
    frames = [buttons for buttons, num_frames in plan_of(PLANS[FIRST]) for _ in range(num_frames)]
    rewards, done, distance = call(earn, frames)
    assert done
    assert sum(rewards) == distance > 2700
    assert min(rewards) >= -5
    rewards, done, distance = call(earn, ['RIGHT'] * 40 + ['LEFT'] * 60)
    assert not done
    assert sum(rewards) == distance
    assert min(rewards) < 0


def jump_heights(lengths):
    with playing() as console:
        start, heights = console.save(), []
        for length in lengths:
            console.load(start)
            ys = [v['y'] for v in follow(console, [('B', length), ('', 100)])]
            heights.append(ys[-1] - min(ys))
        return heights


def test_longer_presses_jump_higher(call):
    low, middle, high = call(jump_heights, [2, 6, 40])
    assert 20 < low < middle < high < 100


def stomp():
    """Tries jumps from different places before the first enemy."""
    with playing() as console:
        follow(console, [('RIGHT', 120), ('RIGHT+B', 60)])
        start, gains = console.save(), []
        for delay in range(0, 120, 4):
            console.load(start)
            trace = follow(console, [('RIGHT', delay), ('RIGHT+B', 12), ('RIGHT', 40)])
            gains.append(
                max(b['score'] - a['score'] for a, b in zip(trace, trace[1:], strict=False))
            )
        return gains


def test_jumping_on_an_enemy_scores(call):
    assert max(call(stomp)) in (100, 110)


def die_behind_the_post():
    """Follows the plan of the first act to its post, then runs right, through all but pits."""
    post = Course(acts.MEADOW[0], 0).posts[0][0]
    with playing() as console:
        follow(console, plan_of(PLANS[FIRST]), lambda v: v['x'] > post + 16)
        variables = console.variables()
        while variables['lives'] == 3 and variables['seconds'] < 50:
            console.env.data.set_value('rings', 5)
            variables = console.press('RIGHT')
        return post, variables, until(console, lambda v: v['game_mode'] == PLAY)


def test_a_pit_costs_a_life_at_once_and_leads_back_to_the_post(call):
    post, death, after = call(die_behind_the_post)
    assert (death['lives'], death['game_mode']) == (2, DYING)
    assert 240 < death['y'] < 256
    assert len(after) < 200
    assert after[-1]['x'] == post
    assert (after[-1]['lives'], after[-1]['rings']) == (2, 0)


def be_hurt(level, rings):
    """Runs into what comes; the variables around the first harm."""
    with playing(level) as console:
        if rings:
            console.env.data.set_value('rings', rings)
        trace = [console.press()]
        while trace[-1]['rings'] >= rings and trace[-1]['game_mode'] == PLAY:
            trace.append(console.press('RIGHT'))
        return trace[-1], follow(console, [('', 100)])


def test_harm_costs_all_rings_first_and_a_life_then(call):
    now, after = call(be_hurt, 'MeadowZone.Act3', 7)
    assert (now['rings'], now['lives'], now['game_mode']) == (0, 3, PLAY)
    assert {step['lives'] for step in after} == {3}  # Nothing hurts for a while.
    now, after = call(be_hurt, 'MeadowZone.Act3', 0)
    assert (now['lives'], now['game_mode']) == (2, DYING)


def lose_all():
    with playing('MeadowZone.Act3') as console:
        lives = until(console, lambda v: v['game_mode'] == GAME_OVER, 'RIGHT', 3000)
        console.press()
        picture = console.screen()
        until(console, lambda v: v['game_mode'] == TITLE)
        console.press('', 20)
        console.press('START', 2)
        again = until(console, lambda v: v['game_mode'] == PLAY)[-1]
        return [step['lives'] for step in lives], picture, again


def test_game_over_leads_to_the_title_and_a_new_game(call):
    lives, picture, again = call(lose_all)
    assert [n for n, last in zip(lives, [None, *lives], strict=False) if n != last] == [3, 2, 1, 0]
    assert (again['lives'], again['score'], again['zone'], again['act']) == (3, 0, 0, 0)
    digits = picture[16:24, 240:256]  # The two digits of LIVES: both must be zero.
    np.testing.assert_array_equal(digits[:, :8].max(-1) > 200, digits[:, 8:].max(-1) > 200)


def pause():
    with playing() as console:
        follow(console, [('RIGHT', 60)])
        before = console.press('START', 4)
        while_paused = follow(console, [('', 30), ('RIGHT', 100)])[-1]
        follow(console, [('START', 4), ('', 4)])
        return before, while_paused, console.press('RIGHT', 60)


def test_start_pauses(call):
    before, while_paused, after = call(pause)
    assert while_paused == before
    assert after['x'] > before['x'] + 60


def listen(num_frames):
    """The loudest frequency of the first note."""
    with playing() as console:
        sound = []
        while not np.any(sound[-1:]):
            console.press()
            sound.append(console.env.em.get_audio()[:, 0].copy())
        for _ in range(num_frames):
            console.press()
            sound.append(console.env.em.get_audio()[:, 0].copy())
        wave, rate = np.concatenate(sound).astype(float), console.env.em.get_audio_rate()
        power = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
        return np.fft.rfftfreq(len(wave), 1 / rate)[power.argmax()]


def test_there_is_music(call):
    assert 100 < call(listen, 30) < 1000


# ---- the machine ---------------------------------------------------------------------------------


def play_at_random(console, num_frames, seed):
    rng, trace = np.random.default_rng(seed), []
    choices = ('RIGHT', 'RIGHT+B', 'LEFT', 'DOWN', 'RIGHT+DOWN', 'A', 'C+LEFT', '', 'B')
    for _ in range(num_frames // 8):
        buttons = choices[rng.integers(len(choices))]
        for _ in range(8):
            trace.append((console.press(buttons), zlib.crc32(console.screen())))
    return trace


def restore_and_repeat():
    with playing() as console:
        play_at_random(console, 200, 0)
        state = console.save()
        first = play_at_random(console, 400, 1)
        console.load(state)
        return first == play_at_random(console, 400, 1), len({picture for _, picture in first})


def test_save_states_are_exact(call):
    same, num_pictures = call(restore_and_repeat)
    assert same
    assert num_pictures > 300


def play_long(level, num_frames):
    with playing(level) as console:
        trace = [variables for variables, _ in play_at_random(console, num_frames, 5)]
        until(console, lambda v: v['game_mode'] == PLAY or v['game_mode'] == TITLE)
        time = console.variables()['seconds']
        return trace, console.press('', 61), time


@pytest.mark.parametrize('level', ['MeadowZone.Act2', 'GlacierZone.Act3'])
def test_random_play_breaks_nothing(call, level):
    trace, after, time = call(play_long, level, 2400)
    assert {step['game_mode'] for step in trace} <= set(range(7))
    assert all(0 <= step['x'] <= step['screen_x_end'] + 320 for step in trace)
    assert all(step['lives'] <= 4 for step in trace)
    assert after['game_mode'] != PLAY or after['seconds'] != time  # It still runs.


def begin_twice(level):
    """The same play from the committed state and from the title of the committed ROM."""
    state = make_states.beginning(LEVELS.index(level))
    with playing(level) as console:
        first = play_at_random(console, 80, 2)
        console.load(state)
        console.press()  # As stable-retro does when it resets.
        return first, play_at_random(console, 80, 2)


@pytest.mark.parametrize('level', [FIRST, 'CanyonZone.Act2', LAST])
def test_the_states_are_those_of_the_rom(call, level):
    first, second = call(begin_twice, level)
    assert first == second


def test_the_search_finds_a_way(call):
    plan = call(solve.solve, FIRST, 1, 120)
    assert 600 < sum(num_frames for _, num_frames in plan) < 2400


def test_the_rom_is_the_one_of_its_hash_and_header():
    rom = (FOLDER / GAME / 'rom.md').read_bytes()
    assert (FOLDER / GAME / 'rom.sha').read_text().split() == [hashlib.sha1(rom).hexdigest()]
    assert rom[0x100:0x110] == b'SEGA MEGA DRIVE '
    assert len(rom) < 256 * 1024
    words = np.frombuffer(rom[0x200:], '>u2')
    assert int.from_bytes(rom[0x18E:0x190], 'big') == int(words.sum()) & 0xFFFF


@pytest.mark.skipif(not COMPILER, reason='needs gcc-m68k-linux-gnu')
def test_a_rebuild_gives_the_same_bytes(tmp_path):
    command = ['make', '-C', FOLDER / 'source', f'BUILD={tmp_path}', f'OUT={tmp_path}']
    subprocess.run([*command, f'PYTHON={sys.executable}'], check=True, stdout=subprocess.DEVNULL)
    for name in ('rom.md', 'rom.sha'):
        assert (tmp_path / name).read_bytes() == (FOLDER / GAME / name).read_bytes()


def test_plans_are_text():
    plan = (('RIGHT', 4), ('RIGHT', 8), ('', 4), ('RIGHT+B', 1))
    assert text_of(plan) == 'RIGHT*12 NOOP*4 RIGHT+B*1'
    assert plan_of(text_of(plan)) == (('RIGHT', 12), ('', 4), ('RIGHT+B', 1))
