"""Our games as environments of TF-Agents; it knows no gymnasium of its own."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step

from envs.config import EnvConfig
from envs.errors import UsageError
from envs.make import make_env


class GameEnvironment(py_environment.PyEnvironment):
    """One game as a `PyEnvironment`, with all wrappers of its configuration.

    The discount is 0 where the game ended and 1 where a limit cut it: then the value of what would
    have come still counts. After the last step of an episode the next one begins a new episode.
    `get_state` is a snapshot of the game.

    Args:
        env_config: What to play.
        index: Number of the environment among several, and of its first level.
        seed: Of the first episode and, by that, of all.

    Raises:
        UsageError: The configuration does not fit the game, or TF-Agents has no such space.
    """

    def __init__(self, env_config: EnvConfig, index: int = 0, seed: int | None = None) -> None:
        super().__init__(handle_auto_reset=True)
        self._env, self._seed = make_env(env_config, index), seed
        self._info: dict[str, Any] = {}
        try:
            self._observation_spec = _observation_spec(self._env.observation_space)
            self._action_spec = action_spec(self._env.action_space)
        except BaseException:
            self._env.close()
            raise

    def observation_spec(self) -> array_spec.ArraySpec:
        """The spec of a picture, or of a vector."""
        return self._observation_spec

    def action_spec(self) -> array_spec.BoundedArraySpec:
        """The spec of an action."""
        return self._action_spec

    def seed(self, seed: int) -> None:
        """Sets the seed of the episodes from the next reset on."""
        self._seed = seed

    def get_info(self) -> dict[str, Any]:
        """The info of the last step, with the statistics of an episode that ended."""
        return self._info

    def render(self, mode: str = 'rgb_array') -> np.ndarray:
        """The picture that a player sees: `uint8[height, width, 3]`."""
        return np.asarray(self._env.render())

    def get_state(self) -> dict[str, Any]:
        """The game and where its episode stands; see `snapshot`."""
        return {'game': self._env.snapshot(), 'time_step': self._current_time_step}  # type: ignore[attr-defined]

    def set_state(self, state: dict[str, Any]) -> None:
        """Continues where `state` was taken."""
        self._env.restore(state['game'])  # type: ignore[attr-defined]
        self._current_time_step = state['time_step']

    def close(self) -> None:
        """Ends the game."""
        self._env.close()

    def _reset(self) -> time_step.TimeStep:
        seed, self._seed = self._seed, None
        observation, self._info = self._env.reset(seed=seed)
        return time_step.restart(observation)

    def _step(self, action: np.ndarray) -> time_step.TimeStep:
        observation, reward, terminated, truncated, self._info = self._env.step(action)
        reward = np.float32(reward)
        if terminated:
            return time_step.termination(observation, reward)
        if truncated:
            return time_step.truncation(observation, reward, discount=1.0)
        return time_step.transition(observation, reward, discount=1.0)


def action_spec(space: gymnasium.Space) -> array_spec.BoundedArraySpec:
    """An action space of ours as TF-Agents describes it.

    Raises:
        UsageError: It has no description of it.
    """
    if isinstance(space, spaces.Discrete):
        return array_spec.BoundedArraySpec((), np.int32, 0, int(space.n) - 1, 'action')
    if isinstance(space, spaces.MultiDiscrete):
        most = space.nvec.astype(np.int32) - 1
        return array_spec.BoundedArraySpec(space.shape, np.int32, 0, most, 'action')
    if isinstance(space, spaces.MultiBinary):
        return array_spec.BoundedArraySpec(space.shape, np.int32, 0, 1, 'action')
    if isinstance(space, spaces.Box):
        return array_spec.BoundedArraySpec(space.shape, np.float32, space.low, space.high, 'action')
    raise UsageError(f'TF-Agents has no actions of the kind {space}')


def _observation_spec(space: gymnasium.Space) -> array_spec.ArraySpec:
    """Only pictures have bounds: many environments of gymnasium do not keep theirs."""
    if not isinstance(space, spaces.Box):
        raise UsageError(f'an observation must be one array, not {space}')
    if space.dtype == np.uint8:
        return array_spec.BoundedArraySpec(space.shape, np.uint8, 0, 255, 'observation')
    return array_spec.ArraySpec(space.shape, np.float32, 'observation')
