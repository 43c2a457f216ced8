"""Replay memory: the last transitions of all environments, sampled uniformly. Without TensorFlow.

B is the size of a batch, N the number of environments, K the number of pictures in an observation.

    slot      picture j, one per agent step: of K stacked pictures only the newest is new
    numbers   the K + 1 slots whose pictures make s and s', kept for a slot that an action led to

The first K pictures of a transition are s_t, the last K are s_{t+1}. A vector counts as one
picture, K = 1. `segments` keeps the slots.

TF-Agents has two memories, which are both wrong for us. `PyHashedReplayBuffer` stores frames once,
too, but knows them by Python's hash of their bytes, so that two may be confused; it draws from
NumPy's global generator, takes one environment, and is saved as one pickle.
`TFUniformReplayBuffer` stores a picture four times, draws from a generator that no checkpoint
knows, and needs a row between two episodes, which it then samples as if it were experience.
"""

from typing import Any, NamedTuple

import cv2
import gymnasium
import numpy as np

from agents.experience.actor import actions_dtype
from agents.experience.episodes import lost_steps
from agents.experience.segments import Segments
from envs.errors import UsageError
from envs.game import Snapshot

_MOST_DRAWS = 1_000


class Transitions(NamedTuple):
    """Experience: B steps, of any environments and times."""

    observations: np.ndarray  # [B, ...], s_t
    actions: np.ndarray  # int32[B], or [B, k]; float32 where they are real numbers
    rewards: np.ndarray  # float32[B]
    discounts: np.ndarray  # float32[B]; 0 where the game ended, else 1, also where a limit cut it
    next_observations: np.ndarray  # [B, ...], s_{t+1}; where an episode ended its last one


class ReplayMemory:
    """The last `capacity` pictures, and all transitions that they make.

    Args:
        capacity: Number of pictures; an episode of n steps has n + 1.
        observation_space: Observation space of one environment.
        action_space: Action space of one environment.
        num_envs: N.
        depth: K, the pictures that are stacked as the last axis of an observation, newest last.
        seed: Seed of the samples.

    Raises:
        UsageError: The capacity is less than a few steps of all environments.
    """

    def __init__(
        self,
        capacity: int,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        num_envs: int,
        depth: int = 1,
        seed: int = 0,
    ) -> None:
        least = num_envs * (depth + 1) ** 2
        if capacity < least:
            raise UsageError(f'--replay_capacity must be at least {least} here, not {capacity}')
        self._depth, self._seed = depth, seed
        shape = observation_space.shape or ()
        self._shape, self._dtype = shape, observation_space.dtype
        self._step_type = np.dtype([
            ('numbers', np.int64, (depth + 1,)),  # -1: no action led here.
            ('action', actions_dtype(action_space), action_space.shape or ()),
            ('reward', np.float32),
            ('discount', np.float32),
        ])  # fmt: skip
        picture_shape = shape[:-1] if depth > 1 else shape
        self._slots = Segments(capacity, picture_shape, self._dtype, self._step_type)
        self._stacks = np.full((num_envs, depth), -1, np.int64)  # Slots of the present pictures.

    @property
    def size(self) -> int:
        """Number of pictures that are held."""
        return self._slots.size

    def reset(self, observations: np.ndarray) -> None:
        """Starts an episode in all environments, with these observations, `[N, ...]`."""
        for env, observation in enumerate(observations):
            self._start(env, observation)

    def add(
        self,
        actions: np.ndarray,
        observations: np.ndarray,
        rewards: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        infos: dict[str, Any],
    ) -> None:
        """Adds a step of all environments: actions, `[N, ...]`, and the answer of `SubprocVecEnv`.

        The step of a worker that failed is left out: nobody knows what it would have led to.
        """
        ended = terminated | truncated
        lost = lost_steps(infos, len(ended))
        for env, observation in enumerate(observations):
            if not lost[env]:
                answer = infos['final_obs'][env] if ended[env] else observation
                self._go_on(env, actions[env], rewards[env], not terminated[env], answer)
            if ended[env]:
                self._start(env, observation)

    def sample(self, batch_size: int, count: int) -> Transitions:
        """Draws B transitions from all that are held, with replacement.

        Args:
            batch_size: B.
            count: Selects the random numbers; give every call of a run another one.

        Raises:
            ValueError: No transition is held.
        """
        rng = np.random.default_rng([self._seed, count])
        steps = np.zeros(batch_size, self._step_type)
        missing = np.arange(batch_size)
        for _ in range(_MOST_DRAWS):
            slots = rng.integers(self._slots.oldest, max(self._slots.end, 1), len(missing))
            steps[missing] = self._slots.steps(slots)
            missing = np.flatnonzero(~self._is_held(steps))
            if not len(missing):
                return Transitions(
                    self._observations(steps['numbers'][:, :-1]),
                    steps['action'].copy(),
                    steps['reward'].copy(),
                    steps['discount'].copy(),
                    self._observations(steps['numbers'][:, 1:]),
                )
        raise ValueError('there is no transition to sample')

    def state(self) -> Snapshot:
        """Returns everything that is held; later steps do not change it."""
        return {'stacks': self._stacks.copy(), **self._slots.state()}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken.

        A segment that could not be read is forgotten together with everything that is older: see
        `is_broken`.
        """
        self._stacks = state['stacks'].copy()
        self._slots.set_state(state)

    @property
    def is_broken(self) -> bool:
        """True if present pictures were forgotten: then all environments need a `reset`."""
        return bool((self._stacks < self._slots.oldest).any())

    def _start(self, env: int, observation: np.ndarray) -> None:
        """Adds the first observation of an episode; its first picture may stand for older ones."""
        previous: np.ndarray | None = None
        stacked = np.moveaxis(observation, -1, 0) if self._depth > 1 else [observation]
        for k, picture in enumerate(stacked):
            if previous is None or not np.array_equal(picture, previous):
                number = self._slots.append(picture, (-1, 0, 0.0, 0.0))  # No action led here.
            self._stacks[env, k], previous = number, picture

    def _go_on(
        self, env: int, action: Any, reward: float, goes_on: bool, observation: np.ndarray
    ) -> None:
        """Adds a step of one environment, and the observation that it led to."""
        stack = self._stacks[env]
        if self._depth > 1:
            if not np.array_equal(self._slots.picture(stack[1]), observation[..., 0]):
                raise ValueError('the pictures of an observation must be those of the one before')
        newest = observation[..., -1] if self._depth > 1 else observation
        numbers = np.append(stack, self._slots.end)
        self._slots.append(newest, (numbers, action, reward, float(goes_on)))
        self._stacks[env] = numbers[1:]

    def _is_held(self, steps: np.ndarray) -> np.ndarray:
        """Steps, `bool[B]`, that an action led to and whose pictures are all held."""
        first = steps['numbers'][:, 0]
        return (first >= 0) & (first >= self._slots.oldest)

    def _observations(self, numbers: np.ndarray) -> np.ndarray:
        """Observations `[B, ...]` whose pictures are in slots `[B, K]`."""
        if self._depth == 1:
            return self._slots.pictures(numbers[:, 0])
        observations = np.empty((len(numbers), *self._shape), self._dtype)
        for stack, observation in zip(numbers, observations, strict=True):
            # Ten times faster than moving the channels of an array.
            cv2.merge([self._slots.picture(number) for number in stack], observation)
        return observations
