"""Running statistics that give observations and rewards a spread of one.

Observations are normalised in the network, by a layer that has nothing to learn:

    x <- clip((x - mean) / sqrt(variance + ε), ±10)

Rewards are divided by the standard deviation of the running discounted return

    G_t = r_t + γ G_{t-1}

where an episode begins with G_{-1} = 0, and then clipped to ±10. Nothing is subtracted from them,
because that would change what the agent wants. Both follow OpenAI Baselines and Stable-Baselines3.

Statistics change only between rollouts, so that an agent learns with the same ones that it acted
with, and they are joined in a fixed order, so that a run repeats itself whatever its threads do.
The rewards of the first rollout (with `--overlap`, of the first two) are an exception: they are
divided by the root of the mean square of the rollout's own returns so far, because in raw units
they might be the largest of the whole run.

This module never imports TensorFlow; `networks.inputs` makes the layer.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from agents.learning.running_return import RunningReturn
from envs.game import Snapshot

LAYER = 'normalize'
EPSILON = 1e-8
MOST = 10.0  # Standard deviations
OBSERVATIONS, RETURNS = 'observations', 'returns'


class Moments(NamedTuple):
    """Mean and variance of samples, in float64."""

    size: int
    mean: np.ndarray  # [D]
    variance: np.ndarray  # [D], divided by the number of samples

    @classmethod
    def of(cls, samples: np.ndarray) -> 'Moments':
        """Returns the moments of samples `[n, D]`."""
        samples = np.asarray(samples, np.float64)
        return cls(len(samples), samples.mean(axis=0), samples.var(axis=0))

    def joined(self, other: 'Moments') -> 'Moments':
        """Returns the moments of both sets of samples together.

        Chan et al. (1979), Stanford report STAN-CS-79-773.
        """
        share = other.size / (self.size + other.size)
        apart = other.mean - self.mean
        within = (1.0 - share) * self.variance + share * other.variance
        variance = within + share * (1.0 - share) * apart**2
        return Moments(self.size + other.size, self.mean + share * apart, variance)


class RolloutStatistics:
    """Normalises the rewards of a group of environments, B, and gathers moments of its rollouts.

    The running return here is that of the raw rewards. `EpisodeTracker` follows another one, that
    of the rewards which the agent learns from.

    Args:
        num_envs: B.
        discount: γ.
        observations: Whether moments of observations are wanted.
        rewards: Whether rewards are normalised.

    Attributes:
        reward_scale: One over the standard deviation of returns, as the agent knows it; None as
            long as the agent does not know it.
    """

    def __init__(
        self, num_envs: int, discount: float, observations: bool = False, rewards: bool = False
    ) -> None:
        self._of_observations, self._of_rewards = observations, rewards
        self._return = RunningReturn(num_envs, discount)
        self._noted: list[np.ndarray] = []
        self.reward_scale: float | None = None

    def normalized(self, rewards: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Returns the rewards of a step, normalised if this was asked for.

        Args:
            rewards: `[B]`, in the units of the environment.
            starts: `bool[B]`, whether an episode began with this step.
        """
        if not self._of_rewards:
            return rewards
        self._noted.append(self._return.update(rewards, starts))
        scale = self.reward_scale
        if scale is None:
            scale = _scale(np.mean(np.square(self._noted)))
        return np.clip(scale * rewards, -MOST, MOST)

    def take(self, observations: np.ndarray) -> dict[str, Moments]:
        """Returns the moments of the rollout that has just ended.

        Args:
            observations: `[T, B, D]`, those of the rollout.
        """
        moments = {}
        if self._of_observations:
            flat = observations.reshape(-1, observations.shape[-1])
            moments[OBSERVATIONS] = Moments.of(flat)
        if self._of_rewards:
            moments[RETURNS] = Moments.of(np.concatenate(self._noted)[:, None])
        self._noted = []
        return moments

    def state(self) -> Snapshot:
        """Returns what the next moments depend on."""
        return {'returns': self._return.values.copy()}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._return.values, self._noted = state['returns'].copy(), []


class Normalizer:
    """Statistics of an agent, over all its rollouts.

    Those of the observations are written into the network.

    Args:
        network: A Keras model made by `policy_value.build`.
        rewards: Whether rewards are normalised.
    """

    def __init__(self, network: Any, rewards: bool) -> None:
        self._layer = next((layer for layer in network.layers if layer.name == LAYER), None)
        self._moments: dict[str, Moments] = {}
        if self._layer is not None:
            size = self._layer.moving_mean.shape[0]
            self._moments[OBSERVATIONS] = Moments(0, np.zeros(size), np.zeros(size))
        if rewards:
            self._moments[RETURNS] = Moments(0, np.zeros(1), np.zeros(1))
        self._lock = threading.Lock()

    @property
    def reward_scale(self) -> float | None:
        """Factor on rewards for `RolloutStatistics`; None as long as nothing is known."""
        moments = self._moments.get(RETURNS)
        return _scale(moments.variance[0]) if moments and moments.size else None

    def add(self, parts: Iterable[Mapping[str, Moments]]) -> None:
        """Joins the moments of rollouts, one after the other; any thread may call it."""
        if not self._moments:
            return
        with self._lock:
            for part in parts:
                for name, moments in part.items():
                    self._moments[name] = self._moments[name].joined(moments)
            self._write()

    def _write(self) -> None:
        moments = self._moments.get(OBSERVATIONS)
        if self._layer is not None and moments is not None and moments.size:
            self._layer.moving_mean.assign(moments.mean.astype(np.float32))
            self._layer.moving_variance.assign(moments.variance.astype(np.float32))

    def about(self) -> dict[str, str | float]:
        """Returns entries for the recipe of a model; the other statistics are in its network."""
        scale = self.reward_scale
        return {} if scale is None else {'running_reward_scale': scale}

    def state(self) -> Snapshot:
        """Returns the moments by name."""
        return {name: list(moments) for name, moments in self._moments.items()}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken; the network's weights are restored beside it."""
        for name in self._moments:
            self._moments[name] = Moments(*state[name])


def _scale(square: float) -> float:
    return float(1.0 / np.sqrt(square + EPSILON))
