"""Statistics of running games against sums over their whole history."""

import numpy as np
import pytest

from agents.experience.conduct import Conduct

DISCOUNT = 0.9


def random_play(num_steps, num_envs, event_shape, seed):
    """Actions, rewards, starts of episodes and ends of games; a game may have several lives."""
    rng = np.random.default_rng(seed)
    actions = (rng.random((num_steps, num_envs, *event_shape)) < 0.2).astype(np.int32)
    rewards = rng.normal(size=(num_steps, num_envs)).astype(np.float32)
    ends = rng.random((num_steps, num_envs)) < 0.1
    is_life = ends & (rng.random(ends.shape) < 0.5)
    starts = np.vstack([np.ones((1, num_envs), bool), ends[:-1]])
    return actions, rewards, starts, ends & ~is_life


def running_return_by_hand(rewards, starts, t, env):
    """Σ_k γ^k r_{t-k}, back to the beginning of the episode."""
    total, weight = 0.0, 1.0
    for k in range(t, -1, -1):
        total += weight * rewards[k, env]
        weight *= DISCOUNT
        if starts[k, env]:
            break
    return total


def repeats_by_hand(actions, ends, t, env):
    """Steps of the game so far with the action of its first one."""
    before = np.flatnonzero(ends[:t, env])
    game = actions[(before[-1] + 1 if before.size else 0) : t + 1, env]
    return sum(np.array_equal(action, game[0]) for action in game)


@pytest.mark.parametrize('event_shape', [(), (2,)])
def test_it_equals_sums_over_the_history(event_shape):
    actions, rewards, starts, ends = random_play(200, 3, event_shape, seed=1)
    conduct, largest = Conduct(3, event_shape, DISCOUNT), 0.0
    for t in range(200):
        conduct.note(actions[t], rewards[t], starts[t])
        for env in range(3):
            largest = max(largest, abs(running_return_by_hand(rewards, starts, t, env)))
            assert conduct.num_repeats(env) == repeats_by_hand(actions, ends, t, env)
        assert conduct.largest_return == pytest.approx(largest)
        conduct.forget_actions(ends[t])


@pytest.mark.parametrize('event_shape', [(), (2,)])
def test_a_state_continues_exactly(event_shape):
    actions, rewards, starts, ends = random_play(60, 3, event_shape, seed=2)
    conduct, twin = Conduct(3, event_shape, DISCOUNT), Conduct(3, event_shape, DISCOUNT)
    for t in range(60):
        for one in (conduct, twin) if t >= 30 else (conduct,):
            one.note(actions[t], rewards[t], starts[t])
            one.forget_actions(ends[t])
        if t == 29:
            state = conduct.state()
            twin.set_state(state)
    after, other = conduct.state(), twin.state()
    for name, value in after.items():
        np.testing.assert_array_equal(value, other[name])
    assert (state['returns'] != after['returns']).any()  # It was a copy.


def test_rewards_that_are_not_finite_are_no_returns():
    conduct, starts = Conduct(2, (), DISCOUNT), np.zeros(2, bool)
    for reward in (np.inf, np.nan):
        conduct.note(np.zeros(2, np.int32), np.array([1.0, reward]), starts)
    assert conduct.largest_return == 0.0
