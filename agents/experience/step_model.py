"""The step model: acts with the network whose weights the train model learns.

This is the split of OpenAI Baselines' A2C: one network with two compiled entry points. Both share
the weights, so the step model uses at once what the train model has learned. In A3C a worker has
weights of its own, which both take as an argument.
"""

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from agents.distributions.base import Distribution
from agents.experience.actor import Decision, Memory
from agents.learning.compiled import Compiled
from agents.networks import backprop, policy_value
from envs.observations import Observation

Weights = Sequence[tf.Tensor]


class StepModel:
    """Acts. Random numbers follow from a seed and a count alone, so that a run can be repeated.

    Args:
        network: A model made by `policy_value.build`.
        distribution: Distribution of actions that the logits stand for.
        seed: Seed of the actions.
        greedy: Choose the most probable action instead of sampling.

    Attributes:
        weights: Weights that it acts with; empty for those of the network.
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
        """Number of consecutive steps that share their random numbers."""
        return self._distribution.noise_period

    def copy(self, seed: int | None = None) -> 'StepModel':
        """Returns another step model with weights of its own, which shares what is compiled.

        Args:
            seed: Its seed; by default it keeps this one's.
        """
        other = copy.copy(self)
        if seed is not None:
            other._seed = seed
        return other

    def first_memory(self, num_envs: int) -> Memory:
        """Memory at the start of an episode: zeros, or nothing without an LSTM."""
        return [np.zeros((num_envs, size), np.float32) for size in self._sizes]

    def step(self, observations: Observation, memory: Memory, count: int) -> Decision:
        """Decides on observations.

        Args:
            observations: `[B, ...]`, or a dict of such.
            memory: Arrays `[B, ...]`, as `remember` returned them.
            count: Selects the random numbers; give every call of a run another one, except for the
                `noise_period` steps that share them.
        """
        seed = np.array([self._seed % 2**31, count % 2**31], np.int32)
        decision = self._step(self.weights, observations, memory, seed)
        return decision._replace(actions=decision.actions.numpy(), values=decision.values.numpy())

    def value(self, observations: Observation, memory: Memory) -> np.ndarray:
        """Predicts the values of observations `[B, ...]`, `float32[B]`."""
        return self._value(self.weights, observations, memory).numpy()

    def remember(self, decision: Decision, rewards: np.ndarray) -> Memory:
        """Returns the memory after a step that was answered by `rewards`, float32[B]."""
        if not self._with_last_action:
            return decision.memory
        return [*decision.memory, rewards.astype(np.float32)[:, None]]

    def _decide(
        self, weights: Weights, observations: Any, memory: Memory, seed: tf.Tensor
    ) -> Decision:
        with backprop.with_weights(self._network, weights):
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
        with backprop.with_weights(self._network, weights):
            inputs = [*tf.nest.flatten(observations), *memory]
            return backprop.forward(self._network, inputs)[0][1]
