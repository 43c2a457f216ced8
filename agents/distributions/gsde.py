"""Generalized state-dependent exploration, gSDE: noise that is a function of the state.

    a(s) = μ(s) + E z(s),    E_ij ~ N(0, σ_ij²)

z are the features that μ is made of, too. E stays the same for some steps: in a state that comes
again the noise is what it was, so that a robot pushes in one direction for a while, where noise of
every step would make it tremble. Raffin et al. (2021), https://arxiv.org/abs/2005.05719.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions.base import Distribution
from agents.distributions.gaussian import DiagonalGaussian
from envs.errors import UsageError

POLICY = 'state_dependent_exploration'
_EPSILON = 1e-6  # Of variances, as the authors have it.


class StateDependentExploration(DiagonalGaussian):
    """k real numbers, of which each for itself is normally distributed if E is not known:

        a_i ~ N(μ_i, Σ_j z_j² σ_ij²)

    This is the density that is learned by, whatever E was. The logits are the means μ, the F
    features z, and log σ as F rows of k. No gradient flows from the noise to the features.

    Args:
        lowest: Bounds of the action space in each of the k dimensions; may be infinite.
        highest: Likewise.
        num_features: F.
        noise_period: Steps for which E stays.
    """

    policy = POLICY

    def __init__(
        self,
        lowest: Sequence[float],
        highest: Sequence[float],
        num_features: int,
        noise_period: int,
    ) -> None:
        super().__init__(lowest, highest)
        self._num_features, self.noise_period = num_features, noise_period
        num_actions = self.event_shape[0]
        self.num_logits = num_actions + num_features + num_features * num_actions

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """`float32[..., k]`; the same seed gives the same E, one for each row of logits."""
        means, features, log_stds = self._parts(logits)
        matrices = tf.exp(log_stds) * tf.random.stateless_normal(tf.shape(log_stds), seed)
        noise = tf.reduce_sum(features[..., None] * matrices, axis=-2)
        held = self._split(logits)[1] - _log_std_of(features, log_stds)  # 0 within their range
        return means + tf.exp(held) * noise

    def about(self) -> dict[str, Any]:
        """How to act as in training."""
        own = {'num_features': self._num_features, 'noise_period': self.noise_period}
        return {**super().about(), **own}

    def _log_stds(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        means, features, log_stds = self._parts(logits)
        return means, _log_std_of(tf.stop_gradient(features), log_stds)

    def _parts(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """μ, `[..., k]`; z, `[..., F]`; log σ, `[..., F, k]`."""
        self._check(logits)
        num_actions, num_features = self.event_shape[0], self._num_features
        sizes = [num_actions, num_features, num_features * num_actions]
        means, features, log_stds = tf.split(logits, sizes, axis=-1)
        shape = tf.concat([tf.shape(means)[:-1], sizes[1:2], [num_actions]], axis=0)
        return means, features, tf.reshape(log_stds, shape)


def of_config(
    config: ActorCriticConfig, distribution: Distribution, network: keras.Model
) -> Distribution:
    """The distribution, or the one that the configuration puts in its place."""
    if not config.state_dependent_exploration:
        return distribution
    num_features = network.get_layer('policy').input.shape[-1]
    return instead_of(distribution, num_features, config.noise_period or config.unroll_length)


def instead_of(
    distribution: Distribution, num_features: int, noise_period: int
) -> StateDependentExploration:
    """For the same actions.

    Raises:
        UsageError: These are no real numbers.
    """
    if not isinstance(distribution, DiagonalGaussian):
        raise UsageError('the model is not for this game, whose actions are no real numbers')
    return StateDependentExploration(*distribution.bounds, num_features, noise_period)


def _log_std_of(features: tf.Tensor, log_stds: tf.Tensor) -> tf.Tensor:
    """log √(Σ_j z_j² σ_ij² + ε), `[..., k]`."""
    variances = tf.reduce_sum(features[..., None] ** 2 * tf.exp(2.0 * log_stds), axis=-2)
    return 0.5 * tf.math.log(variances + _EPSILON)
