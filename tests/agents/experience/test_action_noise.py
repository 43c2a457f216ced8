"""Noise against what is known of its processes."""

import numpy as np
import pytest
from scipy import stats

from agents.experience.action_noise import Gaussian, OrnsteinUhlenbeck

NO_START = np.zeros(2000, bool)


def path(theta, sigma, length, seed=0):
    """`[length, 2000]` of 2000 independent processes, beginning with their start."""
    noise = OrnsteinUhlenbeck(np.full((2000, 1), sigma), theta, seed)
    starts = [~NO_START, *[NO_START] * (length - 1)]
    return np.array([noise.sample(start, t)[:, 0] for t, start in enumerate(starts)])


@pytest.mark.parametrize('theta, sigma', [(0.15, 0.2), (0.5, 1.0), (1.0, 0.3)])
def test_ornstein_uhlenbeck_has_its_stationary_mean_variance_and_autocorrelation(theta, sigma):
    """Bounds of four standard errors of 2000 independent samples."""
    x = path(theta, sigma, 120)
    variance = sigma**2 / (1 - (1 - theta) ** 2)
    n = x.shape[1]
    for end in (100, 119):
        assert abs(x[end].mean()) < 4 * np.sqrt(variance / n)
        assert abs(x[end].var() - variance) < 4 * variance * np.sqrt(2 / n)
        assert stats.kstest(x[end] / np.sqrt(variance), 'norm').pvalue > 1e-4
    for lag in (1, 3, 10):
        correlation = np.corrcoef(x[100], x[100 + lag])[0, 1]
        assert abs(correlation - (1 - theta) ** lag) < 4 / np.sqrt(n)


def test_ornstein_uhlenbeck_is_its_recursion():
    noise = OrnsteinUhlenbeck(np.array([[0.2, 0.4]]), 0.15, 5)
    same = Gaussian(np.array([[0.2, 0.4]]), 5)  # Fresh noise out of the same numbers.
    x, start = np.zeros((1, 2)), np.zeros(1, bool)
    for t in range(5):
        x = x - 0.15 * x + same.sample(start, t)
        np.testing.assert_allclose(noise.sample(start, t), x, rtol=1e-12)


def test_an_episode_begins_without_the_noise_of_the_one_before():
    noise = OrnsteinUhlenbeck(np.ones((2, 3)), 0.15, 1)
    for t in range(10):
        noise.sample(np.zeros(2, bool), t)
    before, fresh = noise.state()['noise'], Gaussian(np.ones((2, 3)), 1).sample(NO_START, 10)
    after = noise.sample(np.array([True, False]), 10)
    np.testing.assert_allclose(after[0], fresh[0])
    np.testing.assert_allclose(after[1], 0.85 * before[1] + fresh[1])


def test_environments_and_numbers_of_an_action_have_noise_of_their_own():
    fresh = Gaussian(np.ones((50, 40)), 3).sample(NO_START, 0)
    assert len(np.unique(fresh)) == fresh.size
    assert stats.kstest(fresh.ravel(), 'norm').pvalue > 1e-4


def test_it_continues_from_its_state():
    whole, noise = (OrnsteinUhlenbeck(np.ones((2, 1)), 0.15, 1) for _ in range(2))
    start = np.zeros(2, bool)
    wanted = [whole.sample(start, t) for t in range(6)]
    for t in range(3):
        noise.sample(start, t)
    other = OrnsteinUhlenbeck(np.ones((2, 1)), 0.15, 1)
    other.set_state(noise.state())
    for t in range(3, 6):
        np.testing.assert_array_equal(other.sample(start, t), wanted[t])


def test_counts_and_seeds_choose_the_numbers():
    noise = Gaussian(np.ones((4, 2)), 1)
    a, b = noise.sample(NO_START, 0), noise.sample(NO_START, 1)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(noise.sample(NO_START, 0), a)
    assert not np.array_equal(Gaussian(np.ones((4, 2)), 2).sample(NO_START, 0), a)
