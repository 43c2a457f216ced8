"""Atari games against ale-py's own environment, and snapshots that continue exactly."""

import concurrent.futures
import copy
import hashlib
import multiprocessing
import subprocess
import sys

import ale_py
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.backends import atari_game
from envs.backends.atari_game import AtariGame
from envs.errors import UsageError

# The last three do not survive ALE's own cloneState and restoreState.
SNAPSHOT_GAMES = ['Breakout', 'Pong', 'SpaceInvaders', 'Qbert', 'Tetris', 'YarsRevenge']


def play(game, rng, num_frames, stickiness=0.25):
    """Random play over episode ends: what every frame returned and showed."""
    trace, action = [], None
    for _ in range(num_frames):
        if action is None or rng.random() >= stickiness:
            action = int(rng.integers(game.action_space.n))
        observation, reward, terminated, truncated, info = game.step(action)
        pictures = observation.tobytes() + game.render().tobytes()
        trace.append((hashlib.md5(pictures).hexdigest(), reward, terminated, truncated, info))
        if terminated:
            observation, info = game.reset()
            trace.append((hashlib.md5(observation).hexdigest(), info))
            action = None
    return trace


def restore_and_play(game_id, snapshot, rng, num_frames):
    game = AtariGame(game_id)
    game.restore(snapshot)
    return game.screen(), game.render(), play(game, rng, num_frames)


def test_ids_are_those_that_ale_py_registers():
    gymnasium.register_envs(ale_py)
    registered = {name for name in gymnasium.registry if name.startswith('ALE/')}
    assert set(atari_game.game_ids()) == registered
    assert len(registered) > 100


