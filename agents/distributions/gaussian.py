"""Policies over real numbers, each normally distributed and independent of the others."""

import itertools
import math
from collections.abc import Sequence

import tensorflow as tf

from agents.distributions.base import Distribution

# Range of log σ: no action needs less noise or, in a range of ±1, more.
LOWEST_LOG_STD, HIGHEST_LOG_STD = -20.0, 2.0
_LOG_SQRT_2_PI = 0.5 * math.log(2.0 * math.pi)


class DiagonalGaussian(Distribution):
    """k real numbers: a_i = μ_i + σ_i ε_i with ε_i ~ N(0, 1).

    The logits are the means μ, then the log standard deviations log σ, which are clipped to
    [-20, 2 + log h]. Here h is half of the widest range of actions, or 1 if that is less or
    infinite. Actions may lie outside the action space: the environment clips them, but learning
    uses them as they were sampled, since that is what the density describes.

    Args:
        lowest: Lower bounds of the action space in each of the k dimensions; may be infinite.
        highest: Upper bounds, likewise.

    Attributes:
        bounds: Lower and upper bounds.
        highest_log_std: Upper limit of log σ, 2 + log h.
    """

    event_dtype = tf.float32

    def __init__(self, lowest: Sequence[float], highest: Sequence[float]) -> None:
        self.bounds = (tuple(map(float, lowest)), tuple(map(float, highest)))
        self.num_logits = 2 * len(lowest)
        self.event_shape = (len(lowest),)
        widest = max(high - low for low, high in zip(*self.bounds, strict=True))
        half = widest / 2.0 if math.isfinite(widest) else 1.0
        self.highest_log_std = HIGHEST_LOG_STD + math.log(max(half, 1.0))

    @property
    def is_bounded(self) -> bool:
        """True if all bounds are finite."""
        return all(map(math.isfinite, itertools.chain(*self.bounds)))

    @property
    def num_codes(self) -> int:
        """Number of real numbers in an action, k."""
        return self.event_shape[0]

    def sample(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws `float32[..., k]`, from normal noise of this seed."""
        means, log_stds = self._split(logits)
        noise = tf.random.stateless_normal(tf.shape(means), seed, dtype=means.dtype)
        return means + tf.exp(log_stds) * noise

    def mode(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns the means, `float32[..., k]`."""
        return self._split(logits)[0]

    def log_prob(self, logits: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
        """Returns log π(a|s) = -Σ_i ((a_i - μ_i)² / 2σ_i² + log σ_i + log √2π), `float32[...]`."""
        self._check(logits, actions)
        means, log_stds = self._split(logits)
        distances = (actions - means) * tf.exp(-log_stds)
        return -tf.reduce_sum(0.5 * distances**2 + log_stds + _LOG_SQRT_2_PI, axis=-1)

    def entropy(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns Σ_i (log σ_i + log √2π + 1/2), in nats: negative where the σ_i are small."""
        return tf.reduce_sum(self._split(logits)[1] + (_LOG_SQRT_2_PI + 0.5), axis=-1)

    def encode(self, actions: tf.Tensor) -> tf.Tensor:
        """Returns the actions unchanged, `float32[..., k]`."""
        return actions

    def entropy_floor(self, part: float) -> float:
        """Returns the entropy, in nats, if every σ_i is `part` times half the range of its action.

        It is -∞ if an action has no bounds.
        """
        stds = [part * (high - low) / 2.0 for low, high in zip(*self.bounds, strict=True)]
        if not self.is_bounded or min(stds) <= 0.0:
            return -math.inf
        return sum(math.log(std) + _LOG_SQRT_2_PI + 0.5 for std in stds)

    def _split(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns means and log standard deviations, the latter clipped to their range."""
        self._check(logits)
        means, log_stds = self._log_stds(logits)
        return means, _clipped(log_stds, LOWEST_LOG_STD, self.highest_log_std)

    def _log_stds(self, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns means and log standard deviations as the network gives them."""
        means, log_stds = tf.split(logits, 2, axis=-1)
        return means, log_stds


def _clipped(log_stds: tf.Tensor, lowest: float, highest: float) -> tf.Tensor:
    """Clips log σ, but lets gradients through that lead back into the range.

    A plain clip has no gradient outside its range, so nothing could ever lead back.
    """

    @tf.custom_gradient
    def clip(log_stds: tf.Tensor) -> tuple[tf.Tensor, object]:
        def vjp(gradient: tf.Tensor) -> tf.Tensor:
            leaves = tf.where(gradient < 0.0, log_stds > highest, log_stds < lowest)
            return tf.where(leaves, tf.zeros_like(gradient), gradient)

        return tf.clip_by_value(log_stds, lowest, highest), vjp

    return clip(log_stds)
