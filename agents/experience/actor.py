"""The interface of everything that acts, and of what it remembers from step to step.

B is the number of environments that are stepped together. `step_model` holds the actor of A2C and
A3C. Everything in here works without TensorFlow.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np

from envs.observations import Observation

# The state of a recurrent actor within an episode, arrays `[B, ...]`; empty for other actors.
Memory = Sequence[Any]


class Decision(NamedTuple):
    """The answer of an actor to observations, `[B, ...]`."""

    actions: np.ndarray  # int32[B], or [B, k]; float32 where they are real numbers
    values: np.ndarray  # float32[B]
    activations: Sequence[Any] = ()  # Of the network's activation layers: see `backprop`.
    memory: Memory = ()  # After this step, as far as it is known before the reward


class Actor(Protocol):
    """Chooses actions and predicts values, for example the step model."""

    @property
    def noise_period(self) -> int:
        """Number of consecutive steps that share their random numbers."""
        return 1

    def first_memory(self, num_envs: int) -> Memory:
        """Memory at the start of an episode: zeros, or nothing if the actor is not recurrent."""
        return ()

    def step(self, observations: Observation, memory: Memory, count: int) -> Decision:
        """Decides on `[B, ...]` observations; `count` selects the random numbers."""

    def value(self, observations: Observation, memory: Memory) -> np.ndarray:
        """Predicts the values of `[B, ...]` observations, float32[B]."""

    def remember(self, decision: Decision, rewards: np.ndarray) -> Memory:
        """Returns the memory after a step that was answered by `rewards`, float32[B]."""
        return decision.memory


def reset_memory(memory: Memory, ended: np.ndarray) -> Memory:
    """Returns the memory with zeros where an episode ended, `bool[B]`."""
    if not ended.any():
        return memory
    return [np.where(ended[:, None], np.float32(0.0), array) for array in memory]


def actions_dtype(action_space: gymnasium.Space) -> Any:
    """Returns float32 for actions that are real numbers, else int32."""
    return np.float32 if np.issubdtype(action_space.dtype, np.floating) else np.int32
