"""The base of agents with a replay memory: they step, remember, and learn from memory.

N environments step together; B transitions, drawn from the memory, make an update. TF-Agents'
replay buffers are not used: `replay` says why.
"""

import abc
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import policy_step, time_step, trajectory

from agents.agent import MakeEnvs
from agents.configs.off_policy import OffPolicyConfig
from agents.experience.replay import ReplayMemory, Transitions
from agents.learning.compiled import Compiled
from agents.learning.metrics import Metrics
from agents.tfa.base import TFAgent, numbers
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_vec_env


class OffPolicy(TFAgent):
    """An agent with a replay memory; the subclasses say how it acts and learns.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes the environments, as `make_vec_env` does.

    Attributes:
        num_updates: Updates made or skipped so far.
    """

    def __init__(
        self, config: OffPolicyConfig, env_config: EnvConfig, make_envs: MakeEnvs = make_vec_env
    ) -> None:
        self.num_updates = 0
        super().__init__(config, env_config, make_envs)
        try:
            space = self._envs.single_observation_space
            self._memory = ReplayMemory(
                config.replay_capacity,
                space,
                self._envs.single_action_space,
                config.num_envs,
                depth=_depth(space.shape or ()),
                seed=self._sample_seed,
            )
            self._memory.reset(self._observations)
        except BaseException:
            self.close()
            raise

    @abc.abstractmethod
    def _explore(self, observations: np.ndarray, starts: np.ndarray) -> tuple[Any, np.ndarray]:
        """Actions, `[N, ...]`, with noise; and the values of what was observed, `float32[N]`."""

    @abc.abstractmethod
    def _learn(self, transitions: Transitions) -> Metrics:
        """An update from B transitions."""

    def update(self) -> Metrics | None:
        """A step of every environment, and the updates that are due; their mean metrics."""
        config, before, self.episodes = self.config, self.num_steps, []
        self.skipped = None
        actions, values = self._explore(self._observations, self._tracker.starts)
        self._memory.add(actions, *self._step(actions, values))
        least = max(config.learning_starts, config.batch_size)
        if self.num_steps < least or self._memory.size < config.batch_size:
            return None
        num_updates = self.num_steps // config.train_period - before // config.train_period
        metrics = [self._update_once() for _ in range(num_updates)]
        if len(metrics) > 1:
            return type(metrics[0])(*np.mean([tuple(one) for one in metrics], axis=0).tolist())
        return metrics[0] if metrics else None

    def _update_once(self) -> Metrics:
        transitions = self._memory.sample(self.config.batch_size, self.num_updates)
        self.num_updates += 1
        metrics = self._learn(transitions)
        self._keep_if_skipped(transitions, metrics)
        return metrics

    def state(self) -> Snapshot:
        """Everything that learning continues from, the replay memory included."""
        state = super().state()
        return {**state, 'num_updates': self.num_updates, 'memory': self._memory.state()}

    def _snapshot(self) -> list[Snapshot]:
        restarts = self._envs.num_restarts
        snapshots = super()._snapshot()
        if self._envs.num_restarts > restarts:  # A worker was dead.
            self._begin_anew()
        return snapshots

    def _begin_anew(self) -> None:
        """Games go on elsewhere, without a step that led there."""
        self._tracker.begin_anew()
        self._memory.reset(self._observations)

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        super().set_state(state)
        self.num_updates = int(state['num_updates'])
        self._memory.set_state(state['memory'])
        if self._memory.is_broken:
            self._begin_anew()


class CompiledUpdate:
    """An update as one operation that gives numbers: see `learner.numbers`.

    Args:
        function: B transitions to numbers, `float32[n]`.
    """

    def __init__(self, function: Callable[[Transitions], tf.Tensor]) -> None:
        # TF-Agents says itself what is a graph, and AutoGraph warns of its style.
        self._operation = Compiled(tf.autograph.experimental.do_not_convert(function))

    def __call__(self, transitions: Transitions) -> list[float] | None:
        """The numbers; None if the update broke off."""
        return numbers(self._operation, transitions)


def as_experience(transitions: Transitions) -> trajectory.Transition:
    """The transitions as TF-Agents' agents learn from them.

    Not as rows of a `Trajectory`: of these each has one observation, so that the row between two
    episodes would be learned from as if it were a step of the game.
    """
    ones = tf.ones_like(transitions.rewards)
    kinds = tf.fill(tf.shape(ones), time_step.StepType.MID)
    return trajectory.Transition(
        time_step.TimeStep(kinds, tf.zeros_like(ones), ones, transitions.observations),
        policy_step.PolicyStep(transitions.actions),
        time_step.TimeStep(
            kinds, transitions.rewards, transitions.discounts, transitions.next_observations
        ),
    )


def _depth(shape: tuple[int, ...]) -> int:
    """Pictures in an observation: those of `FrameStackObservation`."""
    return shape[2] if len(shape) == 3 else 1