def test_listing_games_does_not_import_ale_py():
    code = (
        'import sys; from envs.backends import atari_game; '
        'assert len(atari_game.game_ids()) > 100; '
        'atari_game.check("ALE/Pong-v5"); assert "ale_py" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_the_emulator_prints_nothing(capfd):
    AtariGame('ALE/Pong-v5').reset(seed=0)
    assert capfd.readouterr() == ('', '')


def test_unknown_game_level_and_action_set_are_refused():
    with pytest.raises(UsageError, match="no game 'ALE/Pang-v5'"):
        atari_game.check('ALE/Pang-v5')
    with pytest.raises(UsageError, match='Level1'):
        AtariGame('ALE/Pong-v5', level='Level1')
    with pytest.raises(UsageError, match='fast'):
        AtariGame('ALE/Pong-v5', actions='fast')


def test_a_missing_cartridge_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(atari_game, '_roms', lambda: {'ALE/Pong-v5': tmp_path / 'pong.bin'})
    with pytest.raises(UsageError, match='pong.bin is missing'):
        atari_game.check('ALE/Pong-v5')


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(atari_game, '_rom_directory', lambda: None)
    with pytest.raises(UsageError, match='pip install ale-py'):
        atari_game.check('ALE/Pong-v5')


def test_action_sets():
    assert atari_game.action_sets('ALE/Pong-v5') == ('default', 'full')
    pong = AtariGame('ALE/Pong-v5')
    assert pong.action_names == ('NOOP', 'FIRE', 'RIGHT', 'LEFT', 'RIGHTFIRE', 'LEFTFIRE')
    assert (pong.noop_action, pong.action_space.n) == (0, 6)
    full = AtariGame('ALE/Pong-v5', actions='full')
    assert len(full.action_names) == full.action_space.n == 18
    assert AtariGame('ALE/Backgammon-v5').noop_action is None  # Its own actions have no NOOP.


def test_pictures_are_new_arrays():
    game = AtariGame('ALE/Breakout-v5')
    for action in (None, 1):
        observation = game.reset(seed=0)[0] if action is None else game.step(action)[0]
        assert observation in game.observation_space
        assert game.render().shape == (210, 160, 3) and game.render().dtype == np.uint8
        before = observation.copy()
        observation[:] = 0
        np.testing.assert_array_equal(game.screen(), before)
        kept = game.screen()
        for _ in range(10):
            game.advance(3)
        np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize('name', ['Breakout', 'BeamRider', 'JourneyEscape'])
def test_plays_like_ale_pys_own_environment(name):
    game = AtariGame(f'ALE/{name}-v5')
    reference = gymnasium.make(
        f'ALE/{name}-v5',
        obs_type='grayscale',
        frameskip=1,
        repeat_action_probability=0.0,
        render_mode='rgb_array',
    )
    rng = np.random.default_rng(0)
    for seed in range(2):
        np.testing.assert_array_equal(game.reset(seed=seed)[0], reference.reset(seed=seed)[0])
        for _ in range(150):
            action = int(rng.integers(game.action_space.n))
            observation, *rest, info = game.step(action)
            expected, *expected_rest, expected_info = reference.step(action)
            np.testing.assert_array_equal(observation, expected)
            assert rest == expected_rest
            assert info['lives'] == expected_info['lives']
        np.testing.assert_array_equal(game.render(), reference.render())
    reference.close()


@pytest.mark.parametrize('name', ['BeamRider', 'Solaris', 'Tennis'])
def test_every_episode_starts_alike(name):
    # With ALE's own reset these differ from the first episode, Solaris in its first picture.
    game = AtariGame(f'ALE/{name}-v5')
    traces = []
    for seed in range(3):
        picture = game.reset(seed=seed)[0].tobytes()
        traces.append((picture, play(game, np.random.default_rng(0), 80)))
        play(game, np.random.default_rng(seed), 50 * seed)
    assert traces[0] == traces[1] == traces[2]


def test_the_end_of_a_game_terminates():
    game = AtariGame('ALE/Breakout-v5')
    _, info = game.reset(seed=0)
    lives, terminated = [info['lives']], False
    while not terminated:
        reward, terminated, truncated, info = game.advance(1)  # FIRE: a new ball.
        lives.append(info['lives'])
        assert not truncated
    assert sorted(set(lives)) == [0, 1, 2, 3, 4, 5]
    assert lives == sorted(lives, reverse=True)


def test_snapshots_continue_exactly_in_a_new_process():
    expected, futures = [], []
    context = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
        for name in SNAPSHOT_GAMES:
            rng = np.random.default_rng(0)
            game = AtariGame(f'ALE/{name}-v5')
            game.reset(seed=0)
            play(game, rng, 333)
            arguments = (f'ALE/{name}-v5', game.snapshot(), copy.deepcopy(rng), 500)
            futures.append(executor.submit(restore_and_play, *arguments))
            expected.append((game.screen(), game.render(), play(game, rng, 500)))
        results = [future.result() for future in futures]
    assert any(len(entry) == 2 for entry in expected[0][2])  # Breakout: over an episode's end.
    for name, (screen, picture, trace), result in zip(
        SNAPSHOT_GAMES, expected, results, strict=True
    ):
        np.testing.assert_array_equal(result[0], screen, err_msg=name)
        np.testing.assert_array_equal(result[1], picture, err_msg=name)
        assert result[2] == trace, name


@pytest.mark.parametrize('num_frames', [0, 1, 40])
def test_restoring_undoes_what_came_after(num_frames):
    game = AtariGame('ALE/Solaris-v5')
    game.reset(seed=0)
    play(game, np.random.default_rng(0), num_frames)
    snapshot, screen, picture = game.snapshot(), game.screen(), game.render()
    trace = play(game, np.random.default_rng(1), 50)
    game.restore(snapshot)
    np.testing.assert_array_equal(game.screen(), screen)
    np.testing.assert_array_equal(game.render(), picture)
    assert play(game, np.random.default_rng(1), 50) == trace


def test_a_snapshot_of_a_game_that_is_over():
    game = AtariGame('ALE/Breakout-v5')
    game.reset(seed=0)
    while not game.advance(1)[1]:
        pass
    snapshot, screen = game.snapshot(), game.screen()
    game.reset()
    game.restore(snapshot)
    np.testing.assert_array_equal(game.screen(), screen)
    assert game.snapshot()['episode_seed'] == snapshot['episode_seed']


def test_a_snapshot_of_another_game_is_refused():
    pong, breakout = AtariGame('ALE/Pong-v5'), AtariGame('ALE/Breakout-v5')
    pong.reset(seed=0)
    breakout.reset(seed=0)
    with pytest.raises(RuntimeError, match='Breakout'):
        breakout.restore(pong.snapshot())


@pytest.mark.parametrize('name', ['Pong', 'Backgammon'])
def test_gymnasium_has_nothing_to_complain_about(name):
    check_env(AtariGame(f'ALE/{name}-v5'), skip_render_check=True)
