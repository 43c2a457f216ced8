"""Environment in a worker process, with the methods that the learner can call."""

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from envs import observations
from envs.game import Snapshot
from envs.vector.crash_snapshots import LastSnapshot
from envs.vector.transport import Arrays

_MAX_REWARD = float(np.finfo(np.float32).max)


class BadAnswer(Exception):
    """Raised when an environment returns something that cannot be learned from; see its message."""


class WorkerEnv:
    """Environment in a worker process, with its row in shared memory and its last snapshot."""

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        arrays: Arrays,
        index: int,
        last_snapshot: LastSnapshot,
        step_infos: bool,
    ) -> None:
        self._env, self._arrays, self._index = env, arrays, index
        self._last_snapshot, self._step_infos = last_snapshot, step_infos

    def step(self) -> tuple[dict[str, Any] | None, dict[str, Any]] | None:
        """Takes an agent step; resets the environment if the episode ends.

        Returns:
            Final info, None unless an episode ended, and info; None if there is nothing to send.

        Raises:
            BadAnswer: If the environment returned something that cannot be learned from.
        """
        arrays, index = self._arrays, self._index
        action = arrays.actions[index].copy()  # Wrappers may keep it while the row changes.
        observation, reward, terminated, truncated, info = self._env.step(action)
        self._check(observation)
        if not abs(float(reward)) <= _MAX_REWARD:  # Written so that NaN fails too.
            raise BadAnswer(f'returned a reward of {reward}')
        final_info = None
        if terminated or truncated:
            self._last_snapshot.clear()
            final_info = info
            observations.put(arrays.final_observations, index, observation)
            observation, info = self._env.reset()
            self._check(observation)
        observations.put(arrays.observations, index, observation)
        arrays.rewards[index] = reward
        arrays.terminated[index] = terminated
        arrays.truncated[index] = truncated
        if final_info is not None or (info and self._step_infos):
            return final_info, info
        return None

    def reset(
        self, seed: int | None, options: dict[str, Any] | None
    ) -> tuple[None, dict[str, Any]]:
        """Starts an episode; returns no final info, and the info."""
        self._last_snapshot.clear()
        observation, info = self._env.reset(seed=seed, options=options)
        self._check(observation)
        observations.put(self._arrays.observations, self._index, observation)
        return None, info

    def snapshot(self) -> Snapshot:
        """Whole state, with the present observation."""
        observation = observations.at(self._arrays.observations, self._index)
        return {'env': self._env.snapshot(), 'observation': observation}  # type: ignore[attr-defined]

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot."""
        self._last_snapshot.clear()
        self._env.restore(snapshot['env'])  # type: ignore[attr-defined]
        observations.put(self._arrays.observations, self._index, snapshot['observation'])

    def save(self) -> None:
        """Saves a snapshot to go on from if this process dies."""
        self._last_snapshot.save(self.snapshot())

    def resume(self, seed: int | None) -> tuple[dict[str, Any], float | None]:
        """Goes on, in a new process, from the snapshot that the previous process left.

        Returns:
            Info of the start, and the age of the snapshot in seconds, which is None if there was no
            snapshot and a new episode has begun.
        """
        saved = self._last_snapshot.take()
        _, info = self.reset(seed, None)
        if saved is None:
            return info, None
        self.restore(saved.snapshot)
        return {}, saved.age

    def apply(self, function: Callable[[gymnasium.Env[Any, Any]], Any]) -> Any:
        """Calls a function with the environment; returns its result."""
        self._last_snapshot.clear()  # It may change the environment.
        return function(self._env)

    def _check(self, observation: Any) -> None:
        """Raises `BadAnswer` unless this fits into the shared memory and is finite."""
        wanted = self._arrays.observations
        if isinstance(wanted, dict) and (
            not isinstance(observation, dict) or observation.keys() != wanted.keys()
        ):
            found = list(observation) if isinstance(observation, dict) else 'one array'
            raise BadAnswer(f'returned an observation with {found}, not {list(wanted)}')
        observations.for_each(_check, wanted, observation)


def _check(wanted: np.ndarray, part: Any) -> None:
    """Raises `BadAnswer` unless this fits into a row of `wanted` and is finite."""
    array, shape, dtype = np.asarray(part), wanted.shape[1:], wanted.dtype
    if array.shape != shape:
        raise BadAnswer(f'returned an observation of {array.shape}, not {shape}')
    if array.dtype != dtype and not np.can_cast(array.dtype, dtype, 'same_kind'):
        raise BadAnswer(f'returned an observation of {array.dtype}, not {dtype}')
    # Three times as fast as checking each number, but squares of very large numbers overflow.
    if dtype.kind == 'f' and not math.isfinite(np.vdot(array, array)):
        if not np.isfinite(array).all():
            raise BadAnswer('returned an observation that is not finite')
