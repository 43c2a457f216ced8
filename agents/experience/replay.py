"""Replay memory: the last transitions of all environments, sampled uniformly. Without TensorFlow.

B is the size of a batch, N the number of environments, K the number of pictures in an observation.

    slot      picture j, one per agent step: of K stacked pictures only the newest is new
    numbers   of a slot that an action led to: the K + 1 slots whose pictures make s and s'

The first K pictures of a transition are s_t, the last K are s_{t+1}. A vector counts as one
picture, K = 1. Slots are numbered for ever and stand in segments of some megabytes, which are never
written again once they are full: so a checkpoint can name those that one before it has saved, and
write the others while learning goes on.

TF-Agents has two memories, which are wrong for us. `PyHashedReplayBuffer` stores frames once, too,
but knows them by Python's hash of their bytes, so that two may be confused; it draws from NumPy's
global generator, takes one environment, and is saved as one pickle. `TFUniformReplayBuffer` stores
a picture four times, draws from a generator that no checkpoint knows, and needs a row between two
episodes, which it then samples as if it were experience.
"""

from collections import deque
from typing import Any, NamedTuple

import cv2
import gymnasium
import numpy as np

from agents.experience.conduct import actions_dtype
from agents.experience.episodes import lost_steps
from agents.storage.checkpoints import Sealed
from envs.errors import UsageError
from envs.game import Snapshot

_SEGMENT_BYTES = 2**24
_MOST_DRAWS = 1_000


class Transitions(NamedTuple):
    """What was experienced: B steps, of any environments and times."""

    observations: np.ndarray  # [B, ...], s_t
    actions: np.ndarray  # int32[B], or [B, k]; float32 where they are real numbers
    rewards: np.ndarray  # float32[B]
    discounts: np.ndarray  # float32[B]; 0 where the game ended, else 1, also where a limit cut it
    next_observations: np.ndarray  # [B, ...], s_{t+1}; where an episode ended its last one


class _Segment(NamedTuple):
    """Slots in a row."""

    pictures: np.ndarray  # [L, ...]
    steps: np.ndarray  # [L], with the fields `numbers`, `action`, `reward` and `discount`


