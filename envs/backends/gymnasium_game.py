"""All other environments that gymnasium knows: control problems, toy text, MuJoCo and Box2D."""

import contextlib
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, load_env_creator, registry

from envs.backends import gymnasium_spaces, mujoco
from envs.backends.spec import GameSpec
from envs.errors import UsageError
from envs.game import Game, ReplayedGame, Transition

# Games of the other backends, whose packages register them on import, and environments in JAX.
_FOREIGN = ('ale_py', 'vizdoom', 'retro', 'gymnasium.envs.phys2d', 'gymnasium.envs.tabular')


def game_ids() -> tuple[str, ...]:
    """Returns the registered ids, without those of other backends and those that only raise."""
    return tuple(sorted(spec.id for spec in registry.values() if _is_ours(spec)))


def _is_ours(spec: EnvSpec) -> bool:
    # gymnasium registers withdrawn environments (Ant-v2) with a function of its own that raises.
    entry_point = spec.entry_point
    if not isinstance(entry_point, str):
        return getattr(entry_point, '__module__', '') != 'gymnasium.envs'
    module = entry_point.partition(':')[0]
    return not any(module == name or module.startswith(f'{name}.') for name in _FOREIGN)


def canonical_id(name: str) -> str | None:
    """Returns the name itself if it is one of `game_ids()`, otherwise None."""
    return name if name in game_ids() else None


def describe(game_id: str) -> GameSpec:
    """Describes an environment, which has no levels, and only its own actions and observations."""
    family = 'mujoco' if mujoco.is_robot(registry[game_id]) else 'classic_control'
    return GameSpec(backend='gymnasium', id=game_id, emulator='gymnasium', family=family)


def check(game_id: str) -> None:
    """Makes the environment once.

    Raises:
        UsageError: A package is missing, or the spaces of the environment are not supported.
    """
    GymnasiumGame(game_id).close()


def make(game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """Starts an environment, as a `GymnasiumGame`."""
    return GymnasiumGame(game_id, level, actions, **options)


class GymnasiumGame(ReplayedGame):
    """A gymnasium environment; an emulator frame is one of its steps, without its time limit.

    Observations are vectors, gray pictures, or a picture with a vector beside it: see
    `gymnasium_spaces`. Actions are the environment's own; real numbers beyond the bounds of their
    space are clipped to it.

    Snapshots are exact for environments that are a function of seed and actions, as gymnasium
    requires; this is tested for classic control and robots.
    """

    def __init__(self, game_id: str, level: str = '', actions: str = 'default') -> None:
        super().__init__()
        if level or actions != 'default':
            raise UsageError(f'{game_id} has no levels and no action sets')
        spec = registry.get(game_id)
        if spec is None:
            raise UsageError(f'gymnasium has no environment {game_id!r}')
        self._env = _make(spec)
        self._drawing = mujoco.drawing if mujoco.is_robot(spec) else _missing_package
        self._view = gymnasium_spaces.view(game_id, self._env.observation_space)
        self.observation_space = self._view.space
        self.variables_space, self.variable_names = self._view.vector_space, self._view.names
        self.action_space = _checked_actions(game_id, self._env.action_space)
        self._screen = self._vector = np.zeros(0, np.float32)
        self.render_mode = self._env.render_mode  # type: ignore[assignment]
        self.frame_rate = float(self._env.metadata.get('render_fps') or self.frame_rate)
        self.metadata = {'render_modes': ['rgb_array'], 'render_fps': self.frame_rate}
        self.max_episode_frames = spec.max_episode_steps or 0

    def _begin(self, seed: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
        observation, info = self._env.reset(seed=seed, options=options)
        self._look(observation)
        return info

    def _advance(self, action: Any) -> Transition:
        # An action must have the same type from the agent and from the log of a snapshot.
        if isinstance(self.action_space, spaces.Discrete):
            action = int(action)
        else:
            action = np.asarray(action, self.action_space.dtype)
        if isinstance(self.action_space, spaces.Box):  # A policy may sample beyond its bounds.
            action = np.clip(action, self.action_space.low, self.action_space.high)
        observation, reward, terminated, truncated, info = self._env.step(action)
        self._look(observation)
        return float(reward), bool(terminated), bool(truncated), info

    def _look(self, observation: Any) -> None:
        self._screen = self._view.see(observation)
        if self._view.see_vector is not None:
            self._vector = self._view.see_vector(observation)

    def screen(self) -> np.ndarray:
        """Returns the current vector or picture, a new array: `float32[D]` or `uint8[H, W]`."""
        return self._screen.copy()

    def variables(self) -> np.ndarray:
        """Returns the vector beside the picture, a new array: `float32[D]`, not compressed."""
        return self._vector.copy()

    def render(self) -> np.ndarray:
        """Returns the environment's own picture: `uint8[height, width, 3]`, RGB.

        Raises:
            UsageError: The environment draws none, or a package for drawing is missing.
        """
        if self.render_mode is None:
            raise UsageError(f'{_id(self._env)} has no pictures to show')
        with self._drawing(_id(self._env)):
            return np.array(self._env.render(), np.uint8, order='C')

    def close(self) -> None:
        """Frees the environment."""
        self._env.close()


def _make(spec: EnvSpec) -> gymnasium.Env[Any, Any]:
    if mujoco.is_robot(spec):
        mujoco.prepare(spec.id)
    # Given a spec instead of an id, gymnasium does not warn that there is a newer version.
    with _missing_package(spec.id):
        creator: Any = spec.entry_point
        if isinstance(creator, str):
            creator = load_env_creator(creator)
        metadata = getattr(creator, 'metadata', None)  # In the class of a wrapper it is a property.
        modes = metadata.get('render_modes', ()) if isinstance(metadata, dict) else ()
        kwargs: dict[str, Any] = {'render_mode': 'rgb_array'} if 'rgb_array' in modes else {}
        if mujoco.is_robot(spec):
            kwargs.update(mujoco.OPTIONS)
        return gymnasium.make(spec, max_episode_steps=-1, disable_env_checker=True, **kwargs)


@contextlib.contextmanager
def _missing_package(game_id: str) -> Iterator[None]:
    """Turns the errors of a package that is not installed into a `UsageError`."""
    try:
        yield
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise UsageError(f'{game_id}: {" ".join(str(error).split())}') from error


def _id(env: gymnasium.Env[Any, Any]) -> str:
    return env.spec.id if env.spec else str(env)


def _checked_actions(game_id: str, space: spaces.Space[Any]) -> spaces.Space[Any]:
    counted = isinstance(space, spaces.Discrete | spaces.MultiDiscrete)
    known = counted or isinstance(space, spaces.MultiBinary | spaces.Box)
    if not known or (counted and np.any(space.start)):  # type: ignore[attr-defined]
        raise UsageError(f'{game_id}: actions of the kind {space} are not supported')
    return space
