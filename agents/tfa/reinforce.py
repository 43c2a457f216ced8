"""REINFORCE: whole episodes, and every action as good as all that came after it.

    one step up the gradient of mean over episodes of Σ_t log π(a_t|s_t) (R_t - V(s_t))
    one step down that of c_v Σ_t (R_t - V(s_t))²

R_t is the discounted sum of rewards to the end of the episode; V is the baseline, or 0 without one.
Williams (1992), https://doi.org/10.1007/BF00992696; Sutton and Barto (2018), section 13.4. What it
lacks is in `a2c`: updates before an episode ends, and returns that do not add up the chance of all
later steps. `research/gradient_variance` measures what that costs.

Where a limit cuts an episode, γ V(s_last) stands for the rewards that would have followed; without
a baseline nothing is known of them, and a cut counts as an end.
"""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step

from agents.configs.reinforce import ReinforceConfig
from agents.distributions import factory, spaces
from agents.experience.episodes import lost_steps, truncation_values
from agents.experience.step_model import StepModel
from agents.learning import losses
from agents.learning.metrics import TrainMetrics, all_finite
from agents.networks import policy_value
from agents.tfa import base
from agents.tfa.base import TFAgent
from agents.tfa.optimizer import Keras3Adam
from agents.tfa.whole_episodes import Episodes, as_experience, returns_of
from agents.tfa.wrapped import WrappedNetwork

# Of an episode: observation, action, reward, whether it ended, and V(s_t).
_Steps = list[tuple[Any, ...]]


class _OfSequences(WrappedNetwork):
    """A model of `[B, ...]` for TF-Agents' `[1, n, ...]`."""

    def call(
        self, inputs: Any, step_type: Any = None, network_state: Any = (), training: bool = False
    ) -> tuple[Any, Any]:
        """The output of the model, `[1, n, ...]`."""
        has_time = len(inputs.shape) > len(self.model.inputs[0].shape)
        outputs = self.model(inputs[0] if has_time else inputs, training=training)
        return (outputs[None] if has_time else outputs), network_state


class _Policy(_OfSequences):
    def call(
        self, inputs: Any, step_type: Any = None, network_state: Any = (), training: bool = False
    ) -> tuple[Any, Any]:
        """A distribution over actions."""
        logits, state = super().call(inputs, step_type, network_state, training)
        return tfp.distributions.Categorical(logits=logits, dtype=tf.int32), state


class UnguidedMetrics(NamedTuple):
    """Scalars of an update without a baseline; if one is not finite, it was not made."""

    policy_loss: float
    entropy: float
    grad_norm: float

    @property
    def value_magnitude(self) -> float:
        """There are no values."""
        return 0.0

    @property
    def is_finite(self) -> bool:
        """True if none of them is NaN or infinite."""
        return all_finite(self)