class ReplayMemory:
    """The last `capacity` pictures, and all transitions that they make.

    Args:
        capacity: Pictures; an episode of n steps has n + 1.
        observation_space: Of one environment.
        action_space: Of one environment.
        num_envs: N.
        depth: K, the pictures that are stacked as the last axis of an observation, newest last.
        seed: Of the samples.

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
        self._capacity, self._depth, self._seed = capacity, depth, seed
        shape = observation_space.shape or ()
        self._shape, self._dtype = shape, observation_space.dtype
        self._picture_shape = shape[:-1] if depth > 1 else shape
        self._step_type = np.dtype([
            ('numbers', np.int64, (depth + 1,)),  # -1: no action led here.
            ('action', actions_dtype(action_space), action_space.shape or ()),
            ('reward', np.float32),
            ('discount', np.float32),
        ])  # fmt: skip
        picture_bytes = int(np.prod(self._picture_shape)) * np.dtype(self._dtype).itemsize
        self._length = min(capacity, _SEGMENT_BYTES // (picture_bytes + self._step_type.itemsize))
        self._length = max(self._length, 1)
        self._segments: deque[_Segment] = deque()
        self._sealed: deque[Sealed] = deque()  # All segments but the last, to be saved.
        self._first_segment = 0  # Number of the oldest segment that is kept.
        self._end = 0  # Number of the next slot.
        self._stacks = np.full((num_envs, depth), -1, np.int64)  # Slots of the present pictures.

    @property
    def size(self) -> int:
        """Pictures that are held."""
        return min(self._end - self._first_segment * self._length, self._capacity)

    def reset(self, observations: np.ndarray) -> None:
        """All environments, `[N, ...]`, start an episode."""
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
        """A step of all environments: the actions, `[N, ...]`, and what `SubprocVecEnv` answered.

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
        """B transitions, each drawn from all that are held, with replacement.

        `count` selects the random numbers; give every call of a run another one.

        Raises:
            ValueError: There is none.
        """
        rng = np.random.default_rng([self._seed, count])
        steps = np.zeros(batch_size, self._step_type)
        missing = np.arange(batch_size)
        for _ in range(_MOST_DRAWS):
            slots = rng.integers(self._end - self.size, max(self._end, 1), len(missing))
            steps[missing] = self._gathered('steps', slots)
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
        """Everything that is held; later steps do not change it."""
        rows = self._end % self._length
        last = self._segments[-1] if rows else self._new_segment(0)
        return {
            'end': self._end,
            'stacks': self._stacks.copy(),
            'segments': list(self._sealed),
            'pictures': last.pictures[:rows].copy(),
            'steps': last.steps[:rows].copy(),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken.

        If a segment could not be read, it is forgotten with all that is older; see `is_broken`.
        """
        self._end, self._stacks = int(state['end']), state['stacks'].copy()
        missing = [i for i, sealed in enumerate(state['segments']) if sealed.tree is None]
        self._sealed = deque(state['segments'][max(missing, default=-1) + 1 :])
        self._segments = deque(_Segment(**sealed.tree) for sealed in self._sealed)
        number, rows = divmod(self._end, self._length)
        self._first_segment = number - len(self._segments)
        if rows:
            last = self._new_segment(self._length)
            last.pictures[:rows], last.steps[:rows] = state['pictures'], state['steps']
            self._segments.append(last)

    @property
    def is_broken(self) -> bool:
        """Whether present pictures were forgotten: then all environments need a `reset`."""
        return bool((self._stacks < self._end - self.size).any())

    def _start(self, env: int, observation: np.ndarray) -> None:
        """The first observation of an episode; its first picture may stand for older ones, too."""
        previous: np.ndarray | None = None
        stacked = np.moveaxis(observation, -1, 0) if self._depth > 1 else [observation]
        for k, picture in enumerate(stacked):
            if previous is None or not np.array_equal(picture, previous):
                number = self._append(picture, -1)
            self._stacks[env, k], previous = number, picture

    def _go_on(
        self, env: int, action: Any, reward: float, goes_on: bool, observation: np.ndarray
    ) -> None:
        """A step of one environment, and the observation it led to."""
        stack = self._stacks[env]
        if self._depth > 1 and not np.array_equal(self._picture(stack[1]), observation[..., 0]):
            raise ValueError('the pictures of an observation must be those of the one before')
        newest = observation[..., -1] if self._depth > 1 else observation
        numbers = np.append(stack, self._end)
        self._append(newest, numbers, action, reward, float(goes_on))
        self._stacks[env] = numbers[1:]

    def _append(
        self, picture: np.ndarray, numbers: Any, action: Any = 0, reward: float = 0.0,
        discount: float = 0.0,
    ) -> int:  # fmt: skip
        """Fills the next slot and returns its number; older ones make room."""
        number, row = divmod(self._end, self._length)
        if number == self._first_segment + len(self._segments):
            self._segments.append(self._new_segment(self._length))
        segment = self._segments[-1]
        segment.pictures[row] = picture
        segment.steps[row] = numbers, action, reward, discount
        self._end += 1
        if row + 1 == self._length:
            self._sealed.append(Sealed(segment._asdict()))
        if self._end - self._capacity >= (self._first_segment + 1) * self._length:
            self._segments.popleft()
            self._sealed.popleft()
            self._first_segment += 1
        return self._end - 1

    def _new_segment(self, length: int) -> _Segment:
        return _Segment(
            np.zeros((length, *self._picture_shape), self._dtype),
            np.zeros(length, self._step_type),
        )

    def _is_held(self, steps: np.ndarray) -> np.ndarray:
        """Whether all pictures of these transitions are; false where no action led."""
        oldest = steps['numbers'][:, 0]
        return (oldest >= 0) & (oldest >= self._end - self.size)

    def _observations(self, numbers: np.ndarray) -> np.ndarray:
        """Slots `[B, K]` to observations `[B, ...]`."""
        if self._depth == 1:
            return self._gathered('pictures', numbers[:, 0])
        observations = np.empty((len(numbers), *self._shape), self._dtype)
        for stack, observation in zip(numbers, observations, strict=True):
            # Ten times faster than moving the channels of an array.
            cv2.merge([self._picture(number) for number in stack], observation)
        return observations

    def _gathered(self, field: str, numbers: np.ndarray) -> np.ndarray:
        """Of slots `[B]` the pictures or the steps."""
        which, rows = np.divmod(numbers, self._length)
        arrays = [getattr(segment, field) for segment in self._segments]
        result = np.empty((len(rows), *arrays[0].shape[1:]), arrays[0].dtype)
        for number in np.unique(which):
            chosen = which == number
            result[chosen] = arrays[number - self._first_segment][rows[chosen]]
        return result

    def _picture(self, number: int) -> np.ndarray:
        segment, row = divmod(int(number), self._length)
        return self._segments[segment - self._first_segment].pictures[row]
