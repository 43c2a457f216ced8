"""One network, two compiled entry points: the step model acts, the train model learns.

The split of OpenAI Baselines' A2C: both share the weights, so what the train model learns the step
model uses at once. In A3C a worker has weights of its own, which both take as an argument.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions.base import Distribution
from agents.learning import losses, optimizers, returns
from agents.learning.compiled import Compiled
from agents.learning.metrics import TrainMetrics
from agents.networks import backprop, policy_value
from agents.runner import Decision, Memory, Rollout
from envs.observations import Observation

Weights = Sequence[tf.Tensor]


class StepModel:
    """Acts. Random numbers follow from a seed and a count alone, so that a run can be repeated.

    Args:
        network: As `networks.build` makes them.
        distribution: What the logits mean.
        seed: Of the actions.
        greedy: Choose the most probable action instead of sampling.

    Attributes:
        weights: With which it acts; empty for those of the network.
    """

    def __init__(
        self, network: keras.Model, distribution: Distribution, seed: int, greedy: bool = False
    ) -> None:
        self._network, self._distribution = network, distribution
        self._seed, self._greedy = seed, greedy
        num_parts = policy_value.num_observations(network)
        self._sizes = [memory.shape[1] for memory in network.inputs[num_parts:]]
        self._with_last_action = len(self._sizes) > 2
        self._step, self._value = Compiled(self._decide), Compiled(self._predict)
        self.weights: Weights = ()

    @property
    def noise_period(self) -> int:
        """Steps that share their random numbers."""
        return self._distribution.noise_period

    def copy(self, seed: int | None = None) -> 'StepModel':
        """Another one with weights, and perhaps a seed, of its own; they share what is compiled."""
        other = copy.copy(self)
        if seed is not None:
            other._seed = seed
        return other

    def first_memory(self, num_envs: int) -> Memory:
        """That at the start of an episode: zeros, or nothing without an LSTM."""
        return [np.zeros((num_envs, size), np.float32) for size in self._sizes]

    def step(self, observations: Observation, memory: Memory, count: int) -> Decision:
        """Decides on observations `[B, ...]`, or a dict of such.

        `count` selects the random numbers; give every call of a run another one, but for the
        `noise_period` steps that share them.
        """
        seed = np.array([self._seed % 2**31, count % 2**31], np.int32)
        decision = self._step(self.weights, observations, memory, seed)
        return decision._replace(actions=decision.actions.numpy(), values=decision.values.numpy())

    def value(self, observations: Observation, memory: Memory) -> np.ndarray:
        """Observations `[B, ...]` to values, `float32[B]`."""
        return self._value(self.weights, observations, memory).numpy()

    def remember(self, decision: Decision, rewards: np.ndarray) -> Memory:
        """The memory after a step that was answered by `rewards`, float32[B]."""
        if not self._with_last_action:
            return decision.memory
        return [*decision.memory, rewards.astype(np.float32)[:, None]]

    def _decide(
        self, weights: Weights, observations: Any, memory: Memory, seed: tf.Tensor
    ) -> Decision:
        with backprop.using(self._network, weights):
            inputs = [*tf.nest.flatten(observations), *memory]
            outputs, activations = backprop.forward(self._network, inputs)
        logits, values, *memory = outputs
        if self._greedy:
            actions = self._distribution.mode(logits)
        else:
            actions = self._distribution.sample(logits, seed)
        if self._with_last_action:
            memory.append(self._distribution.encode(actions))
        return Decision(actions, values, activations, memory)

    def _predict(self, weights: Weights, observations: Any, memory: Memory) -> tf.Tensor:
        with backprop.using(self._network, weights):
            inputs = [*tf.nest.flatten(observations), *memory]
            return backprop.forward(self._network, inputs)[0][1]


class Gradients(NamedTuple):
    """What one rollout wants of the weights, before it is averaged, clipped and applied."""

    gradients: list[tf.Tensor]  # One per trainable variable, of the sum or `share` of the mean
    losses: losses.A2CLosses  # Means over the rollout
    share: tf.Tensor  # Of this rollout in all samples of the update
    targets: tf.Tensor  # [T, B]
    values: tf.Tensor  # [T, B], V(s_t) when acting


class TrainModel:
    """Learns: one gradient of one loss per update, from one rollout or from several in parallel.

    Args:
        network: As `networks.build` makes them.
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
        self._gradients = Compiled(self.derive)
        variables = network.weights
        self._weights = Compiled(lambda: [variable.value.read_value() for variable in variables])

    def train(self, rollout: Rollout, learning_rate: float, entropy_cost: float) -> TrainMetrics:
        """One update of the shared weights."""
        return self.apply([self.gradients(rollout, entropy_cost)], learning_rate)

    def gradients(
        self, rollout: Rollout, entropy_cost: float, share: float = 1.0, weights: Weights = ()
    ) -> Gradients:
        """The gradients on `[T * B]` samples at once; any thread may call it.

        Args:
            rollout: What was done, with these weights.
            entropy_cost: c_e.
            share: The part of the update's samples that is in this rollout.
            weights: Those to derive by; empty for those of the network.
        """
        return self._gradients(weights, rollout, _float32(entropy_cost), _float32(share))

    def apply(
        self, parts: Sequence[Gradients], learning_rate: float, which: int = 0
    ) -> TrainMetrics:
        """Updates the shared weights with the sum of all parts, whose shares make 1.

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

    def derive(
        self, weights: Weights, rollout: Rollout, entropy_cost: tf.Tensor, share: tf.Tensor
    ) -> Gradients:
        """As `gradients`, which calls it compiled."""
        config = self._config
        advantages, targets = returns.generalized_advantages(
            rollout.rewards,
            rollout.discounts,
            rollout.values,
            rollout.bootstrap_value,
            lambda_=config.gae_lambda,
        )
        memories, activations = _joined(rollout.memories), _joined(rollout.activations)
        inputs = [*map(_flat, tf.nest.flatten(rollout.observations)), *memories]
        with backprop.using(self._network, weights):
            outputs, pull_back = backprop.recall(self._network, inputs, activations, rollout.starts)
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
                weight = tf.size(rollout.rewards, tf.float32) if is_sum else share
                loss = weight * result.total_loss
            gradients = pull_back(tape.gradient(loss, outputs))
        return Gradients(gradients, result, share, targets, rollout.values)

    def _apply(
        self,
        optimizer: optimizers.RMSProp | optimizers.Adam,
        parts: list[Gradients],
        learning_rate: tf.Tensor,
    ) -> tf.Tensor:
        fields = zip(*(part.gradients for part in parts), strict=True)
        gradients = [tf.add_n(field) for field in fields]
        clipped, grad_norm = optimizers.clip_by_global_norm(gradients, self._config.max_grad_norm)
        means = tf.add_n([part.share * tf.stack(part.losses[1:]) for part in parts])
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
