"""Base classes of wrappers: what every wrapper, and every one below the action repeat, can do."""

from typing import Any

import gymnasium
import numpy as np

from envs.game import Game, Snapshot, Transition, advance_many, rng_from_state, rng_state

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class Wrapper(gymnasium.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """A wrapper whose snapshot is its own state beside the snapshot of what it wraps."""

    env: Any

    def _state(self) -> Snapshot:
        """What this wrapper remembers between steps."""
        return {}

    def _set_state(self, state: Snapshot) -> None:
        """Takes over what `_state` returned."""

    def snapshot(self) -> Snapshot:
        """The whole state from here down."""
        return {**self._state(), 'env': self.env.snapshot()}

    def restore(self, snapshot: Snapshot) -> None:
        """Continues exactly from a snapshot of an equal stack of wrappers."""
        self.env.restore(snapshot['env'])
        self._set_state(snapshot)


class FrameWrapper(Wrapper):
    """A wrapper below the action repeat: it sees every emulator frame."""

    @property
    def game(self) -> Game:
        """The game at the bottom."""
        return self.unwrapped  # type: ignore[return-value]

    def advance(self, action: Any) -> Transition:
        """One emulator frame without a picture."""
        return self.env.advance(action)

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Up to `num_frames` frames of one action, of which only the last can be looked at."""
        return advance_many(self, action, num_frames)

    def screen(self) -> np.ndarray:
        """The agent's picture of the present frame."""
        return self.env.screen()

    def step(self, action: Any) -> Step:
        """One emulator frame with its picture."""
        reward, terminated, truncated, info = self.advance(action)
        return self.screen(), reward, terminated, truncated, info


class RandomFrameWrapper(FrameWrapper):
    """A frame wrapper with a random generator of its own, started by `reset(seed=...)`.

    Attributes:
        stream: Name of the stream of random numbers, which keeps those of two wrappers apart. It
            is not to be changed: saved runs and published scores depend on it.
    """

    stream: str

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._rng = np.random.default_rng()

    def _start(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        seed = kwargs.get('seed')
        if seed is not None:
            self._rng = np.random.default_rng([seed, *self.stream.encode()])
        return self.env.reset(**kwargs)

    def _state(self) -> Snapshot:
        return {'rng': rng_state(self._rng)}

    def _set_state(self, state: Snapshot) -> None:
        self._rng = rng_from_state(state['rng'])
