"""The base of DDPG and TD3: a deterministic actor, critics, and actions with noise."""

import abc
import math
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step

from agents.configs.off_policy import DeterministicConfig
from agents.distributions import spaces
from agents.distributions.deterministic import Deterministic
from agents.experience.action_noise import Noise
from agents.experience.replay import Transitions
from agents.experience.step_model import StepModel
from agents.learning.metrics import all_finite
from agents.networks import continuous
from agents.tfa.off_policy import CompiledUpdate, OffPolicy, as_experience
from agents.tfa.optimizer import Keras3Adam
from agents.tfa.wrapped import WrappedNetwork


class DeterministicMetrics(NamedTuple):
    """Scalars of one update; if one of them is not finite, the update was not made."""

    policy_loss: float  # -mean Q(s, π(s))
    value_loss: float  # Mean squared error of the critic, or the sum of both critics'
    value_magnitude: float  # Mean of |Q(s_t, π(s_t))| when acting
    policy_grad_norm: float
    value_grad_norm: float

    @property
    def is_finite(self) -> bool:
        """True if none of them is NaN or infinite."""
        return all_finite(self)


class Parts(NamedTuple):
    """The parts that an agent of TF-Agents is made of."""

    time_step_spec: time_step.TimeStep
    action_spec: tf.TypeSpec
    actor: WrappedNetwork
    critics: list[WrappedNetwork]
    actor_updates: Keras3Adam
    critic_updates: Keras3Adam
    count: tf.Variable  # Of updates


Targets = dict[str, WrappedNetwork]


class ContinuousAgent(OffPolicy):
    """Acts with noise; the subclasses make the agent of TF-Agents that learns."""

    metrics_fields = DeterministicMetrics._fields
    config: Any
    # Of the networks; see `networks.continuous.build`.
    _num_critics, _action_layer, _output_range = 1, 1, 0.0

    @abc.abstractmethod
    def _make_noise(self, half_range: np.ndarray, seed: int) -> Noise:
        """The noise for actions whose range has this half, `[N, k]`."""

    @abc.abstractmethod
    def _make_agent(self, parts: Parts, seed: int) -> tuple[tf_agent.TFAgent, Targets]:
        """The agent that learns, and its targets; that of the actor first."""

    def _build(self, weight_seed: int, action_seed: int) -> None:
        config: DeterministicConfig = self.config
        name = config.algorithm.upper()
        self._space = spaces.bounded_box(self._envs.single_action_space, name)
        self.distribution = Deterministic(self._space)
        built = continuous.build(
            self._envs.single_observation_space,
            self._space,
            config.hidden_units,
            weight_seed,
            num_critics=self._num_critics,
            action_layer=self._action_layer,
            output_range=self._output_range,
        )
        self.network = built.policy
        self.step_model = StepModel(self.network, self.distribution, action_seed)
        shape = (config.num_envs, *self._space.shape)
        half_range = np.broadcast_to(continuous.ranges(self._space)[0], shape)
        self._noise, self._seed = self._make_noise(half_range, action_seed), action_seed
        self._value_magnitude = 0.0
        self._parts = self._make_parts(built)
        self._agent, self._targets = self._make_agent(self._parts, weight_seed)
        self._agent.initialize()  # The targets take over the weights.
        self._learning = CompiledUpdate(self._train)

    def _make_parts(self, built: continuous.Networks) -> Parts:
        space, config = self._space, self.config
        critic_updates = Keras3Adam(built.critics, config.critic_learning_rate)
        observation = tensor_spec.TensorSpec(self._envs.single_observation_space.shape, tf.float32)
        action = tensor_spec.BoundedTensorSpec(space.shape, tf.float32, space.low, space.high)
        return Parts(
            time_step.time_step_spec(observation),
            action,
            WrappedNetwork(built.actor, observation, 'actor'),
            [WrappedNetwork(critic, (observation, action), 'critic') for critic in built.critics],
            Keras3Adam([built.actor], config.actor_learning_rate, after=critic_updates),
            critic_updates,
            tf.Variable(0, trainable=False, dtype=tf.int64),
        )

    def _explore(self, observations: np.ndarray, starts: np.ndarray) -> tuple[Any, np.ndarray]:
        count, space = self.num_steps, self._space
        decision = self.step_model.step(observations, (), count)
        self._value_magnitude = float(np.abs(decision.values).mean())
        if count < self.config.learning_starts:
            rng = np.random.default_rng([self._seed, count])
            actions = rng.uniform(space.low, space.high, decision.actions.shape)
        else:
            actions = decision.actions + self._noise.sample(starts, count)
        return np.clip(actions, space.low, space.high).astype(np.float32), decision.values

    def _learn(self, transitions: Transitions) -> DeterministicMetrics:
        policy_loss, value_loss, *norms = self._learning(transitions) or [math.nan] * 4
        return DeterministicMetrics(policy_loss, value_loss, self._value_magnitude, *norms)

    def _train(self, transitions: Transitions) -> tf.Tensor:
        self._parts.actor_updates.forget_infinite_norm()
        losses = self._agent.train(as_experience(transitions)).extra
        norms = self._parts.actor_updates.norm, self._parts.critic_updates.norm
        return tf.stack([losses.actor_loss, losses.critic_loss, *norms])

    def _variables(self) -> list[tf.Variable]:
        parts = self._parts
        networks = parts.actor, *parts.critics, *self._targets.values()
        weights = [variable for network in networks for variable in network.variables]
        updates = [*parts.actor_updates.variables, *parts.critic_updates.variables]
        return [*weights, *self._counts(), *updates, parts.count]

    def _counts(self) -> list[tf.Variable]:
        """Counters that the agent has besides that of updates."""
        return []

    def _networks(self) -> dict[str, keras.Model]:
        critics = {f'critic{i}': one for i, one in enumerate(self._parts.critics, start=1)}
        wrapped = {'actor': self._parts.actor, **critics, **self._targets}
        return {name: network.model for name, network in wrapped.items()}

    def learning_rate(self) -> float:
        """The learning rate of the actor."""
        return self._parts.actor_updates.learning_rate

    def _scale_learning_rates(self, factor: float) -> None:
        for updates in (self._parts.actor_updates, self._parts.critic_updates):
            updates.scale_learning_rate(factor)

    def state(self) -> dict[str, Any]:
        """Everything that learning continues from."""
        return {**super().state(), 'noise': self._noise.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continues where `state` was taken."""
        super().set_state(state)
        self._noise.set_state(state['noise'])
