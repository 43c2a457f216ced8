"""Environments of Gymnasium as games: spaces, pictures, seeds, snapshots, what is refused."""

import concurrent.futures
import copy
import importlib.util
import multiprocessing
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from envs.backends import gymnasium_game
from envs.backends.gymnasium_game import GymnasiumGame
from envs.errors import UsageError


class Picture(gymnasium.Env):
    """Shows what it was made with; has neither metadata nor a render mode."""

    def __init__(self, picture, action_space):
        self._picture = np.asarray(picture, np.uint8)
        self.observation_space = spaces.Box(0, 255, self._picture.shape, np.uint8)
        self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._picture, {}

    def step(self, action):
        return self._picture, 0.0, False, False, {'action': action}


@pytest.fixture
def register():
    """Registers `Picture` with arguments for the time of a test."""
    names = []

    def add(picture, action_space=None):
        names.append(f'JoypadTest{len(names)}-v0')
        action_space = action_space or spaces.Discrete(2)
        kwargs = {'picture': picture, 'action_space': action_space}
        gymnasium.register(names[-1], Picture, kwargs=kwargs)
        return names[-1]

    yield add
    for name in names:
        del gymnasium.registry[name]


def play(game, rng, num_steps):
    """Random play over the ends of episodes, which last 60 steps at most."""
    game.action_space.seed(int(rng.integers(2**31)))
    trace, length = [], 0
    for _ in range(num_steps):
        observation, reward, terminated, truncated, _ = game.step(game.action_space.sample())
        trace.append((observation.tobytes(), reward, terminated, truncated))
        length += 1
        if terminated or truncated or length == 60:
            trace.append(game.reset()[0].tobytes())
            length = 0
    return trace


def restore_and_play(game_id, snapshot, rng, num_steps):
    game = GymnasiumGame(game_id)
    game.restore(snapshot)
    return game.screen(), play(game, rng, num_steps)


def test_game_ids_leave_out_other_backends_and_what_gymnasium_gave_up():
    import ale_py  # Registers its games when imported.

    gymnasium.register_envs(ale_py)
    ids = gymnasium_game.game_ids()
    assert {'CartPole-v1', 'Pendulum-v1', 'LunarLander-v3', 'Walker2d-v5'} <= set(ids)
    assert not {'ALE/Pong-v5', 'Pong-v4', 'Ant-v2', 'GymV21Environment-v0'} & set(ids)
    assert not [name for name in ids if '/' in name or name.startswith('Vizdoom')]


