"""Generalized state-dependent exploration, gSDE: noise that is a function of the state.

    a(s) = μ(s) + E z(s),    E_ij ~ N(0, σ_ij²)

z are the features that μ is computed from as well. E stays the same for some steps, so a state that
comes again gets the same noise: a robot pushes in one direction for a while, where fresh noise at
every step would make it tremble. Raffin et al. (2021), https://arxiv.org/abs/2005.05719.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from agents.configs import policy_kinds
from agents.distributions.gaussian import DiagonalGaussian

_EPSILON = 1e-6  # Added to variances, as in the authors' code.


class StateDependentExploration(DiagonalGaussian):
    """k real numbers, each of them normally distributed if E is not known:

        a_i ~ N(μ_i, Σ_j z_j² σ_ij²)

    Learning uses this density, whatever E was. The logits are the means μ, the F features z, and
    log σ as F rows of k. No gradient flows from the noise to the features.

    Args:
        lowest: Lower bounds of the action space in each of the k dimensions; may be infinite.
        highest: Upper bounds, likewise.
        num_features: F.
        noise_period: Number of agent steps for which E stays the same.
    """

    kind = policy_kinds.STATE_DEPENDENT_EXPLORATION

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
        """Draws `float32[..., k]`; the same seed gives the same E, one for each row of logits."""
        means, features, log_stds = self._parts(logits)
        matrices = tf.exp(log_stds) * tf.random.stateless_normal(tf.shape(log_stds), seed)
        noise = tf.reduce_sum(features[..., None] * matrices, axis=-2)
        held = self._split(logits)[1] - _log_std_of(features, log_stds)  # 0 within their range
        return means + tf.exp(held) * noise

    def about(self) -> dict[str, Any]:
        """Returns the kind, F and the noise period, which acting as in training needs."""
        own = {'num_features': self._num_features, 'noise_period': self.noise_period}
        return {**super().about(), **own}

    def _log_stds(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        means, features, log_stds = self._parts(logits)
        return means, _log_std_of(tf.stop_gradient(features), log_stds)

    def _parts(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Splits the logits into μ, `[..., k]`; z, `[..., F]`; and log σ, `[..., F, k]`."""
        self._check(logits)
        num_actions, num_features = self.event_shape[0], self._num_features
        sizes = [num_actions, num_features, num_features * num_actions]
        means, features, log_stds = tf.split(logits, sizes, axis=-1)
        shape = tf.concat([tf.shape(means)[:-1], sizes[1:2], [num_actions]], axis=0)
        return means, features, tf.reshape(log_stds, shape)


def _log_std_of(features: tf.Tensor, log_stds: tf.Tensor) -> tf.Tensor:
    """Returns log √(Σ_j z_j² σ_ij² + ε), `[..., k]`."""
    variances = tf.reduce_sum(features[..., None] ** 2 * tf.exp(2.0 * log_stds), axis=-2)
    return 0.5 * tf.math.log(variances + _EPSILON)
