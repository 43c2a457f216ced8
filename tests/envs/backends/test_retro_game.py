"""Console games, on the one that comes with stable-retro."""

import pickle
import zlib

import cv2
import numpy as np
import pytest
import stable_retro

from envs.backends import actions, retro_data, retro_game
from envs.backends.retro_game import RetroGame
from envs.errors import UsageError
from tests.helpers.processes import new_process

GAME = 'Airstriker-Genesis-v0'


@pytest.fixture(scope='module')
def call():
    """Calls a function in another process: an emulator core can be there but once."""
    with new_process() as call:
        yield call


@pytest.fixture(scope='module')
def call_elsewhere():
    """Calls a function in yet another process."""
    with new_process() as call:
        yield call


def play(game, num_frames, seed=0):
    """Random buttons, held for 10 frames, over the ends of episodes."""
    rng, trace, action = np.random.default_rng(seed), [], 0
    for frame in range(num_frames):
        if frame % 10 == 0:
            action = int(rng.integers(game.action_space.n))
        picture, reward, terminated, truncated, info = game.step(action)
        trace.append((picture.tobytes(), reward, terminated, truncated, info))
        if terminated:
            picture, info = game.reset()
            trace.append((picture.tobytes(), info))
    return trace


def about_the_game():
    game = RetroGame(GAME)
    picture, info = game.reset(seed=3)
    facts = {
        'picture': picture,
        'colours': game.render(),
        'info': info,
        'again': game.reset()[0],
        'space': game.observation_space,
        'level': game.level,
        'rate': game.frame_rate,
        'names': game.action_names,
        'noop': game.noop_action,
    }
    game.close()
    game.close()
    return facts