def test_does_not_import_other_backends():
    code = (
        'import sys; from envs.backends import gymnasium_game; gymnasium_game.game_ids(); '
        'assert not {"ale_py", "vizdoom", "stable_retro", "cv2", "pygame"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_every_listed_game_can_be_made_or_says_in_one_line_what_is_missing():
    made = []
    for name in gymnasium_game.game_ids():
        try:
            gymnasium_game.check(name)
            made.append(name)
        except UsageError as error:
            assert str(error).startswith(f'{name}: ') and '\n' not in str(error)
    assert {'CartPole-v0', 'CartPole-v1', 'Pendulum-v1', 'Taxi-v4', 'Blackjack-v1'} <= set(made)


@pytest.mark.parametrize(
    'name, module, package',
    [
        ('LunarLander-v3', 'Box2D', 'gymnasium\\[box2d\\]'),
        ('Ant-v5', 'mujoco', 'pip install -r requirements-mujoco.txt'),
    ],
)
def test_a_missing_package_is_named(name, module, package):
    if importlib.util.find_spec(module):
        gymnasium_game.check(name)
    else:
        with pytest.raises(UsageError, match=package):
            gymnasium_game.check(name)


def test_unknown_games_levels_and_action_sets_are_refused():
    with pytest.raises(UsageError, match='CartPool-v1'):
        gymnasium_game.check('CartPool-v1')
    with pytest.raises(UsageError, match='no levels'):
        GymnasiumGame('CartPole-v1', level='1')
    with pytest.raises(UsageError, match='no action sets'):
        GymnasiumGame('CartPole-v1', actions='full')


def test_attributes_come_from_the_environment():
    game = GymnasiumGame('CartPole-v1')
    assert (game.frame_rate, game.max_episode_frames) == (50.0, 500)
    assert game.metadata['render_fps'] == 50.0
    assert (game.noop_action, game.action_names, game.level) == (None, (), '')
    assert GymnasiumGame('Pendulum-v1').max_episode_frames == 200


def test_the_time_limit_is_left_to_the_wrapper():
    game = GymnasiumGame('Pendulum-v1')
    game.reset(seed=0)
    assert not any(game.advance([0.0])[2] for _ in range(250))


def test_steps_are_those_of_the_environment():
    game, reference = GymnasiumGame('Pendulum-v1'), gymnasium.make('Pendulum-v1')
    game.reset(seed=0)
    expected, _ = reference.reset(seed=game.snapshot()['episode_seed'])
    np.testing.assert_array_equal(game.screen(), expected)
    for torque in np.linspace(-2, 2, 50, dtype=np.float32):
        result, expected = game.step([torque]), reference.step(np.array([torque]))
        np.testing.assert_array_equal(result[0], expected[0])
        assert result[1:4] == (float(expected[1]), *expected[2:4])
    reference.close()


@pytest.mark.parametrize('torque, clipped', [(2.5, 2.0), (-1e6, -2.0), (np.inf, 2.0), (1.5, 1.5)])
def test_actions_beyond_their_bounds_are_clipped(torque, clipped):
    game, reference = GymnasiumGame('Pendulum-v1'), GymnasiumGame('Pendulum-v1')
    for one in (game, reference):
        one.reset(seed=0)
    for _ in range(3):
        result = game.step(np.array([torque], np.float32))
        expected = reference.step(np.array([clipped], np.float32))
        np.testing.assert_array_equal(result[0], expected[0])
        assert result[1:4] == expected[1:4]
    reference.restore(game.snapshot())  # The log has the actions as they came.
    np.testing.assert_array_equal(game.screen(), reference.screen())


def test_discrete_observations_are_one_hot():
    game = GymnasiumGame('FrozenLake-v1')
    observation, _ = game.reset(seed=0)
    assert observation.dtype == np.float32
    np.testing.assert_array_equal(observation, np.eye(16)[0])
    assert game.observation_space.contains(observation)


@pytest.mark.parametrize('shape', [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_pictures_become_gray(register, shape):
    game = GymnasiumGame(register(np.full(shape, 77)))
    observation, _ = game.reset(seed=0)
    assert game.observation_space == spaces.Box(0, 255, (4, 6), np.uint8)
    assert observation.dtype == np.uint8
    np.testing.assert_array_equal(observation, np.full((4, 6), 77))


def test_red_is_the_first_channel(register):
    red, blue = np.zeros((2, 4, 6, 3))
    red[..., 0] = blue[..., 2] = 200
    shades = [int(GymnasiumGame(register(p)).reset(seed=0)[0][0, 0]) for p in (red, blue)]
    assert shades == [round(0.299 * 200), round(0.114 * 200)]


def test_bytes_that_are_no_picture_become_a_vector(register):
    observation, _ = GymnasiumGame(register([1, 2, 3])).reset(seed=0)
    assert observation.dtype == np.float32
    np.testing.assert_array_equal(observation, [1, 2, 3])


@pytest.mark.parametrize(
    'picture, action_space',
    [
        (np.zeros((4, 6, 4)), spaces.Discrete(2)),
        (np.zeros(3), spaces.Discrete(2, start=1)),
        (np.zeros(3), spaces.MultiDiscrete([2, 2], start=[0, 1])),
        (np.zeros(3), spaces.Tuple([spaces.Discrete(2)])),
    ],
)
def test_unsupported_spaces_are_refused(register, picture, action_space):
    with pytest.raises(UsageError, match='not supported'):
        gymnasium_game.check(register(picture, action_space))


@pytest.mark.parametrize(
    'action_space, action',
    [
        (spaces.Discrete(2), np.int32(1)),
        (spaces.MultiDiscrete([2, 3]), [1, 2]),
        (spaces.MultiBinary(3), [True, False, True]),
        (spaces.Box(-1, 1, (2,), np.float32), [0.1, 0.2]),
    ],
)
def test_actions_reach_the_environment_in_its_own_type(register, action_space, action):
    game = GymnasiumGame(register([0], action_space))
    assert game.action_space == action_space
    game.reset(seed=0)
    reached = game.step(action)[4]['action']
    assert action_space.contains(reached)
    np.testing.assert_allclose(reached, action)


def test_an_environment_without_pictures_says_so(register):
    game = GymnasiumGame(register([0]))
    game.reset(seed=0)
    with pytest.raises(UsageError, match='no pictures'):
        game.render()


def test_render_is_the_environments_own_picture():
    game = GymnasiumGame('CartPole-v1')
    game.reset(seed=0)
    picture = game.render()
    assert picture.shape == (400, 600, 3) and picture.dtype == np.uint8
    assert len(np.unique(picture)) > 2
    game.close()


def test_observations_are_new_arrays():
    game = GymnasiumGame('CartPole-v1')
    observation, _ = game.reset(seed=0)
    before = observation.copy()
    observation[:] = 9
    np.testing.assert_array_equal(game.screen(), before)


def test_seeds_decide_all_episodes():
    traces = []
    for seed in (0, 0, 1):
        game = GymnasiumGame('CartPole-v1')
        game.reset(seed=seed)
        traces.append(play(game, np.random.default_rng(0), 200))
    assert traces[0] == traces[1] != traces[2]
    resets = [entry for entry in traces[0] if isinstance(entry, bytes)]
    assert len(set(resets)) == len(resets) > 3


def test_snapshots_continue_exactly_in_a_new_process():
    names = ['CartPole-v1', 'Acrobot-v1', 'MountainCar-v0', 'Pendulum-v1', 'Taxi-v4']
    expected, futures = [], []
    context = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
        for name in names:
            rng, game = np.random.default_rng(0), GymnasiumGame(name)
            game.reset(seed=0)
            play(game, rng, 130)
            arguments = (name, game.snapshot(), copy.deepcopy(rng), 500)
            futures.append(executor.submit(restore_and_play, *arguments))
            expected.append((game.screen(), play(game, rng, 500)))
        results = [future.result() for future in futures]
    for name, (screen, trace), result in zip(names, expected, results, strict=True):
        assert len(trace) > 505, name  # Over the ends of several episodes.
        np.testing.assert_array_equal(result[0], screen, err_msg=name)
        assert result[1] == trace, name


def test_a_snapshot_at_the_first_step():
    game = GymnasiumGame('CartPole-v1')
    observation, _ = game.reset(seed=0)
    snapshot = game.snapshot()
    game.reset()
    game.restore(snapshot)
    np.testing.assert_array_equal(game.screen(), observation)


@pytest.mark.parametrize('name', ['Acrobot-v1', 'FrozenLake-v1', 'MountainCar-v0'])
def test_gymnasium_has_nothing_to_complain_about(name):
    check_env(GymnasiumGame(name), skip_render_check=True)


@pytest.mark.filterwarnings('ignore:.*Box observation space m.* value is.*infinity')
@pytest.mark.filterwarnings('ignore:.*symmetric and normalized space')
@pytest.mark.parametrize('name', ['CartPole-v1', 'Pendulum-v1'])
def test_gymnasium_complains_about_bounds_of_its_own_only(name):
    check_env(GymnasiumGame(name), skip_render_check=True)
