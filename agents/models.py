"""One network, two compiled entry points: the step model acts, the train model learns.

The split of OpenAI Baselines' A2C: both share the weights, so what the train model learns the step
model uses at once.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agents import losses, optimizers, returns
from agents.configs import A2CConfig
from agents.distributions import Distribution
from agents.runner import Rollout


class StepModel:
    """Acts. Random numbers follow from a seed and a count alone, so that a run can be repeated.

    Args:
        network: Observations to `(logits, values)`.
        distribution: What the logits mean.
        seed: Of the actions.
        greedy: Choose the most probable action instead of sampling.
    """

    def __init__(
        self, network: keras.Model, distribution: Distribution, seed: int, greedy: bool = False
    ) -> None:
        self._network, self._distribution = network, distribution
        self._seed, self._greedy = seed % 2**31, greedy

    def step(self, observations: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Observations `[B, ...]` to actions `int32[B]` or `[B, k]` and values `float32[B]`.

        `count` selects the random numbers; give every call of a run another one.
        """
        seed = np.array([self._seed, count % 2**31], np.int32)
        actions, values = self._step(observations, seed)
        return actions.numpy(), values.numpy()

    def value(self, observations: np.ndarray) -> np.ndarray:
        """Observations `[B, ...]` to values, `float32[B]`."""
        return self._value(observations).numpy()

    @tf.function
    def _step(self, observations: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, values = self._network(observations, training=False)
        if self._greedy:
            return self._distribution.mode(logits), values
        return self._distribution.sample(logits, seed), values

    @tf.function
    def _value(self, observations: tf.Tensor) -> tf.Tensor:
        return self._network(observations, training=False)[1]


class TrainMetrics(NamedTuple):
    """What one update says of itself; all float32 scalars."""

    policy_loss: float
    value_loss: float
    entropy: float
    explained_variance: float
    grad_norm: float


class TrainModel:
    """Learns: one gradient of one loss per rollout, on `[T * B]` samples at once."""

    def __init__(self, network: keras.Model, distribution: Distribution, config: A2CConfig) -> None:
        self._network, self._distribution, self._config = network, distribution, config
        self.optimizer = optimizers.make(
            config.optimizer,
            config.learning_rate,
            rho=config.rmsprop_decay,
            epsilon=config.rmsprop_epsilon,
        )
        self.optimizer.build(network.trainable_variables)

    def train(self, rollout: Rollout, learning_rate: float, entropy_cost: float) -> TrainMetrics:
        """One update of the shared weights."""
        metrics = self._train(rollout, np.float32(learning_rate), np.float32(entropy_cost))
        return TrainMetrics(*metrics.numpy().tolist())

    @tf.function
    def _train(
        self, rollout: Rollout, learning_rate: tf.Tensor, entropy_cost: tf.Tensor
    ) -> tf.Tensor:
        self.optimizer.learning_rate.assign(learning_rate)
        gradients, result, explained = self._gradients(rollout, entropy_cost)
        clipped, grad_norm = optimizers.clip_by_global_norm(gradients, self._config.max_grad_norm)
        self.optimizer.apply(clipped, self._network.trainable_variables)
        return tf.stack([*result[1:], explained, grad_norm])

    def _gradients(
        self, rollout: Rollout, entropy_cost: tf.Tensor
    ) -> tuple[list[tf.Tensor], losses.A2CLosses, tf.Tensor]:
        """Gradients of the loss on a whole rollout, the losses, and the explained variance."""
        config = self._config
        advantages, targets = returns.generalized_advantages(
            rollout.rewards,
            rollout.discounts,
            rollout.values,
            rollout.bootstrap_value,
            lambda_=config.gae_lambda,
        )
        with tf.GradientTape() as tape:
            logits, values = self._network(_flat(rollout.observations), training=True)
            result = losses.a2c_losses(
                self._distribution,
                logits,
                values,
                _flat(rollout.actions),
                _flat(advantages),
                _flat(targets),
                config.value_cost,
                entropy_cost,
            )
        gradients = tape.gradient(result.total_loss, self._network.trainable_variables)
        return gradients, result, losses.explained_variance(targets, rollout.values)


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    """`[T, B, ...]` to `[T * B, ...]`."""
    return tf.reshape(tensor, [-1, *tensor.shape[2:]])
