"""The running return of several environments, against sums over their whole history."""

import numpy as np

from agents.learning.running_return import RunningReturn

DISCOUNT = 0.9


def by_hand(rewards, starts, t, env):
    """Σ_k γ^k r_{t-k}, back to the beginning of the episode."""
    total, weight = 0.0, 1.0
    for k in range(t, -1, -1):
        total += weight * rewards[k, env]
        weight *= DISCOUNT
        if starts[k, env]:
            break
    return total


def test_it_equals_sums_over_the_history():
    rng = np.random.default_rng(1)
    rewards, starts = rng.normal(size=(200, 3)).astype(np.float32), rng.random((200, 3)) < 0.1
    running = RunningReturn(3, DISCOUNT)
    for t in range(200):
        expected = [by_hand(rewards, starts, t, env) for env in range(3)]
        np.testing.assert_allclose(running.update(rewards[t], starts[t]), expected, atol=1e-6)


def test_values_that_were_returned_stay_as_they_are():
    running = RunningReturn(2, DISCOUNT)
    first = running.update(np.ones(2), np.ones(2, bool))
    before = first.copy()
    running.update(np.ones(2), np.zeros(2, bool))
    np.testing.assert_array_equal(first, before)
    assert (running.values != before).all()
