"""Doom games against the engine's own frame skip, and snapshots that continue exactly."""

import concurrent.futures
import hashlib
import multiprocessing
import os
import subprocess
import sys

import cv2
import gymnasium
import numpy as np
import pytest
import vizdoom
from gymnasium.utils.env_checker import check_env

from envs.backends import vizdoom_game
from envs.backends.vizdoom_game import VizdoomGame
from envs.errors import UsageError


@pytest.fixture(scope='module')
def make():
    """Makes games, one per id and action set for all tests, and closes them in the end."""
    games = {}

    def get(game_id, actions='default'):
        key = (game_id, actions)
        if key not in games:
            games[key] = VizdoomGame(game_id, actions=actions)
        return games[key]

    yield get
    for game in games.values():
        game.close()


@pytest.fixture(scope='module')
def other_process():
    context = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        yield executor


def play(game, rng, num_tics, stickiness=0.8):
    """Random play over episode ends: what every tic returned and showed."""
    trace, action = [], None
    for _ in range(num_tics):
        if action is None or rng.random() >= stickiness:
            action = rng.integers(game.action_space.n)
        observation, reward, terminated, truncated, info = game.step(action)
        trace.append((hashlib.md5(observation).hexdigest(), reward, terminated, truncated, info))
        if terminated:
            observation, info = game.reset()
            trace.append((hashlib.md5(observation).hexdigest(), info))
    return trace


def restore_and_play(game_id, snapshot, rng, num_tics):
    game = VizdoomGame(game_id)
    game.restore(snapshot)
    result = game.screen(), play(game, rng, num_tics)
    game.close()
    return result


# Ids, levels, action sets.


def test_ids_are_those_that_vizdoom_registers():
    import vizdoom.gymnasium_wrapper  # noqa: F401

    registered = {name for name in gymnasium.registry if name.startswith('Vizdoom')}
    assert set(vizdoom_game.game_ids()) == registered
    assert {'VizdoomBasic-v1', 'VizdoomFreedoom2MAP01-S5-v0'} < registered
    assert vizdoom_game.describe('VizdoomBasic-v1').levels == ()


