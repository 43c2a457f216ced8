"""Collects experience: T steps of N environments per rollout, time-major.

T is the unroll length, B = N the number of environments. `SubprocVecEnv` starts an ended episode
anew in the same step and hands over the last observation of the old one beside it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np

from agents.experience.conduct import actions_dtype
from agents.experience.episodes import EpisodeNotes
from agents.learning.normalization import Moments, RolloutStatistics
from envs import observations as observation_parts
from envs.game import Snapshot
from envs.observations import Observation

# What a recurrent actor knows of the episode so far, arrays `[B, ...]`; nothing if it is not one.
Memory = Sequence[Any]


class Rollout(NamedTuple):
    """One unroll, time-major. Index t holds s_t, a_t and the environment's answer to a_t."""

    observations: Observation  # [T, B, ...], the dtype of the environment; or a dict of such
    actions: np.ndarray  # int32[T, B], or [T, B, k]; float32 where they are real numbers
    rewards: np.ndarray  # float32[T, B]; truncated steps include γ V(s_final)
    discounts: np.ndarray  # float32[T, B]; γ, or 0 where an episode ended
    values: np.ndarray  # float32[T, B]; V(s_t) when acting
    bootstrap_value: np.ndarray  # float32[B]; V(s_T)
    starts: np.ndarray  # bool[T, B]; whether an episode began with s_t
    activations: Sequence[Sequence[Any]]  # Of each step those of its `Decision`
    memories: Sequence[Memory] = ()  # Of each step that with which the actor came to it


class Decision(NamedTuple):
    """What an actor makes of observations, `[B, ...]`."""

    actions: np.ndarray  # int32[B], or [B, k]; float32 where they are real numbers
    values: np.ndarray  # float32[B]
    activations: Sequence[Any] = ()  # What `backprop` recalls for training.
    memory: Memory = ()  # After this step, as far as the actor knows it by now


class Actor(Protocol):
    """What chooses actions and predicts values: the step model."""

    @property
    def noise_period(self) -> int:
        """Steps that share their random numbers."""
        return 1

    def first_memory(self, num_envs: int) -> Memory:
        """That at the start of an episode: zeros, or nothing."""
        return ()

    def step(self, observations: Observation, memory: Memory, count: int) -> Decision:
        """Decides on `[B, ...]` observations; `count` selects the random numbers."""

    def value(self, observations: Observation, memory: Memory) -> np.ndarray:
        """Values of `[B, ...]` observations, float32[B]."""

    def remember(self, decision: Decision, rewards: np.ndarray) -> Memory:
        """The memory after a step that was answered by `rewards`, float32[B]."""
        return decision.memory


def forget(memory: Memory, ended: np.ndarray) -> Memory:
    """The memory with zeros where an episode ended, `bool[B]`."""
    if not ended.any():
        return memory
    return [np.where(ended[:, None], np.float32(0.0), array) for array in memory]


def truncation_values(
    cut: np.ndarray,
    infos: dict[str, Any],
    actor: Actor,
    observations: Observation,
    memory: Memory,
    discount: float,
) -> np.ndarray:
    """γ V(s_final) where a limit cut the episode, else 0: the game would have gone on.

    Pardo et al. (2018), https://arxiv.org/abs/1712.00378.

    Args:
        cut: `bool[B]`.
        infos: What `SubprocVecEnv` told beside it.
        actor: Predicts values.
        observations: Those that followed, `[B, ...]`, of the next episode where one was cut.
        memory: Of the actor, after the step.
        discount: γ.
    """
    final = observation_parts.copy(observations)
    for i in np.flatnonzero(cut):
        observation_parts.put(final, i, infos['final_obs'][i])
    return np.where(cut, discount * actor.value(final, memory), 0.0)


