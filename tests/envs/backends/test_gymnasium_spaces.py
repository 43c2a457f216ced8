"""Observations of any gymnasium space: one vector, or a picture and a vector."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import registry
from hypothesis import given
from hypothesis import strategies as st

from envs import make
from envs.backends import gymnasium_spaces
from envs.config import EnvConfig
from envs.errors import UsageError

PICTURE = spaces.Box(0, 255, (8, 6, 3), np.uint8)
LEAVES = st.one_of(
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.just(-2)),
    st.builds(spaces.MultiDiscrete, st.lists(st.integers(1, 4), min_size=1, max_size=3)),
    st.builds(spaces.MultiBinary, st.integers(1, 4)),
    st.builds(
        lambda shape, dtype: spaces.Box(-3, 9, shape, dtype),
        st.lists(st.integers(1, 3), max_size=3),
        st.sampled_from([np.float32, np.float64, np.int64]),
    ),
)
SPACES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(spaces.Tuple, st.lists(inner, min_size=1, max_size=3)),
        st.builds(spaces.Dict, st.dictionaries(st.sampled_from('abc'), inner, min_size=1)),
    ),
    max_leaves=6,
)


@given(SPACES, st.integers(0, 2**31))
def test_what_has_no_picture_becomes_the_flat_vector_of_gymnasium(space, seed):
    space.seed(seed)
    sample, view = space.sample(), gymnasium_spaces.view('A-v0', space)
    expected = spaces.flatten(space, sample)
    vector = view.see(sample)
    assert vector.dtype == np.float32 and view.vector_space is None
    np.testing.assert_array_equal(vector, expected.astype(np.float32))
    assert view.space.contains(vector)
    bounds = spaces.flatten_space(space)
    np.testing.assert_array_equal(view.space.low, bounds.low.astype(np.float32))
    np.testing.assert_array_equal(view.space.high, bounds.high.astype(np.float32))


def test_choices_become_one_hot_one_after_the_other():
    space = spaces.Dict(weapon=spaces.MultiDiscrete([3, 2]), keys=spaces.MultiBinary(2))
    view = gymnasium_spaces.view('A-v0', space)
    seen = view.see({'weapon': np.array([1, 0]), 'keys': np.array([0, 1])})
    np.testing.assert_array_equal(seen, [0, 1, 0, 1, 0, 0, 1])


@given(SPACES, st.integers(0, 2**31))
def test_a_picture_stands_beside_the_vector_of_the_rest(rest, seed):
    space = spaces.Tuple([rest, spaces.Dict(camera=PICTURE)])
    space.seed(seed)
    sample, view = space.sample(), gymnasium_spaces.view('A-v0', space)
    assert view.space == spaces.Box(0, 255, (8, 6), np.uint8)
    np.testing.assert_allclose(
        view.see(sample), sample[1]['camera'] @ [0.299, 0.587, 0.114], atol=1
    )
    expected = gymnasium_spaces.view('A-v0', rest)
    np.testing.assert_array_equal(view.see_vector(sample), expected.see(sample[0]))
    assert view.vector_space == expected.space and view.names


@pytest.mark.parametrize(
    'space, complaint',
    [
        (spaces.Text(3), r'A-v0: observations of the kind Text.* are not supported'),
        (spaces.Dict(say=spaces.Text(3), camera=PICTURE), r'Text.* \(say\) are not supported'),
        (spaces.Dict(a=PICTURE, b=PICTURE), r'several pictures \(a, b\) are not supported'),
        (spaces.Tuple([]), 'there is nothing in observations'),
        (spaces.Dict(a=spaces.Box(0, 255, (8, 6, 4), np.uint8)), r'the shape \(8, 6, 4\)'),
        (spaces.Tuple([spaces.Discrete(2**40)]), '1,099,511,627,776 numbers are too many'),
    ],
)
def test_what_is_neither_is_refused(space, complaint):
    with pytest.raises(UsageError, match=complaint):
        gymnasium_spaces.view('A-v0', space)


class Ship(gymnasium.Env):
    """A picture and numbers; every observation follows from the action and the time."""

    observation_space = spaces.Dict(
        view=spaces.Box(0, 255, (40, 40, 3), np.uint8),
        fuel=spaces.Box(-np.inf, np.inf, (2,), np.float64),
        gear=spaces.MultiDiscrete([2, 3]),
    )
    action_space = spaces.MultiDiscrete([2, 3])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._time = 0
        return self._see(np.zeros(2, np.int64)), {}

    def step(self, action):
        self._time += 1
        return self._see(action), float(action[0]), self._time == 9, False, {}

    def _see(self, action):
        return {
            'view': np.full((40, 40, 3), 10 * self._time, np.uint8),
            'fuel': np.array([self._time, -0.5]),
            'gear': np.asarray(action),
        }


@pytest.fixture
def ship():
    gymnasium.register('Ship-v0', Ship)
    yield EnvConfig('Ship-v0', action_repeat=2, frame_stack=2, screen_size=20)
    del registry['Ship-v0']


def test_an_environment_with_a_picture_and_numbers(ship):
    """Picture and numbers are of the same moment, the last frame of a step."""
    env = make.make_env(ship)
    observation, _ = env.reset(seed=0)
    assert env.get_wrapper_attr('variable_names') == ('fuel (2)', 'gear (5)')
    for t in range(1, 6):
        observation, reward, terminated, _, _ = env.step(np.array([1, 2]))
        assert env.observation_space.contains(observation)
        time = min(2 * t, 9)
        np.testing.assert_array_equal(observation['variables'], [time, -0.5, 0, 1, 0, 0, 1])
        assert (observation['screen'][..., -1] == 10 * time).all()
        assert (reward, terminated) == (2.0 if t < 5 else 1.0, t == 5)
    env.close()


def test_its_snapshots_continue_exactly(ship):
    envs = [make.make_env(ship) for _ in range(2)]
    envs[0].reset(seed=0)
    envs[0].step(np.array([1, 2]))
    envs[1].reset(seed=1)
    envs[1].restore(envs[0].snapshot())
    one, other = (env.step(np.array([0, 1]))[0] for env in envs)
    np.testing.assert_equal(one, other)


def test_blackjack_is_a_vector():
    env = make.make_env(EnvConfig('Blackjack-v1', action_repeat=1, frame_stack=1))
    observation, _ = env.reset(seed=0)
    assert observation.shape == (32 + 11 + 2,) and observation.sum() == 3.0
    env.close()
