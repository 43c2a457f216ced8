"""Games as environments of TF-Agents: specs, steps, snapshots and seeds."""

import numpy as np
import pytest
from gymnasium import spaces

from agents.tfa import py_environment  # Before TF-Agents, for its variable.

# isort: split
from tf_agents.environments import utils as environment_utils
from tf_agents.trajectories import time_step

from agents.tfa.py_environment import GameEnvironment
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.make import make_env

VECTORS = {'action_repeat': 1, 'frame_stack': 1}
PICTURES = ((84, 84, 4), np.uint8)


@pytest.mark.parametrize(
    'game, options, kind',
    [
        ('Airstriker-Genesis', {}, PICTURES),
        ('VizdoomBasic-v1', {}, PICTURES),
        ('ALE/Pong-v5', {}, PICTURES),
        ('CartPole-v1', VECTORS, ((4,), np.float32)),
        ('Pendulum-v1', VECTORS, ((3,), np.float32)),
    ],
)
def test_tf_agents_accepts_a_game_of_each_backend(game, options, kind):
    env_config = EnvConfig(game=game, max_episode_steps=5, **options)
    with GameEnvironment(env_config, seed=1) as environment:
        environment_utils.validate_py_environment(environment, episodes=2)
        spec = environment.observation_spec()
        assert (spec.shape, spec.dtype) == kind


def test_it_plays_the_game_that_we_play():
    env_config = EnvConfig(game='CartPole-v1', max_episode_steps=30, **VECTORS)
    env = make_env(env_config)
    with GameEnvironment(env_config, seed=7) as environment:
        first, (observation, _) = environment.reset(), env.reset(seed=7)
        rng, ends = np.random.default_rng(3), set()
        np.testing.assert_array_equal(first.observation, observation)
        assert first.is_first() and first.discount == 1.0
        for _ in range(300):
            action = np.int32(rng.integers(2) if rng.random() < 0.7 else observation[2] > 0)
            now = environment.step(action)
            observation, reward, terminated, truncated, info = env.step(action)
            np.testing.assert_array_equal(now.observation, observation)
            assert now.reward == reward and now.is_last() == (terminated or truncated)
            assert now.discount == (0.0 if terminated else 1.0)
            if now.is_last():
                assert (
                    environment.get_info() == info and info['episode']['terminated'] == terminated
                )
                ends.add((terminated, truncated))
                observation, _ = env.reset()
                again = environment.step(action)  # The action counts for nothing.
                assert again.is_first()
                np.testing.assert_array_equal(again.observation, observation)
        assert ends == {(True, False), (False, True)}
    env.close()


def test_its_state_is_a_snapshot():
    with GameEnvironment(EnvConfig(game='Pendulum-v1', **VECTORS), seed=1) as environment:
        environment.reset()
        environment.step(np.float32([0.5]))
        state = environment.get_state()
        ways = []
        for _ in range(2):
            ways.append([environment.step(np.float32([1.0])) for _ in range(5)])
            environment.set_state(state)
        for one, other in zip(*ways, strict=True):
            np.testing.assert_array_equal(one.observation, other.observation)
        assert environment.current_time_step().step_type == time_step.StepType.MID
        assert environment.render().ndim == 3


def test_a_seed_repeats_the_episodes():
    with GameEnvironment(EnvConfig(game='Pendulum-v1', **VECTORS), seed=1) as environment:
        first = environment.reset().observation
        assert not np.array_equal(environment.reset().observation, first)
        environment.seed(1)
        np.testing.assert_array_equal(environment.reset().observation, first)


@pytest.mark.parametrize(
    'space, low, high',
    [
        (spaces.Discrete(4), 0, 3),
        (spaces.MultiDiscrete([3, 2]), 0, [2, 1]),
        (spaces.MultiBinary(3), 0, 1),
        (spaces.Box(-1.0, 2.0, (2,)), -1.0, 2.0),
    ],
    ids=str,
)
def test_action_spaces(space, low, high):
    spec = py_environment.action_spec(space)
    assert spec.shape == space.shape
    assert np.all(spec.minimum == low) and np.all(spec.maximum == high)


def test_other_spaces_are_refused():
    with pytest.raises(UsageError, match='no actions of the kind'):
        py_environment.action_spec(spaces.Text(3))