def test_what_a_game_says_about_itself(call):
    facts = call(about_the_game)
    assert facts['info'] == {'gameover': 9, 'lives': 3, 'score': 0}
    assert facts['level'] == 'Level1'
    assert facts['rate'] == pytest.approx(59.92, abs=0.01)
    assert facts['names'] == ('NOOP', 'B', 'LEFT', 'RIGHT', 'LEFT+B', 'RIGHT+B')
    assert facts['noop'] == 0
    assert facts['picture'] in facts['space']
    gray = cv2.cvtColor(facts['colours'], cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(facts['picture'], gray)
    assert np.ptp(gray) > 100
    np.testing.assert_array_equal(facts['again'], gray)  # All episodes begin alike.


def own_pictures():
    game = RetroGame(GAME)
    pictures = [game.reset()[0], game.render()]
    copies = [picture.copy() for picture in pictures]
    for _ in range(30):
        game.step(1)
    game.restore(game.snapshot())
    game.render()[:] = 0
    is_black = not game.screen().any()
    game.close()
    return [np.array_equal(*pair) for pair in zip(pictures, copies, strict=True)], is_black


def test_pictures_belong_to_the_caller(call):
    assert call(own_pictures) == ([True, True], False)


def own_infos():
    game = RetroGame(GAME)
    _, info = game.reset()
    info['score'] = info['lives'] = 1000
    *_, first = game.advance(0)
    first['score'] = 1000
    transition = game.advance(0)
    game.close()
    return transition


def test_infos_belong_to_the_caller(call):
    assert call(own_infos) == (0.0, False, False, {'gameover': 9, 'lives': 3, 'score': 0})


def play_and_restore(num_before, num_frames):
    game = RetroGame(GAME)
    game.reset()
    play(game, num_before)
    snapshots = [game.snapshot(), game.snapshot()]
    pictures = game.screen(), game.render()
    trace = play(game, num_frames, seed=1)
    game.restore(snapshots[0])
    same_pictures = [np.array_equal(*pair) for pair in zip(pictures, see(game), strict=True)]
    same_trace = play(game, num_frames, seed=1) == trace
    game.close()
    return snapshots, trace, same_pictures, same_trace


def see(game):
    return game.screen(), game.render()


def restore_and_play(snapshot, num_frames):
    game = RetroGame(GAME)
    game.restore(snapshot)
    trace = play(game, num_frames, seed=1)
    game.close()
    return trace


def test_a_snapshot_goes_on_exactly_in_another_process(call, call_elsewhere):
    snapshots, trace, same_pictures, same_trace = call(play_and_restore, 600, 800)
    assert same_pictures == [True, True]
    assert same_trace
    assert call_elsewhere(restore_and_play, snapshots[0], 800) == trace
    assert any(len(step) == 2 for step in trace)  # An episode ended.
    assert any(step[1] > 0 for step in trace if len(step) == 5)


def test_snapshots_are_small_once_compressed(call):
    """Behind the core's own state lies a megabyte of random memory."""
    (snapshot, _), *_ = call(play_and_restore, 20, 0)
    assert len(snapshot['state']) > 1_000_000
    assert snapshot['state'][:140_000].any()
    assert len(zlib.compress(pickle.dumps(snapshot))) < 100_000


def refuse_a_broken_state():
    game = RetroGame(GAME)
    game.reset()
    snapshot = game.snapshot()
    with pytest.raises(ValueError, match='refuses'):
        game.restore({**snapshot, 'state': snapshot['state'][:1000]})
    game.close()


def test_a_broken_save_state_is_refused(call):
    call(refuse_a_broken_state)


def play_by_stable_retro(num_before, num_frames):
    """Plays with the scenario evaluated by stable-retro instead of us; restores on the way."""
    game = RetroGame(GAME)
    game._scenario = None
    game.reset()
    trace = play(game, num_before)
    snapshot = game.snapshot()
    trace += play(game, num_frames, seed=1)
    game.restore(snapshot)
    trace += play(game, num_frames, seed=1)
    game.close()
    return trace


def test_scenarios_that_stable_retro_evaluates(call):
    trace = call(play_by_stable_retro, 600, 400)
    _, expected, *_ = call(play_and_restore, 600, 400)
    assert trace[600:] == 2 * expected


@pytest.mark.parametrize(
    'arguments, message',
    [
        (('SonicTheHedgehog-Genesis-v0',), 'needs its ROM'),
        ((GAME, 'Level2'), "has no level 'Level2'"),
        ((GAME, '', 'sonik'), "has no action set 'sonik'"),
    ],
)
def test_what_is_not_there_is_refused_before_an_emulator_starts(arguments, message):
    with pytest.raises(UsageError, match=message):
        RetroGame(*arguments)


@pytest.mark.parametrize(
    'name, game_id',
    [
        ('Airstriker-Genesis', GAME),
        (GAME, GAME),
        ('Contra-Nes', 'Contra-Nes'),
        ('Contra-Nes-v0', 'Contra-Nes'),
        ('airstriker-genesis', None),
        ('', None),
    ],
)
def test_ids_with_and_without_version(name, game_id):
    assert retro_data.canonical_id(name) == game_id


def test_levels():
    assert retro_game.levels(GAME) == ('Level1',)
    assert len(retro_game.levels('SonicTheHedgehog-Genesis-v0')) == 17


def test_families_fit_the_consoles_of_their_games():
    by_family = {}
    for game_id in retro_game.game_ids():
        by_family.setdefault(retro_data.default_action_set(game_id), set()).add(game_id)
        system = game_id.removesuffix('-v0').rpartition('-')[2]
        if system in stable_retro.data.EMU_INFO:
            buttons = stable_retro.data.EMU_INFO[system]['buttons']
            actions.for_console('default', retro_data.default_action_set(game_id), buttons)
    assert by_family['shooter'] == {GAME}
    assert 'SonicTheHedgehog2-Genesis-v0' in by_family['sonic']
    assert not {'SonicWings-Snes-v0', 'SonicBlastMan-Snes-v0'} & by_family['sonic']


def landings(turbo_frames, num_frames=400):
    """Number of jumps of the hare while jump is held, and the same from a snapshot half way."""
    game = RetroGame('HillHopper-Genesis', 'MeadowZone.Act1', 'platform', turbo_frames)
    _, info = game.reset()
    jump = game.action_names.index('B')
    heights = [info['y']]
    for frame in range(num_frames):
        if frame == num_frames // 2:
            snapshot = game.snapshot()
        heights.append(game.advance(jump)[3]['y'])
    game.restore(snapshot)
    again = [game.advance(jump)[3]['y'] for _ in range(num_frames // 2)]
    game.close()
    ground = max(heights)
    jumps = sum(a == ground and b < ground for a, b in zip(heights, heights[1:], strict=False))
    return jumps, ground - min(heights), again == heights[num_frames // 2 + 1 :]


def test_a_turbo_jumps_again_and_as_high(call):
    held, height, _ = call(landings, 0)
    assert held == 1
    jumps, turbo_height, same_after_restore = call(landings, 12)
    assert jumps > 4 and turbo_height == height > 60
    assert same_after_restore