def test_imports_are_late_and_without_pygame():
    code = (
        'import sys; from envs.backends import vizdoom_game; assert "vizdoom" not in sys.modules; '
        'vizdoom_game.game_ids(); assert "pygame" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_refuses_what_does_not_exist():
    with pytest.raises(UsageError, match='no game'):
        VizdoomGame('VizdoomBasic-v9')
    with pytest.raises(UsageError, match='no levels'):
        VizdoomGame('VizdoomBasic-v1', level='map01')
    with pytest.raises(UsageError, match='default, single, combinations, multi_binary'):
        VizdoomGame('VizdoomBasic-v1', actions='sonic')


@pytest.mark.parametrize(
    'game_id, file, free_game',
    [
        ('VizdoomDoomE1M2-S3-v0', 'doom.wad', 'VizdoomFreedoom1E1M2-S3-v0'),
        ('VizdoomDoom2MAP07-S1-v0', 'doom2.wad', 'VizdoomFreedoom2MAP07-S1-v0'),
    ],
)
def test_says_which_commercial_file_is_wanted(game_id, file, free_game, tmp_path, monkeypatch):
    monkeypatch.delenv('DOOMWADDIR', raising=False)
    with pytest.raises(UsageError, match=f'needs {file} .*DOOMWADDIR.* play {free_game}$'):
        VizdoomGame(game_id)
    assert free_game in vizdoom_game.game_ids()
    # Freedoom's file stands in for Doom's here: the maps have the same names.
    source = 'freedoom1.wad' if file == 'doom.wad' else 'freedoom2.wad'
    (tmp_path / file.upper()).symlink_to(os.path.join(vizdoom.root_path, source))
    monkeypatch.setenv('DOOMWADDIR', str(tmp_path))
    vizdoom_game.check(game_id)


def test_all_other_games_have_their_files(monkeypatch):
    monkeypatch.delenv('DOOMWADDIR', raising=False)
    missing = []
    for game_id in vizdoom_game.game_ids():
        try:
            vizdoom_game.check(game_id)
        except UsageError:
            missing.append(game_id)
    assert len(missing) == 5 * (36 + 32)  # Skills; maps of Doom and Doom 2.
    assert all(name.startswith(('VizdoomDoomE', 'VizdoomDoom2MAP')) for name in missing)


def test_multi_binary_presses_what_it_says(make):
    game = make('VizdoomBasic-MultiBinary-v1')
    assert game.action_space == gymnasium.spaces.MultiBinary(3)
    assert game.action_names == ('MOVE_LEFT', 'MOVE_RIGHT', 'ATTACK')
    pictures = []
    for action in ([0, 0, 0], [1, 0, 0], [1, 1, 0]):
        game.reset(seed=0)
        for _ in range(5):
            observation, *_ = game.step(np.array(action, np.int8))
        pictures.append(observation)
    assert (pictures[0] != pictures[1]).any()  # Left moves;
    assert (pictures[0] == pictures[2]).mean() > 0.99  # left and right together do not.
    action = np.array([1, 0, 1], np.int8)
    for _ in range(5):
        game.advance(action)
    snapshot, before = game.snapshot(), game.screen()
    game.reset(seed=1)
    game.restore(snapshot)
    np.testing.assert_array_equal(game.screen(), before)


# Episodes.


@pytest.mark.parametrize('game_id', ['VizdoomBasic-v1', 'VizdoomFreedoom1E1M1-S1-v0'])
def test_is_a_gymnasium_environment(game_id, make):
    game = make(game_id)
    check_env(game, skip_render_check=True, skip_close_check=True)
    assert game.observation_space == gymnasium.spaces.Box(0, 255, (120, 160), np.uint8)
    assert game.frame_rate == 35.0 and game.screen().std() > 5


def reference_engine(scenario, monkeypatch, folder):
    """ViZDoom as its documentation uses it."""
    monkeypatch.chdir(folder)  # It leaves files there.
    doom = vizdoom.DoomGame()
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{scenario}.cfg'))
    doom.set_screen_format(vizdoom.ScreenFormat.GRAY8)
    doom.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    doom.set_window_visible(False)
    doom.add_game_args('+movebob 0')
    doom.init()
    return doom


@pytest.mark.parametrize(
    'game_id, scenario, num_tics, seeds',
    [
        ('VizdoomBasic-v1', 'basic', 300, [5, 6]),  # After a start, and after an episode.
        ('VizdoomHealthGathering-v1', 'health_gathering', 2100, [5]),
    ],
)
def test_the_time_limit_is_the_engines(
    game_id, scenario, num_tics, seeds, make, monkeypatch, tmp_path
):
    game = make(game_id)
    assert game.max_episode_frames == num_tics
    doom = reference_engine(scenario, monkeypatch, tmp_path)
    for seed in seeds:
        game.reset(seed=seed)
        doom.set_seed(game.snapshot()['episode_seed'])
        doom.new_episode()
        if scenario == 'health_gathering':  # The floor hurts: death would come at tic 384.
            doom.send_game_command('god')
            game._engine._doom.send_game_command('god')
        for tic in range(1, num_tics + 1):
            before = doom.get_state().screen_buffer
            doom.make_action([1, 0, 0])  # The first action of both games, to the left.
            reward, terminated, truncated, _ = game.advance(0)
            assert reward == doom.get_last_reward()
            assert not terminated and not truncated
            assert doom.is_episode_finished() == (tic == num_tics)
        assert doom.is_episode_timeout_reached() and doom.get_state() is None
        assert game._engine.tic == doom.get_episode_time()
        assert game.screen().std() > 5  # The engine shows nothing at its limit; we do.
        if scenario == 'health_gathering':  # The player still turns.
            assert (game.screen() != before).mean() > 0.1
    doom.close()


def test_rewards_are_those_of_the_engines_own_frame_skip(make, monkeypatch, tmp_path):
    game = make('VizdoomDeadlyCorridor-v1')
    doom = reference_engine('deadly_corridor', monkeypatch, tmp_path)
    rng, ends = np.random.default_rng(0), 0
    game.reset(seed=0)
    doom.set_seed(game.snapshot()['episode_seed'])
    doom.new_episode()
    while ends < 2:
        action = int(rng.integers(game.action_space.n))
        expected = doom.make_action(game._action_set.buttons(action).tolist(), 4)
        total = 0.0
        for _ in range(4):
            reward, terminated, truncated, info = game.advance(action)
            total += reward
            if terminated:
                break
        assert total == pytest.approx(expected, abs=1e-9) and not truncated
        assert terminated == doom.is_episode_finished()
        assert info == {'health': doom.get_game_variable(vizdoom.GameVariable.HEALTH)}
        if terminated:
            assert total < -90  # Death costs 100.
            ends += 1
            game.reset()
            doom.set_seed(game.snapshot()['episode_seed'])
            doom.new_episode()
        else:
            np.testing.assert_array_equal(game.screen(), doom.get_state().screen_buffer)
    doom.close()


@pytest.mark.parametrize(
    'game_id, seeds',
    [
        ('VizdoomBasic-v1', [0, 1, 3]),  # A player who kills the monster leaves the map.
        ('VizdoomDeadlyCorridor-v1', [2, 3, 4]),
        ('VizdoomFreedoom2MAP03-S3-v0', [2]),  # With messages about what was found.
    ],
)
def test_many_tics_at_once_are_the_same_tics(game_id, seeds, make):
    game, ends = make(game_id), []
    for seed in seeds:
        traces = []
        for many in (False, True):
            game.reset(seed=seed)
            rng, trace, terminated = np.random.default_rng(seed), [], False
            while not terminated and len(trace) < 40:
                action, total, num_played = int(rng.integers(game.action_space.n)), 0.0, 0
                if many:
                    (total, terminated, _, info), num_played = game.advance_many(action, 4)
                while not many and not terminated and num_played < 4:
                    reward, terminated, _, info = game.advance(action)
                    total, num_played = total + reward, num_played + 1
                picture = 0 if terminated else hashlib.md5(game.screen()).hexdigest()
                if game._engine.tic == 0:
                    num_played = 4  # The map was left; all that is known is that it was not more.
                trace.append((round(total, 6), terminated, info, num_played, picture))
            traces.append(trace)
            ends.append((terminated, num_played))
            if many:
                assert len(game.snapshot()['actions']) == sum(row[3] for row in trace)
        assert traces[0] == traces[1]
    if game_id == 'VizdoomDeadlyCorridor-v1':
        assert any(terminated and num_played < 4 for terminated, num_played in ends)
    if game_id == 'VizdoomBasic-v1':
        assert any(terminated for terminated, _ in ends)


def test_the_last_picture_stays_at_the_end(make):
    game = make('VizdoomHealthGathering-v1')
    game.reset(seed=0)
    terminated = False
    while not terminated:
        before = game.screen()
        _, terminated, _, info = game.advance(0)
    assert info['health'] <= 0
    np.testing.assert_array_equal(game.screen(), before)
    assert before.std() > 5
    snapshot = game.snapshot()
    game.reset()
    game.restore(snapshot)
    np.testing.assert_array_equal(game.screen(), before)


def test_pictures_belong_to_the_caller(make):
    game = make('VizdoomBasic-v1')
    picture, _ = game.reset(seed=0)
    picture[:] = 7
    assert (game.screen() != 7).any()


def test_an_episode_depends_on_its_seed_alone(make):
    game, traces = make('VizdoomDefendCenter-v1'), []
    for history in (0, 3, 700):
        game.reset(seed=9)
        play(game, np.random.default_rng(history), history)
        observation, _ = game.reset(seed=1)
        traces.append((observation.tobytes(), play(game, np.random.default_rng(2), 150)))
    assert traces[0] == traces[1] == traces[2]
    game.reset(seed=2)
    assert play(game, np.random.default_rng(2), 150) != traces[0][1]


@pytest.mark.parametrize(
    'game_id, seed, num_ends',
    [('VizdoomBasic-v1', 1, 2), ('VizdoomDeadlyCorridor-v1', 4, 2), ('VizdoomDefendLine-v1', 4, 0)],
)
def test_a_new_process_continues_exactly(game_id, seed, num_ends, make, other_process):
    game, rng = make(game_id), np.random.default_rng(seed)
    game.reset(seed=seed)
    while len(game.snapshot()['actions']) < 65:
        play(game, rng, 1)
    snapshot, before = game.snapshot(), game.screen()
    assert len(snapshot['actions']) == 65
    arguments = game_id, snapshot, np.random.default_rng(seed + 1), 300
    screen, trace = other_process.submit(restore_and_play, *arguments).result()
    np.testing.assert_array_equal(screen, before)
    assert trace == play(game, np.random.default_rng(seed + 1), 300)
    assert len(trace) >= 300 + num_ends  # Over the ends of episodes.


# The camera.


def similarity(game, picture):
    """Correlation of what the camera sees now and a picture of the agent.

    The status bar moves the camera's view up, so it is searched for in the agent's.
    """
    gray = cv2.cvtColor(game.render(), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (160, 120), interpolation=cv2.INTER_AREA)
    view, picture = cv2.blur(small[5:80, 10:150], (3, 3)), cv2.blur(picture, (3, 3))
    return cv2.matchTemplate(picture, view, cv2.TM_CCOEFF_NORMED).max()


@pytest.mark.parametrize('game_id', ['VizdoomDeadlyCorridor-v1', 'VizdoomFreedoom1E1M1-S1-v0'])
def test_the_camera_films_the_same_episode(game_id):
    game, rng = VizdoomGame(game_id), np.random.default_rng(0)
    game.reset(seed=3)
    play(game, rng, 30)  # The camera starts inside the episode,
    present, past, old = [], [], game.screen()
    for num_tics in [1, 2, 3, 4, 5, 10, 10, 10, 10, 15]:
        play(game, rng, num_tics)  # and catches up with what it missed.
        if num_tics == 10:
            present.append(similarity(game, game.screen()))
            past.append(similarity(game, old))
        picture, old = game.render(), game.screen()
    assert np.mean(present) > 0.85 and np.mean(past) < 0.6
    assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8
    agent, camera = game._engine, game._camera
    assert agent.tic == camera.tic
    assert agent.variables() == camera.variables()
    for name in ('get_total_reward', 'is_episode_finished'):
        assert getattr(agent._doom, name)() == getattr(camera._doom, name)()
    snapshot = game.snapshot()
    game.reset(seed=8)
    play(game, rng, 20)
    assert similarity(game, game.screen()) > 0.85
    game.restore(snapshot)
    view = slice(60, 400)  # Between messages and status bar, which lag after undrawn tics.
    np.testing.assert_array_equal(game.render()[view], picture[view])
    game.close()
