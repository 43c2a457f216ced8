"""Noise that is added to actions for exploration, `[N, k]` of N environments.

Its random numbers follow from a seed and a count alone, like those of `StepModel`.
"""

import abc

import numpy as np

from envs.game import Snapshot


class Noise(abc.ABC):
    """Noise for one step after the other."""

    @abc.abstractmethod
    def sample(self, starts: np.ndarray, count: int) -> np.ndarray:
        """Returns the noise of the next step, `[N, k]`.

        Args:
            starts: `bool[N]`, whether an episode begins with this step.
            count: Selects the random numbers; give every call of a run another one.
        """

    def state(self) -> Snapshot:
        """Returns what the next samples depend on."""
        return {}

    def set_state(self, state: Snapshot) -> None:  # noqa: B027
        """Continues where `state` was taken."""


class Gaussian(Noise):
    """Independent numbers: x_t = σ ε_t, ε ~ N(0, 1).

    Args:
        scale: σ, `[N, k]`.
        seed: Seed of ε.
    """

    def __init__(self, scale: np.ndarray, seed: int) -> None:
        self._scale, self._seed = scale, seed

    def sample(self, starts: np.ndarray, count: int) -> np.ndarray:
        """Returns new numbers, `[N, k]`, whatever the episodes do."""
        return self._scale * _normal(self._seed, count, self._scale.shape)


class OrnsteinUhlenbeck(Noise):
    """Correlated numbers, like the speed of a particle in a liquid over time.

        x_t = (1 - θ) x_{t-1} + σ ε_t,   x_0 = 0,   ε ~ N(0, 1)

    Uhlenbeck and Ornstein (1930) in time steps of 1, as DDPG uses it: Lillicrap et al. (2016). In
    the long run its mean is 0, its variance σ² / (1 - (1 - θ)²), and the correlation of numbers
    that are n steps apart (1 - θ)ⁿ. TF-Agents' `OUNoisePolicy` computes the same, but it has one x
    for all environments, which goes on from one episode to the next, and a generator that cannot be
    saved.

    Args:
        scale: σ, `[N, k]`.
        theta: θ.
        seed: Seed of ε.
    """

    def __init__(self, scale: np.ndarray, theta: float, seed: int) -> None:
        self._scale, self._theta, self._seed = scale, theta, seed
        self._noise = np.zeros_like(scale)

    def sample(self, starts: np.ndarray, count: int) -> np.ndarray:
        """Returns x_t, `[N, k]`; at the start of an episode x_{t-1} is zero."""
        before = np.where(starts[:, None], 0.0, self._noise)
        fresh = self._scale * _normal(self._seed, count, self._scale.shape)
        self._noise = (1.0 - self._theta) * before + fresh
        return self._noise

    def state(self) -> Snapshot:
        """Returns the present noise."""
        return {'noise': self._noise.copy()}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._noise = state['noise'].copy()


def _normal(seed: int, count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng([seed, count]).standard_normal(shape)
