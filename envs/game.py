"""What every backend offers: a game that advances one emulator frame at a time.

A picture costs more than a frame of some emulators, and most frames of an action repeat are never
looked at. So a game separates `advance` (one frame, no picture) from `screen` (the agent's picture
of the present frame); `step` is both, as gymnasium asks.
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
    """Whatever plays single emulator frames: a game, or a wrapper below the action repeat."""

    def advance(self, action: Any) -> Transition:
        """One emulator frame."""


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
        frame_rate: Emulator frames per second of the real machine, for films.
        max_episode_frames: The game's own time limit in emulator frames; 0 if it has none. The
            game never truncates by itself: `wrappers.TimeLimit` does.
        name: What the user called the game, for messages.
        level: Name of the retro state or of the map; '' if the game has no levels.
        action_names: What the actions do, for people; empty for plain gymnasium environments.
        noop_action: An action that presses nothing, or None if there is none.
        variable_names: Of the numbers that the agent sees beside the picture; most often none.
        variables_space: Of these numbers, or None.
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

        `info['lives']` is there where the game tells the number of lives.
        """

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Up to `num_frames` frames of one action, of which only the last can be looked at.

        Backends that save work between two pictures override it.

        Returns:
            The transition, with the sum of the rewards, and the number of frames until the end.
        """
        return advance_many(self, action, num_frames)

    @abc.abstractmethod
    def screen(self) -> np.ndarray:
        """The agent's picture of the present frame, a new array: `uint8[H, W]`, or a vector."""

    def watch(self, names: Sequence[str]) -> None:
        """Lets the agent see these game variables; to be called before the first reset."""
        self.variable_names, self.variables_space = tuple(names), variables.space(len(names))

    def variables(self) -> np.ndarray:
        """What the agent sees beside the present picture, a new array: `float32[D]`."""
        return variables.compress(self.watched())

    def watched(self) -> Sequence[float]:
        """The numbers of the variables that are watched, as they are in the game."""
        return []

    @abc.abstractmethod
    def render(self) -> np.ndarray:
        """The picture that a player sees: `uint8[height, width, 3]`, RGB."""

    @abc.abstractmethod
    def snapshot(self) -> Snapshot:
        """The whole state, so that `restore` continues exactly, in another process too."""

    @abc.abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of the same game."""

    def __str__(self) -> str:
        """The game's name."""
        return self.name or type(self).__name__

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Plays one emulator frame; the five-tuple of gymnasium."""
        reward, terminated, truncated, info = self.advance(action)
        return self.screen(), reward, terminated, truncated, info


class ReplayedGame(Game):
    """A game whose snapshot is the seed of its episode and the actions since: replay restores it.

    Exact wherever an episode is a function of its seed and its actions, and as slow as the replay.
    Subclasses implement `_begin(seed)`, which starts the episode of a seed, and `_advance`.
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
        """One emulator frame."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; its seed is the next draw of the generator that `seed` starts."""
        super().reset(seed=seed)
        self._episode_seed = int(self.np_random.integers(2**31))
        self._options, self._actions = options, []
        info = self._begin(self._episode_seed, options)
        return self.screen(), info

    def advance(self, action: Any) -> Transition:
        """One emulator frame, noted in the action log."""
        self._actions.append(np.array(action))
        return self._advance(action)

    def snapshot(self) -> Snapshot:
        """The episode's seed, its actions so far, and the generator of the next seeds."""
        return {
            'episode_seed': self._episode_seed,
            'options': self._options,
            'actions': np.array(self._actions),
            'rng': rng_state(self.np_random),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Plays the episode again up to the snapshot."""
        self.np_random = rng_from_state(snapshot['rng'])
        self._episode_seed = int(snapshot['episode_seed'])
        self._actions = list(snapshot['actions'])
        self._options = snapshot['options']
        self._begin(self._episode_seed, self._options)
        for action in self._actions:
            self._advance(action)


def rng_state(rng: np.random.Generator) -> Snapshot:
    """The state of a NumPy generator as plain numbers (some have 128 bits)."""
    return dict(rng.bit_generator.state)


def rng_from_state(state: Snapshot) -> np.random.Generator:
    """A generator that continues from `rng_state`."""
    bit_generator = np.random.PCG64()
    bit_generator.state = state  # type: ignore[assignment]
    return np.random.Generator(bit_generator)
