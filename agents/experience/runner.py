"""Collects experience: T steps of B environments per rollout, time-major.

T is the unroll length. When an episode ends, `SubprocVecEnv` starts the next one in the same step
and returns the last observation of the old one in its `infos`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from agents.experience.actor import Actor, Decision, Memory, actions_dtype, reset_memory
from agents.experience.episodes import EpisodeTracker, truncation_values
from agents.learning.normalization import Moments, RolloutStatistics
from envs import observations as observation_parts
from envs.game import Snapshot
from envs.observations import Observation


class Rollout(NamedTuple):
    """One unroll, time-major. Index t holds s_t, a_t and the environment's answer to a_t."""

    observations: Observation  # [T, B, ...], the dtype of the environment; or a dict of such
    actions: np.ndarray  # int32[T, B], or [T, B, k]; float32 where they are real numbers
    rewards: np.ndarray  # float32[T, B]; truncated steps include γ V(s_final)
    discounts: np.ndarray  # float32[T, B]; γ, or 0 where an episode ended
    values: np.ndarray  # float32[T, B]; V(s_t) when acting
    bootstrap_value: np.ndarray  # float32[B]; V(s_T)
    starts: np.ndarray  # bool[T, B]; whether an episode began with s_t


class ForwardPass(NamedTuple):
    """The forward passes of acting, one per step of a rollout, which `backprop` uses again.

    The activations follow from the weights, the observations and the memories. The memories follow
    from all steps before; a plain network has none.
    """

    memories: Sequence[Memory] = ()  # [T] of the actor's memory when it saw s_t
    activations: Sequence[Sequence[Any]] = ()  # [T] of the `activations` of its `Decision`