class Runner:
    """Steps all environments together and remembers what they answered.

    Several runners may share the work, each with a group of the environments.

    Args:
        envs: The group of this runner.
        actor: Chooses the actions.
        unroll_length: T.
        discount: γ.
        first_env: Number of the group's first environment among all.
        total_envs: Environments of all runners together; default: there is no other runner.
        statistics: Normalises the rewards; default: they stay as they are.

    Attributes:
        share: Of the group in all environments.
        num_samples: Agent steps in a rollout, T * B.
        num_steps: Agent steps of all environments together, those of other runners too.
        episodes: Statistics of the episodes that ended in the last rollout; `step` is the number
            of agent steps done by then.
        moments: Of the last rollout, those that are to be normalised by.
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
        self.share = envs.num_envs / self._total_envs
        self.num_samples = unroll_length * envs.num_envs
        self._observations: Observation = np.zeros(0)
        self._memory = actor.first_memory(envs.num_envs)
        self._notes = EpisodeNotes(envs.num_envs, envs.single_action_space, discount)
        self._statistics = statistics or RolloutStatistics(envs.num_envs, discount)
        self._actions_dtype = actions_dtype(envs.single_action_space)
        self.num_steps = 0
        self.episodes: list[dict[str, Any]] = []
        self.moments: dict[str, Moments] = {}

    def reset(self, seed: int) -> None:
        """Starts all episodes; environment i of all gets the seed `seed + i`."""
        self._observations, _ = self._envs.reset(seed=seed + self._first_env)

    @property
    def largest_return(self) -> float:
        """The largest running return so far: see `conduct`."""
        return self._notes.largest_return

    # Values that are not finite are the matter of the update that learns from them.
    @np.errstate(invalid='ignore', over='ignore')
    def run(self, reward_scale: float | None = None) -> Rollout:
        """Collects T steps of every environment with the present weights.

        `reward_scale` is a factor on the rewards, if they are normalised; see `RolloutStatistics`.
        """
        self._statistics.reward_scale = reward_scale
        shape = (self._unroll_length, self._envs.num_envs)
        observations = observation_parts.empty(self._observations, *shape)
        action_space = self._envs.single_action_space
        actions = np.empty(shape + (action_space.shape or ()), self._actions_dtype)
        rewards, discounts, values = (np.empty(shape, np.float32) for _ in range(3))
        starts, memories, activations = np.empty(shape, bool), [], []
        self.episodes = []
        for t in range(self._unroll_length):
            observation_parts.put(observations, t, self._observations)
            starts[t] = self._notes.starts
            memories.append(self._memory)
            drawn = self.num_steps - t % self._actor.noise_period * self._total_envs
            count = drawn + self._first_env  # No two runners use the same numbers.
            decision = self._actor.step(self._observations, self._memory, count)
            actions[t], values[t] = decision.actions, decision.values
            activations.append(decision.activations)
            self._observations, raw_rewards, terminated, truncated, infos = self._envs.step(
                actions[t]
            )
            rewards[t] = self._statistics.normalized(raw_rewards, starts[t])
            self.num_steps += self._total_envs
            ended = terminated | truncated
            self._note_episodes(values[t], actions[t], rewards[t], ended, infos)
            memory = self._actor.remember(decision, raw_rewards)  # As in evaluations.
            discounts[t] = np.where(ended, 0.0, self._discount)
            cut = truncated & ~terminated
            if cut.any():
                now = self._actor, self._observations, memory
                rewards[t] += truncation_values(cut, infos, *now, self._discount)
            self._memory = forget(memory, ended)
        self.moments = self._statistics.take(observations)
        bootstrap_value = self._actor.value(self._observations, self._memory)
        return Rollout(
            observations,
            actions,
            rewards,
            discounts,
            values,
            bootstrap_value,
            starts,
            activations,
            memories,
        )

    def _note_episodes(self, *step: Any) -> None:
        for episode in self._notes.note(*step):
            episode['env'] += self._first_env
            self.episodes.append({'step': self.num_steps, **episode})

    def state(self) -> Snapshot:
        """The step count, what is remembered of the episodes, and the environments' snapshots."""
        return {
            'num_steps': self.num_steps,
            'memory': [np.array(array) for array in self._memory],
            **self._notes.state(),
            'statistics': self._statistics.state(),
            'envs': self._envs.snapshot(),  # type: ignore[attr-defined]
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps = int(state['num_steps'])
        self._memory = state['memory']
        self._notes.set_state(state)
        if 'statistics' in state:  # Nor did they normalise.
            self._statistics.set_state(state['statistics'])
        self._observations = self._envs.restore(state['envs'])  # type: ignore[attr-defined]
