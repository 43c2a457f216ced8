"""One network, two compiled entry points: the step model acts, the train model learns.

The split of OpenAI Baselines' A2C: both share the weights, so what the train model learns the step
model uses at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agents import backprop, losses, optimizers, returns
from agents.configs import A2CConfig
from agents.distributions import Distribution
from agents.runner import Decision, Rollout


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

    def step(self, observations: np.ndarray, count: int) -> Decision:
        """Decides on observations `[B, ...]`.

        `count` selects the random numbers; give every call of a run another one.
        """
        seed = np.array([self._seed, count % 2**31], np.int32)
        actions, values, activations = self._step(observations, seed)
        return Decision(actions.numpy(), values.numpy(), activations)

    def value(self, observations: np.ndarray) -> np.ndarray:
        """Observations `[B, ...]` to values, `float32[B]`."""
        return self._value(observations).numpy()

    @tf.function
    def _step(self, observations: tf.Tensor, seed: tf.Tensor) -> Decision:
        (logits, values), activations = backprop.forward(self._network, observations)
        if self._greedy:
            return Decision(self._distribution.mode(logits), values, activations)
        return Decision(self._distribution.sample(logits, seed), values, activations)

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


class Gradients(NamedTuple):
    """What one rollout wants of the weights, before it is averaged, clipped and applied."""

    gradients: list[tf.Tensor]  # One per trainable variable, of `share` times the loss
    losses: losses.A2CLosses  # Means over the rollout
    share: tf.Tensor  # Of this rollout in all samples of the update
    targets: tf.Tensor  # [T, B]
    values: tf.Tensor  # [T, B], V(s_t) when acting


class TrainModel:
    """Learns: one gradient of one loss per update, from one rollout or from several in parallel."""

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
        return self.apply([self.gradients(rollout, entropy_cost)], learning_rate)

    def gradients(self, rollout: Rollout, entropy_cost: float, share: float = 1.0) -> Gradients:
        """The gradients on `[T * B]` samples at once; any thread may call it.

        `share` is the part of the update's samples that is in this rollout.
        """
        return self._gradients(rollout, np.float32(entropy_cost), np.float32(share))

    def apply(self, parts: Sequence[Gradients], learning_rate: float) -> TrainMetrics:
        """Updates the shared weights with the sum of all parts, whose shares make 1."""
        return TrainMetrics(*self._apply(list(parts), np.float32(learning_rate)).numpy().tolist())

    @tf.function
    def _gradients(self, rollout: Rollout, entropy_cost: tf.Tensor, share: tf.Tensor) -> Gradients:
        config = self._config
        advantages, targets = returns.generalized_advantages(
            rollout.rewards,
            rollout.discounts,
            rollout.values,
            rollout.bootstrap_value,
            lambda_=config.gae_lambda,
        )
        observations = _flat(rollout.observations)
        activations = [tf.concat(steps, 0) for steps in zip(*rollout.activations, strict=True)]
        outputs, pull_back = backprop.recall(self._network, observations, activations)
        logits, values = outputs
        with tf.GradientTape() as tape:
            tape.watch(outputs)
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
            loss = share * result.total_loss
        gradients = pull_back(tape.gradient(loss, outputs))
        return Gradients(gradients, result, share, targets, rollout.values)

    @tf.function
    def _apply(self, parts: list[Gradients], learning_rate: tf.Tensor) -> tf.Tensor:
        self.optimizer.learning_rate.assign(learning_rate)
        fields = zip(*(part.gradients for part in parts), strict=True)
        gradients = [tf.add_n(field) for field in fields]
        clipped, grad_norm = optimizers.clip_by_global_norm(gradients, self._config.max_grad_norm)
        self.optimizer.apply(clipped, self._network.trainable_variables)
        means = tf.add_n([part.share * tf.stack(part.losses[1:]) for part in parts])
        targets = tf.concat([part.targets for part in parts], axis=1)  # [T, N]
        values = tf.concat([part.values for part in parts], axis=1)
        explained = losses.explained_variance(targets, values)
        return tf.stack([*tf.unstack(means), explained, grad_norm])


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    """`[T, B, ...]` to `[T * B, ...]`."""
    return tf.reshape(tensor, [-1, *tensor.shape[2:]])