class Runner:
    """Steps all environments together and records their answers.

    Several runners may share the work, each with a group of the environments.

    Args:
        envs: The environments of this runner's group.
        actor: Chooses the actions.
        unroll_length: T.
        discount: γ.
        first_env: Number of the group's first environment among all environments.
        total_envs: Number of environments of all runners together; 0 if this is the only runner.
        statistics: Normalises the rewards; by default they stay as they are.

    Attributes:
        batch_fraction: Fraction of all environments that are in this group.
        num_samples: Agent steps in a rollout, T * B.
        num_steps: Agent steps of all environments together, those of other runners included.
        episodes: Statistics of the episodes that ended in the last rollout; `step` is the number
            of agent steps done by then.
        moments: Moments of the last rollout, for the quantities that are normalised.
    """

    def __init__(
        self,
        envs: gymnasium.vector.VectorEnv[Any, Any, Any],
        actor: Actor,
        unroll_length: int,
        discount: float,
        first_env: int = 0,
        total_envs: int = 0,
        statistics: RolloutStatistics | None = None,
    ) -> None:
        self._envs, self._actor = envs, actor
        self._unroll_length, self._discount = unroll_length, discount
        self._first_env, self._total_envs = first_env, total_envs or envs.num_envs
        self.batch_fraction = envs.num_envs / self._total_envs
        self.num_samples = unroll_length * envs.num_envs
        self._observations: Observation = np.zeros(0)
        self._memory = actor.first_memory(envs.num_envs)
        self._tracker = EpisodeTracker(envs.num_envs, envs.single_action_space, discount)
        self._statistics = statistics or RolloutStatistics(envs.num_envs, discount)
        self._actions_dtype = actions_dtype(envs.single_action_space)
        self.num_steps = 0
        self.episodes: list[dict[str, Any]] = []
        self.moments: dict[str, Moments] = {}

    def reset(self, seed: int) -> None:
        """Starts all episodes; environment number i among all gets the seed `seed + i`."""
        self._observations, _ = self._envs.reset(seed=seed + self._first_env)

    @property
    def max_abs_return(self) -> float:
        """The largest absolute running return so far: see `EpisodeTracker`."""
        return self._tracker.max_abs_return

    # Values that are not finite are the matter of the update that learns from them.
    @np.errstate(invalid='ignore', over='ignore')
    def run(self, reward_scale: float | None = None) -> tuple[Rollout, ForwardPass]:
        """Collects T steps of every environment with the present weights.

        Args:
            reward_scale: Factor on the rewards, if they are normalised: see `RolloutStatistics`.

        Returns:
            The rollout, and what the network computed to act, for `TrainModel.gradients`.
        """
        self._statistics.reward_scale = reward_scale
        self.episodes = []
        rollout, memories, activations = self._empty_rollout(), [], []
        for t in range(self._unroll_length):
            memories.append(self._memory)
            decision = self._step(t, rollout)
            activations.append(decision.activations)
        self.moments = self._statistics.take(rollout.observations)
        bootstrap_value = self._actor.value(self._observations, self._memory)
        rollout = rollout._replace(bootstrap_value=bootstrap_value)
        return rollout, ForwardPass(memories, activations)

    def _empty_rollout(self) -> Rollout:
        """Returns arrays for T steps, new ones for every rollout."""
        shape = (self._unroll_length, self._envs.num_envs)
        space = self._envs.single_action_space
        return Rollout(
            observations=observation_parts.empty(self._observations, *shape),
            actions=np.empty(shape + (space.shape or ()), self._actions_dtype),
            rewards=np.empty(shape, np.float32),
            discounts=np.empty(shape, np.float32),
            values=np.empty(shape, np.float32),
            bootstrap_value=np.empty(0, np.float32),  # Known after the last step.
            starts=np.empty(shape, bool),
        )

    def _step(self, t: int, rollout: Rollout) -> Decision:
        """Makes step t of the rollout, writes it into the arrays, and returns the decision."""
        observation_parts.put(rollout.observations, t, self._observations)
        rollout.starts[t] = self._tracker.starts
        decision = self._actor.step(self._observations, self._memory, self._count(t))
        rollout.actions[t], rollout.values[t] = decision.actions, decision.values
        answer = self._envs.step(rollout.actions[t])
        self._observations, raw_rewards, terminated, truncated, infos = answer
        self.num_steps += self._total_envs
        ended, cut = terminated | truncated, truncated & ~terminated
        rewards = rollout.rewards[t]  # A view, written in place.
        rewards[:] = self._statistics.normalized(raw_rewards, rollout.starts[t])
        self._track_episodes(rollout.values[t], rollout.actions[t], rewards, ended, infos)
        rollout.discounts[t] = np.where(ended, 0.0, self._discount)
        memory = self._actor.remember(decision, raw_rewards)  # Raw as in evaluations.
        if cut.any():
            now = self._actor, self._observations, memory
            rewards += truncation_values(cut, infos, *now, self._discount)
        self._memory = reset_memory(memory, ended)
        return decision

    def _count(self, t: int) -> int:
        """Returns the count that selects the random numbers of step t.

        It is the number of agent steps before the first step that shares them. The first
        environment's number is added, so that no two runners use the same numbers.
        """
        shared = t % self._actor.noise_period
        return self.num_steps - shared * self._total_envs + self._first_env

    def _track_episodes(self, *step: Any) -> None:
        for episode in self._tracker.update(*step):
            episode['env'] += self._first_env
            self.episodes.append({'step': self.num_steps, **episode})

    def state(self) -> Snapshot:
        """Returns the step count, the running episodes and the environments' snapshots."""
        return {
            'num_steps': self.num_steps,
            'memory': [np.array(array) for array in self._memory],
            **self._tracker.state(),
            'statistics': self._statistics.state(),
            'envs': self._envs.snapshot(),  # type: ignore[attr-defined]
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps = int(state['num_steps'])
        self._memory = state['memory']
        self._tracker.set_state(state)
        self._statistics.set_state(state['statistics'])
        self._observations = self._envs.restore(state['envs'])  # type: ignore[attr-defined]
