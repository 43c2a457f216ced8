"""Wrappers for single emulator frames, between two decisions of the agent.

A frame wrapper passes on single frames (`advance`, `screen`), and `ActionRepeat` turns frames into
agent steps. The wrappers above it are in `steps` and `pictures`. Every wrapper has snapshots.
"""

from typing import Any

import gymnasium
import numpy as np

from envs.game import Snapshot, Transition
from envs.wrappers.base import FrameWrapper, RandomFrameWrapper, Step, Wrapper


class TimeLimit(FrameWrapper):
    """Truncates an episode after a number of emulator frames, so that no episode runs for ever.

    Games never truncate episodes themselves, so a time limit always arrives as `truncated` and with
    a picture to bootstrap from. Frames without action at the start (`NoopStart`) count. As in
    gymnasium's TimeLimit, a step is one of the wrapped environment: here, one emulator frame.

    Args:
        env: A game, or a frame wrapper.
        max_frames: Number of frames after which an episode is truncated; 0: never.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], max_frames: int) -> None:
        super().__init__(env)
        self._max_frames, self._frames = max_frames, 0

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        self._frames = 0
        return self.env.reset(**kwargs)

    def advance(self, action: Any) -> Transition:
        """Plays one frame; `truncated` if it was the last one allowed and the game did not end."""
        return self._limited(self.env.advance(action), 1)

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Plays frames of one action, but no more than are left."""
        if self._max_frames:
            num_frames = min(num_frames, max(self._max_frames - self._frames, 1))
        transition, played = self.env.advance_many(action, num_frames)
        return self._limited(transition, played), played

    def _limited(self, transition: Transition, played: int) -> Transition:
        reward, terminated, truncated, info = transition
        self._frames += played
        truncated = truncated or 0 < self._max_frames <= self._frames
        return reward, terminated, truncated and not terminated, info

    def _state(self) -> Snapshot:
        return {'frames': self._frames}

    def _set_state(self, state: Snapshot) -> None:
        self._frames = int(state['frames'])


class StickyActions(RandomFrameWrapper):
    """Repeats the action of the previous frame, at every frame, with some probability.

    Machado et al. (2018), section 5.2, https://arxiv.org/abs/1709.06009, introduced this against
    agents that learn a sequence of buttons by heart. All backends use this wrapper, because no
    emulator's own sticky actions survive a snapshot.
    """

    stream = 'StickyActions'

    def __init__(self, env: gymnasium.Env[Any, Any], probability: float) -> None:
        super().__init__(env)
        self._probability = probability
        self._previous: Any = None

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; its first action is never replaced."""
        self._previous = None
        return self._start(**kwargs)

    def advance(self, action: Any) -> Transition:
        """Plays one frame with this action or the previous one."""
        if self._previous is not None and self._rng.random() < self._probability:
            action = self._previous
        self._previous = action
        return self.env.advance(action)

    def _state(self) -> Snapshot:
        previous = None if self._previous is None else np.array(self._previous)
        return {**super()._state(), 'previous': previous}

    def _set_state(self, state: Snapshot) -> None:
        super()._set_state(state)
        self._previous = state['previous']


class NoopStart(RandomFrameWrapper):
    """Begins an episode with 1 to `noop_max` emulator frames without action.

    A deterministic emulator starts every episode alike; this varies the start, as in Mnih et al.
    (2015).
    """

    stream = 'NoopStart'

    def __init__(self, env: gymnasium.Env[Any, Any], noop_max: int) -> None:
        super().__init__(env)
        self._noop_max = noop_max

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode and lets it run for a few frames."""
        _, info = self._start(**kwargs)
        for _ in range(int(self._rng.integers(1, self._noop_max + 1))):
            _, terminated, truncated, info = self.env.advance(self.game.noop_action)
            if terminated or truncated:
                return self.env.reset()
        return self.screen(), info

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Plays frames of one action in the way that is cheapest for the game."""
        return self.env.advance_many(action, num_frames)


class ActionRepeat(Wrapper):
    """Turns emulator frames into agent steps: an action for `repeat` frames, rewards summed.

    The picture is the pixelwise maximum of the last two frames of the step, since some consoles
    draw their objects only in every other frame (Mnih et al., 2015); without `max_pool` it is the
    last frame. Only these frames are drawn. An episode that ends inside the repeat shows only the
    frame with which it ended, never one of the step before: a truncated episode bootstraps from it.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], repeat: int, max_pool: bool) -> None:
        super().__init__(env)
        self._repeat, self._max_pool = repeat, max_pool and repeat > 1

    def step(self, action: Any) -> Step:
        """Plays up to `repeat` frames."""
        first = self._repeat - 1 if self._max_pool else self._repeat
        (reward, terminated, truncated, info), frames = self.env.advance_many(action, first)
        second_last = None
        if self._max_pool and not (terminated or truncated):
            second_last = self.env.screen()
            last_reward, terminated, truncated, info = self.env.advance(action)
            reward, frames = reward + last_reward, frames + 1
        info['frames'] = frames
        picture = self.env.screen()
        if second_last is not None and second_last.shape == picture.shape:
            np.maximum(picture, second_last, out=picture)
        return picture, reward, terminated, truncated, info
