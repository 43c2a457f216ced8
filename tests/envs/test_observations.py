"""Observations of several parts: they are what one array of all of them would be."""

import os
import re

import gymnasium
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import observations
from envs.vector import transport
from envs.vector.subproc_vec_env import SubprocVecEnv
from tests.helpers.worker_envs import Blind, Sighted

SPACE = Sighted().observation_space
DTYPES = st.sampled_from([np.uint8, np.float32, np.int64])
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, max_side=4)


@st.composite
def spaces(draw):
    """A Box, or a Dict of some."""

    def box():
        return gymnasium.spaces.Box(0, 100, draw(SHAPES), draw(DTYPES))

    names = draw(st.lists(st.sampled_from('abcd'), unique=True, max_size=4))
    return gymnasium.spaces.Dict({name: box() for name in names}) if names else box()


def leaves(observation):
    return list(observation.values()) if isinstance(observation, dict) else [observation]


def assert_same(one, other):
    assert isinstance(one, dict) == isinstance(other, dict)
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(spaces(), st.integers(1, 4), st.integers(0, 2**31))
def test_what_is_written_into_shared_memory_is_read_from_it(space, num_envs, seed):
    """Rows and arrays do not overlap, whoever maps the memory."""
    space.seed(seed)
    memory = transport.anonymous_file()
    try:
        actions = gymnasium.spaces.Discrete(3)
        mine, theirs = (transport.map_arrays(memory, num_envs, space, actions) for _ in range(2))
        seen = [space.sample() for _ in range(num_envs)]
        final = [space.sample() for _ in range(num_envs)]
        for i in range(num_envs):
            observations.put(mine.observations, i, seen[i])
            observations.put(mine.final_observations, i, final[i])
        for array in mine[2:]:
            array[:] = 1
        for i in range(num_envs):
            assert_same(observations.at(theirs.observations, i), seen[i])
            assert_same(observations.at(theirs.final_observations, i), final[i])
        assert all((array == 1).all() for array in theirs[2:])
        assert all(leaf.ctypes.data % 64 == 0 for leaf in leaves(mine.observations))
    finally:
        os.close(memory)


@given(spaces(), st.integers(1, 3), st.integers(1, 3))
def test_rows_of_many(space, num_steps, num_envs):
    batch = gymnasium.vector.utils.batch_space(space, num_envs)
    batch.seed(0)
    samples = [batch.sample() for _ in range(num_steps)]
    rollout = observations.empty(samples[0], num_steps, num_envs)
    for t, sample in enumerate(samples):
        observations.put(rollout, t, sample)
    for t, sample in enumerate(samples):
        assert_same(observations.at(rollout, t), sample)
    copy = observations.copy(samples[0])
    assert_same(copy, samples[0])
    assert not any(map(np.shares_memory, leaves(copy), leaves(samples[0])))
    assert observations.shapes(space) == [leaf.shape[1:] for leaf in leaves(samples[0])]


@pytest.fixture
def make():
    """Makes vector environments, which are closed at the end of the test."""
    made = []

    def start(*env_fns, **kwargs):
        made.append(SubprocVecEnv(env_fns, snapshot_seconds=1e9, **kwargs))
        return made[-1]

    yield start
    for env in made:
        env.close()


def test_restored_environments_continue_exactly(make):
    env, other = make(Sighted, Sighted, envs_per_process=2), make(Sighted, Sighted)
    env.reset(seed=0)
    other.reset(seed=9)
    actions = np.random.default_rng(0).integers(1, 5, (60, 2))
    for action in actions[:20]:
        env.step(action)
    before = observations.copy(env.observations)
    assert_same(other.restore(env.snapshot()), before)
    for action in actions[20:]:
        (seen, *answer, _), (wanted, *expected, _) = env.step(action), other.step(action)
        assert_same(seen, wanted)
        np.testing.assert_equal(answer, expected)


@pytest.mark.parametrize(
    'action, complaint',
    [
        (1, r"with \['variables'\], not \['screen', 'variables'\]"),
        (2, r"with one array, not \['screen', 'variables'\]"),
        (3, 'not finite'),
        (4, r'of \(6, 4, 2\), not \(4, 6, 2\)'),
    ],
)
def test_what_cannot_be_learned_from_cuts_the_episode_where_it_was(make, action, complaint):
    env = make(Blind)
    env.reset(seed=1)
    env.step([0])
    env.recovery._pool.save(0)
    before = observations.at(env.observations, 0)
    *_, truncated, infos = env.step([action])
    assert truncated.tolist() == [True] and env.num_restarts == 1
    assert_same(infos['final_obs'][0], before)
    assert_same(observations.at(env.observations, 0), before)  # It goes on from the snapshot.
    [error] = infos['final_info']['worker_error']
    assert re.search(complaint, error)
