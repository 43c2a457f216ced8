"""DQN, deep Q-learning, and double DQN.

After every few steps, with B transitions out of the memory:

    y = r + γ max_a Q'(s', a)                   or r where the game ended
    y = r + γ Q'(s', argmax_a Q(s', a))         of double DQN
    one step down the gradient of mean huber(y - Q(s, a))
    θ' <- θ                                     for the target Q', with every n-th of these

It acts by the best action, or with probability ε by any. Mnih et al. (2015),
https://doi.org/10.1038/nature14236; van Hasselt et al. (2016), https://arxiv.org/abs/1509.06461.
"""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step
from tf_agents.utils import common

from agents.configs.off_policy import DQNConfig
from agents.distributions import spaces
from agents.distributions.deterministic import Greedy
from agents.experience.replay import Transitions
from agents.experience.step_model import StepModel
from agents.learning import schedules
from agents.learning.metrics import all_finite
from agents.networks import q_network
from agents.tfa.off_policy import CompiledUpdate, OffPolicy, as_experience
from agents.tfa.optimizer import Keras3Adam
from agents.tfa.wrapped import WrappedNetwork


class DQNMetrics(NamedTuple):
    """Scalars of one update; if one of them is not finite, the update was not made."""

    value_loss: float  # Mean of huber(y - Q(s, a))
    value_magnitude: float  # Mean of |max_a Q(s_t, a)| when acting
    exploration: float  # ε
    grad_norm: float

    @property
    def is_finite(self) -> bool:
        """True if none of them is NaN or infinite."""
        return all_finite(self)


def huber(targets: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """e² / 2 up to |e| = 1 and |e| - 1/2 beyond, e = targets - values; all of the same shape.

    Of an infinite error, as TF-Agents' loss has it, the gradient is 1: an update would be made.
    Here it is NaN.
    """
    losses = common.element_wise_huber_loss(targets, values)
    return losses * tf.where(tf.math.is_finite(losses), 1.0, math.nan)


class _TellsTargetCount:
    """Keeps the counter of the target's updates, which a checkpoint needs."""

    def _get_target_updater(self, tau: float = 1.0, period: int = 1) -> common.Periodically:
        updater = super()._get_target_updater(tau, period)  # type: ignore[misc]
        (self.target_count,) = updater.variables
        return updater


class _DqnAgent(_TellsTargetCount, dqn_agent.DqnAgent):
    def _compute_next_q_values(self, next_time_steps: time_step.TimeStep, info: Any) -> tf.Tensor:
        """max_a Q'(s', a). TF-Agents goes through the network twice for it."""
        values, _ = self._target_q_network(next_time_steps.observation)
        return tf.reduce_max(values, axis=-1)


class _DdqnAgent(_TellsTargetCount, dqn_agent.DdqnAgent):
    pass


class DQN(OffPolicy):
    """Learns Q(s, a) of n actions."""

    metrics_fields = DQNMetrics._fields
    config: DQNConfig

    def _build(self, weight_seed: int, action_seed: int) -> None:
        config, envs = self.config, self._envs
        self._num_actions = spaces.count_actions(envs.single_action_space, 'DQN')
        self.distribution = Greedy(self._num_actions)
        space = envs.single_observation_space
        self.network, model = q_network.build(
            config.network, space, self._num_actions, weight_seed, config.hidden_units
        )
        self.step_model = StepModel(self.network, self.distribution, action_seed)
        self._seed, self._value_magnitude = action_seed, 0.0
        self._exploration = schedules.linear(
            config.exploration_start, config.exploration_end, config.exploration_steps
        )
        # Not 255: TF-Agents draws an example below the bound + 1, which no uint8 is.
        observation = tensor_spec.BoundedTensorSpec(space.shape, space.dtype, 0, 254)
        self._schedule = schedules.make(config.lr_schedule, 1.0, 0.0, config.total_steps)
        self._q_network = WrappedNetwork(model, observation, 'q_network')
        self._target = self._q_network.copy(name='target')
        self._updates = Keras3Adam([model], config.learning_rate, config.max_grad_norm)
        self._count = tf.Variable(0, trainable=False, dtype=tf.int64)
        kind = _DdqnAgent if config.double else _DqnAgent
        self._agent = kind(
            time_step.time_step_spec(observation),
            tensor_spec.BoundedTensorSpec((), tf.int32, 0, self._num_actions - 1),
            self._q_network,
            self._updates,
            target_q_network=self._target,
            target_update_period=config.target_period,
            td_errors_loss_fn=huber,
            gamma=config.discount,
            train_step_counter=self._count,
        )
        self._agent.initialize()  # The target takes over the weights.
        self._learning = CompiledUpdate(self._train)

    def exploration(self, step: int) -> float:
        """ε; before learning starts there is nothing better than chance."""
        return 1.0 if step < self.config.learning_starts else self._exploration(step)

    def _explore(self, observations: np.ndarray, starts: np.ndarray) -> tuple[Any, np.ndarray]:
        decision = self.step_model.step(observations, (), self.num_steps)
        self._value_magnitude = float(np.abs(decision.values).mean())
        rng = np.random.default_rng([self._seed, self.num_steps])
        by_chance = rng.random(len(observations)) < self.exploration(self.num_steps)
        anything = rng.integers(self._num_actions, size=len(observations), dtype=np.int32)
        return np.where(by_chance, anything, decision.actions), decision.values

    def _learn(self, transitions: Transitions) -> DQNMetrics:
        self._updates.scale_learning_rate(self._factor())
        loss, norm = self._learning(transitions) or [math.nan] * 2
        return DQNMetrics(loss, self._value_magnitude, self.exploration(self.num_steps), norm)

    def _train(self, transitions: Transitions) -> tf.Tensor:
        loss = self._agent.train(as_experience(transitions)).loss
        return tf.stack([loss, self._updates.norm])

    def _variables(self) -> list[tf.Variable]:
        learned = [*self._q_network.variables, *self._target.variables]
        return [*learned, *self._updates.variables, self._count, self._agent.target_count]

    def _networks(self) -> dict[str, keras.Model]:
        return {'q_network': self._q_network.model, 'target': self._target.model}

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self.config.learning_rate * self._factor()

    def _factor(self) -> float:
        return self._rate_factor * self._schedule(self.num_steps)

    def _scale_learning_rates(self, factor: float) -> None:
        """Each update does."""
