"""The train model: one gradient of one loss per update, of one rollout or several in parallel."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions.base import Distribution
from agents.experience.runner import ForwardPass, Rollout
from agents.experience.step_model import Weights
from agents.learning import losses, optimizers, returns
from agents.learning.compiled import Compiled
from agents.learning.metrics import TrainMetrics
from agents.networks import backprop


class Gradients(NamedTuple):
    """Gradients of one rollout, before they are averaged, clipped and applied."""

    gradients: list[tf.Tensor]  # One per trainable variable, of the sum, or of its part of the mean
    losses: losses.A2CLosses  # Means over the rollout
    batch_fraction: tf.Tensor  # Part of the update's samples that is in this rollout
    targets: tf.Tensor  # [T, B]
    values: tf.Tensor  # [T, B], V(s_t) when acting


class TrainModel:
    """Learns: one gradient of one loss per update, from one rollout or from several in parallel.

    Args:
        network: As `policy_value.build` makes them.
        distribution: What the logits mean.
        config: Of the algorithm.
        num_optimizers: More than one, if not all updates share their statistics.
    """

    def __init__(
        self,
        network: keras.Model,
        distribution: Distribution,
        config: ActorCriticConfig,
        num_optimizers: int = 1,
    ) -> None:
        self._network, self._distribution, self._config = network, distribution, config
        self.optimizers = [
            optimizers.make(
                config.optimizer,
                config.learning_rate,
                rho=config.rmsprop_decay,
                epsilon=config.rmsprop_epsilon,
            )
            for _ in range(num_optimizers)
        ]
        for optimizer in self.optimizers:
            optimizer.build(network.trainable_variables)
        self._updates = [
            Compiled(functools.partial(self._apply, optimizer)) for optimizer in self.optimizers
        ]
        self._gradients = Compiled(self.compute_gradients)
        variables = network.weights
        self._weights = Compiled(lambda: [variable.value.read_value() for variable in variables])

    def train(
        self,
        rollout: Rollout,
        forward_pass: ForwardPass,
        learning_rate: float,
        entropy_cost: float,
    ) -> TrainMetrics:
        """One update of the shared weights."""
        return self.apply([self.gradients(rollout, forward_pass, entropy_cost)], learning_rate)

    def gradients(
        self,
        rollout: Rollout,
        forward_pass: ForwardPass,
        entropy_cost: float,
        batch_fraction: float = 1.0,
        weights: Weights = (),
    ) -> Gradients:
        """Computes the gradients on `[T * B]` samples at once; any thread may call it.

        Args:
            rollout: Experience that was collected with these weights.
            forward_pass: Its forward passes, which `Runner.run` returns beside it.
            entropy_cost: Weight of the entropy bonus, c_e.
            batch_fraction: Part of the update's samples that is in this rollout.
            weights: Weights to differentiate with respect to; empty: those of the network.
        """
        # See `compute_gradients`, which this calls compiled.
        numbers = _float32(entropy_cost), _float32(batch_fraction)
        return self._gradients(weights, rollout, forward_pass, *numbers)

    def apply(
        self, parts: Sequence[Gradients], learning_rate: float, which: int = 0
    ) -> TrainMetrics:
        """Updates the shared weights with the sum of all parts, whose `batch_fraction` sum to 1.

        If a metric is not finite, weights and statistics stay as they are. `which` is the number of
        the optimizer.
        """
        metrics = self._updates[which](list(parts), _float32(learning_rate))
        return TrainMetrics(*metrics.numpy().tolist())

    def weights(self) -> Weights:
        """The shared weights as they are now; they stay so, since an update writes to new memory.

        Reading them copies nothing and takes no lock: of two layers one may be an update older.
        """
        return self._weights()

    def compute_gradients(
        self,
        weights: Weights,
        rollout: Rollout,
        forward_pass: ForwardPass,
        entropy_cost: tf.Tensor,
        batch_fraction: tf.Tensor,
    ) -> Gradients:
        """Computes the gradients; `gradients` calls it compiled and describes the arguments."""
        config = self._config
        advantages, targets = returns.generalized_advantages(
            rollout.rewards,
            rollout.discounts,
            rollout.values,
            rollout.bootstrap_value,
            lambda_=config.gae_lambda,
        )
        memories, activations = _joined(forward_pass.memories), _joined(forward_pass.activations)
        inputs = [*map(_flat, tf.nest.flatten(rollout.observations)), *memories]
        with backprop.with_weights(self._network, weights):
            outputs, vjp = backprop.vjp_from_activations(
                self._network, inputs, activations, rollout.starts
            )
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
                is_sum = config.loss_reduction == 'sum'
                weight = tf.size(rollout.rewards, tf.float32) if is_sum else batch_fraction
                loss = weight * result.total_loss
            gradients = vjp(tape.gradient(loss, outputs))
        return Gradients(gradients, result, batch_fraction, targets, rollout.values)

    def _apply(
        self,
        optimizer: optimizers.RMSProp | optimizers.Adam,
        parts: list[Gradients],
        learning_rate: tf.Tensor,
    ) -> tf.Tensor:
        fields = zip(*(part.gradients for part in parts), strict=True)
        gradients = [tf.add_n(field) for field in fields]
        clipped, grad_norm = optimizers.clip_by_global_norm(gradients, self._config.max_grad_norm)
        means = tf.add_n([part.batch_fraction * tf.stack(part.losses[1:]) for part in parts])
        targets = tf.concat([part.targets for part in parts], axis=1)  # [T, N]
        values = tf.concat([part.values for part in parts], axis=1)
        explained = losses.explained_variance(targets, values)
        magnitude = tf.reduce_mean(tf.abs(values))
        metrics = tf.stack([*tf.unstack(means), explained, magnitude, grad_norm])
        is_finite = tf.reduce_all(tf.math.is_finite(metrics))
        optimizer.learning_rate.assign(learning_rate)
        optimizer.apply_if(is_finite, clipped, self._network.trainable_variables)
        return metrics


def _float32(number: float) -> np.ndarray:
    return np.asarray(number, np.float32)


def _joined(steps: Sequence[Sequence[tf.Tensor]]) -> list[tf.Tensor]:
    """`[T][k][B, ...]` to `[k][T * B, ...]`."""
    return [tf.concat(tensors, 0) for tensors in zip(*steps, strict=True)]


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    """`[T, B, ...]` to `[T * B, ...]`."""
    return tf.reshape(tensor, [-1, *tensor.shape[2:]])