class Reinforce(TFAgent):
    """Learns from whole episodes that are played by the policy as it is."""

    config: ReinforceConfig

    @property
    def metrics_fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """As `update` returns them."""
        return (TrainMetrics if self.config.baseline else UnguidedMetrics)._fields

    def _build(self, weight_seed: int, action_seed: int) -> None:
        config, envs = self.config, self._envs
        num_actions = spaces.count_actions(envs.single_action_space, 'REINFORCE')
        space = envs.single_observation_space
        self.distribution = factory.for_space(envs.single_action_space)
        self.network = policy_value.build(config.network, space, num_actions, weight_seed)
        self.step_model = StepModel(self.network, self.distribution, action_seed)
        inputs, (logits, values) = self.network.inputs, self.network.outputs
        policy = keras.Model(inputs, logits)
        self._count = tf.Variable(0, trainable=False, dtype=tf.int64)
        # Without a baseline V is not learned, and its weights get no gradients.
        learned = self.network if config.baseline else policy
        self._updates = Keras3Adam([learned], config.learning_rate, config.max_grad_norm)
        # Not 255: TF-Agents draws an example below the bound + 1, which no uint8 is.
        observation = tensor_spec.BoundedTensorSpec(space.shape, space.dtype, 0, 254)
        critic = _OfSequences(keras.Model(inputs, values), observation, 'value')
        self._agent = reinforce_agent.ReinforceAgent(
            time_step.time_step_spec(observation),
            tensor_spec.BoundedTensorSpec((), tf.int32, 0, num_actions - 1),
            _Policy(policy, observation, 'policy'),
            self._updates,
            value_network=critic if config.baseline else None,
            value_estimation_loss_coef=config.value_cost,
            # TF-Agents' own lets the gradient of the policy loss through to V, and moves it astray.
            advantage_fn=_advantages if config.baseline else None,
            gamma=config.discount,
            normalize_returns=config.normalize_returns,
            train_step_counter=self._count,
        )
        shapes = [(None, *(space.shape or ())), (None,), (None,), (None,)]
        dtypes = [space.dtype, tf.int32, tf.float32, tf.bool]
        specs = [tf.TensorSpec(*pair) for pair in zip(shapes, dtypes, strict=True)]
        # The number of steps differs from update to update: `Compiled` would trace each anew.
        self._learn = tf.function(self._train, input_signature=[Episodes(*specs)], autograph=False)

    def update(self) -> TrainMetrics | UnguidedMetrics:
        """Whole episodes of every environment and one gradient step."""
        self.episodes, self.skipped = [], None
        episodes, values = self._play()
        told = base.numbers(self._learn, episodes) or [math.nan] * 3
        metrics = self._metrics(told, episodes, values)
        self._keep_if_skipped(episodes, metrics)
        return metrics

    def _metrics(
        self, told: list[float], episodes: Episodes, values: np.ndarray
    ) -> TrainMetrics | UnguidedMetrics:
        policy_loss, entropy, norm = told
        if not self.config.baseline:
            return UnguidedMetrics(policy_loss, entropy, norm)
        targets = returns_of(episodes, self.config.discount)
        value_loss = float(np.mean((targets - values) ** 2))
        explained = float(losses.explained_variance(targets, values))
        magnitude = float(np.abs(values).mean())
        return TrainMetrics(policy_loss, value_loss, entropy, explained, magnitude, norm)

    def _play(self) -> tuple[Episodes, np.ndarray]:
        """The episodes; and V(s_t) when acting, `float32[n]`.

        Each environment gives as many: if those that are first to end were taken, short ones would
        be. What an environment plays beyond them, or has begun before the last update, counts
        neither here nor in the tables.
        """
        num_envs = self.config.num_envs
        episodes: list[list[_Steps]] = [[] for _ in range(num_envs)]
        running: list[_Steps | None] = [None] * num_envs
        quota = -(-self.config.episodes_per_update // num_envs)
        goes_on = np.zeros(num_envs, bool)  # Elsewhere, since its worker failed.
        while min(map(len, episodes)) < quota:
            for env in np.flatnonzero(self._tracker.starts & ~goes_on):
                running[env] = [] if len(episodes[env]) < quota else None
            columns, lost = self._step_all([own is not None for own in running])
            goes_on = lost | (goes_on & ~self._tracker.starts)
            for env, own in enumerate(running):
                if own is None:
                    continue
                own.append(tuple(column[env] for column in columns))
                if lost[env]:  # Nobody knows how it would have ended.
                    running[env] = None
                elif self._tracker.starts[env]:
                    episodes[env].append(own)
        joined = zip(*(step for env in episodes for own in env for step in own), strict=True)
        *arrays, values = (np.array(column) for column in joined)
        return Episodes(*arrays), values

    def _step_all(self, counts: list[bool]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Steps all environments: a row of `_Steps` for each, and whether it is of no use.

        `counts` tells in which of them an episode is played that will be learned from.
        """
        observations, told = self._observations.copy(), len(self.episodes)
        decision = self.step_model.step(observations, (), self.num_steps)
        values = decision.values if self.config.baseline else np.zeros_like(decision.values)
        _, rewards, terminated, truncated, infos = self._step(decision.actions, values)
        self.episodes[told:] = [one for one in self.episodes[told:] if counts[one['env']]]
        ended, cut = terminated | truncated, truncated & ~terminated
        rewards = rewards.astype(np.float32) + self._beyond(cut, infos)
        columns = observations, decision.actions, rewards, ended, values
        return columns, lost_steps(infos, len(ended))

    def _beyond(self, cut: np.ndarray, infos: dict[str, Any]) -> np.ndarray:
        """γ V(s_last) where a limit cut the episode, else 0, `float32[N]`."""
        if not (self.config.baseline and cut.any()):
            return np.zeros(len(cut), np.float32)
        now = self.step_model, self._observations, ()
        return truncation_values(cut, infos, *now, self.config.discount)

    def _train(self, episodes: Episodes) -> tf.Tensor:
        """One update: policy loss, entropy and norm of the gradients."""
        entropy = self.distribution.entropy(self.network(episodes.observations)[0])
        extra = self._agent.train(as_experience(episodes)).extra
        norm = self._updates.norm
        return tf.stack([extra.policy_gradient_loss, tf.reduce_mean(entropy), norm])

    def _variables(self) -> list[tf.Variable]:
        weights = [variable.value for variable in self.network.variables]
        return [*weights, *self._updates.variables, self._count]

    def _networks(self) -> dict[str, keras.Model]:
        return {'network': self.network}

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self._updates.learning_rate

    def _scale_learning_rates(self, factor: float) -> None:
        self._updates.scale_learning_rate(factor)


def _advantages(returns: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """R_t - V(s_t), without gradients."""
    return tf.stop_gradient(returns - values)
