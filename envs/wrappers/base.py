"""Base classes of all wrappers, and of those below the action repeat."""

from typing import Any

import gymnasium
import numpy as np

from envs.game import Game, Snapshot, Transition, advance_many, rng_from_state, rng_state

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class Wrapper(gymnasium.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """A wrapper whose snapshot is its own state plus the snapshot of the wrapped environment."""

    env: Any

    def _state(self) -> Snapshot:
        """Returns the state that this wrapper keeps between steps."""
        return {}

    def _set_state(self, state: Snapshot) -> None:
        """Takes over the state that `_state` returned."""

    def snapshot(self) -> Snapshot:
        """Returns the state of this wrapper and of everything below it."""
        return {**self._state(), 'env': self.env.snapshot()}

    def restore(self, snapshot: Snapshot) -> None:
        """Continues exactly from a snapshot of an identical stack of wrappers."""
        self.env.restore(snapshot['env'])
        self._set_state(snapshot)


class FrameWrapper(Wrapper):
    """A wrapper below the action repeat: it sees every emulator frame."""

    @property
    def game(self) -> Game:
        """Game at the bottom of the stack."""
        return self.unwrapped  # type: ignore[return-value]

    def advance(self, action: Any) -> Transition:
        """Plays one emulator frame without drawing a picture."""
        return self.env.advance(action)

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Plays up to `num_frames` frames of one action; only the last one can be looked at."""
        return advance_many(self, action, num_frames)

    def screen(self) -> np.ndarray:
        """Returns the agent's picture of the current frame."""
        return self.env.screen()

    def step(self, action: Any) -> Step:
        """Plays one emulator frame; the observation is its picture."""
        reward, terminated, truncated, info = self.advance(action)
        return self.screen(), reward, terminated, truncated, info


class RandomFrameWrapper(FrameWrapper):
    """A frame wrapper with a random generator of its own, seeded by `reset(seed=...)`.

    Attributes:
        stream: Name of the stream of random numbers, which gives each wrapper different ones. It
            must not be changed: saved runs and published scores depend on it.
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
