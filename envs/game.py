"""Interface of a running game, which advances one emulator frame at a time.

In some emulators a picture costs more than a frame, and most frames of an action repeat are never
looked at. So a game separates `advance` (one frame, no picture) from `screen` (the agent's picture
of the current frame); `step` does both, as gymnasium requires.
"""

import abc
from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np

from envs import variables

Snapshot = dict[str, Any]  # Plain arrays, numbers, strings, and lists and dicts of them.
Transition = tuple[float, bool, bool, dict[str, Any]]  # reward, terminated, truncated, info


class Frames(Protocol):
    """Anything that plays single emulator frames: a game, or a wrapper below the action repeat."""

    def advance(self, action: Any) -> Transition:
        """Plays one emulator frame."""


def advance_many(frames: Frames, action: Any, num_frames: int) -> tuple[Transition, int]:
    """Plays up to `num_frames` frames of one action, one by one.

    Returns:
        The transition over all of them, with the sum of the rewards and the last info, and the
        number of frames until the end.
    """
    total_reward, played, ended = 0.0, 0, False
    while played < num_frames and not ended:
        reward, terminated, truncated, info = frames.advance(action)
        total_reward += reward
        played += 1
        ended = terminated or truncated
    return (total_reward, terminated, truncated, info), played


class Game(gymnasium.Env[np.ndarray, Any], abc.ABC):
    """One game of one backend; observations are the agent's picture, `uint8[H, W]`, or a vector.

    Attributes:
        frame_rate: Emulator frames per second on the real machine, for films.
        max_episode_frames: The game's own time limit in emulator frames; 0 if it has none. The
            game never truncates an episode itself: `wrappers.frames.TimeLimit` does.
        name: Id of the game, for messages.
        level: Name of the retro state; '' if the game has no levels.
        action_names: Names of the actions, for people; empty for plain gymnasium environments.
        noop_action: An action that presses nothing, or None if there is none.
        variable_names: Names of the numbers that the agent sees beside the picture; usually none.
        variables_space: Space of these numbers, or None.
    """

    metadata = {'render_modes': ['rgb_array'], 'render_fps': 60}
    render_mode = 'rgb_array'
    frame_rate: float = 60.0
    max_episode_frames: int = 0
    name: str = ''
    level: str = ''
    action_names: tuple[str, ...] = ()
    noop_action: Any = None
    variable_names: tuple[str, ...] = ()
    variables_space: gymnasium.spaces.Box | None = None

    @abc.abstractmethod
    def advance(self, action: Any) -> Transition:
        """Plays one emulator frame: raw reward, terminated, truncated, info; no picture.

        `info['lives']` is present if the game reports the number of lives.
        """

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Plays up to `num_frames` frames of one action; only the last one can be looked at.

        Backends that can save work between two pictures override it.

        Returns:
            The transition, with the sum of the rewards, and the number of frames until the end.
        """
        return advance_many(self, action, num_frames)

    @abc.abstractmethod
    def screen(self) -> np.ndarray:
        """Returns the agent's picture of the current frame, a new `uint8[H, W]` or vector."""

    def watch(self, names: Sequence[str]) -> None:
        """Shows these game variables to the agent; to be called before the first reset."""
        self.variable_names, self.variables_space = tuple(names), variables.space(len(names))

    def variables(self) -> np.ndarray:
        """Returns the numbers beside the current picture, a new array: `float32[D]`."""
        return variables.compress(self.watched())

    def watched(self) -> Sequence[float]:
        """Returns the values of the watched variables, as they are in the game."""
        return []

    @abc.abstractmethod
    def render(self) -> np.ndarray:
        """Returns the picture that a player sees: `uint8[height, width, 3]`, RGB."""

    @abc.abstractmethod
    def snapshot(self) -> Snapshot:
        """Returns the whole state, from which `restore` continues exactly, in any process."""

    @abc.abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of the same game."""

    def __str__(self) -> str:
        """The game's name."""
        return self.name or type(self).__name__

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Plays one emulator frame; returns the five-tuple of gymnasium."""
        reward, terminated, truncated, info = self.advance(action)
        return self.screen(), reward, terminated, truncated, info


class ReplayedGame(Game):
    """A game whose snapshot is the seed of its episode and the actions since, to be replayed.

    This is exact wherever an episode is a function of its seed and its actions, and as slow as the
    replay. Subclasses implement `_begin`, which starts the episode of a seed, and `_advance`.
    """

    def __init__(self) -> None:
        self._episode_seed = 0
        self._options: dict[str, Any] | None = None
        self._actions: list[Any] = []

    @abc.abstractmethod
    def _begin(self, seed: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """Starts the episode of this seed; returns its info."""

    @abc.abstractmethod
    def _advance(self, action: Any) -> Transition:
        """Plays one emulator frame."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode, whose seed is drawn from the generator that `seed` initializes."""
        super().reset(seed=seed)
        self._episode_seed = int(self.np_random.integers(2**31))
        self._options, self._actions = options, []
        info = self._begin(self._episode_seed, options)
        return self.screen(), info

    def advance(self, action: Any) -> Transition:
        """Plays one emulator frame and records the action."""
        self._actions.append(np.array(action))
        return self._advance(action)

    def snapshot(self) -> Snapshot:
        """Returns the episode's seed, its actions so far, and the state of the seed generator."""
        return {
            'episode_seed': self._episode_seed,
            'options': self._options,
            'actions': np.array(self._actions),
            'rng': rng_state(self.np_random),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Replays the episode up to the snapshot."""
        self.np_random = rng_from_state(snapshot['rng'])
        self._episode_seed = int(snapshot['episode_seed'])
        self._actions = list(snapshot['actions'])
        self._options = snapshot['options']
        self._begin(self._episode_seed, self._options)
        for action in self._actions:
            self._advance(action)


def rng_state(rng: np.random.Generator) -> Snapshot:
    """Returns the state of a NumPy generator as plain numbers, some of which have 128 bits."""
    return dict(rng.bit_generator.state)


def rng_from_state(state: Snapshot) -> np.random.Generator:
    """Makes a generator that continues from the result of `rng_state`."""
    bit_generator = np.random.PCG64()
    bit_generator.state = state  # type: ignore[assignment]
    return np.random.Generator(bit_generator)
