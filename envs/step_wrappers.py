"""Wrappers over agent steps: statistics, rewards, episodes and pictures as the agent sees them."""

from collections import deque
from typing import Any

import cv2
import gymnasium
import numpy as np

from envs.errors import UsageError
from envs.game import Snapshot
from envs.wrappers import Step, Wrapper


class EpisodeStatistics(Wrapper):
    """Tells an episode's raw score and length at its end, in `info['episode']`.

    It lies below everything that changes rewards or ends episodes early for the agent's sake, so
    `score` is the raw reward: the game's own, or that of `rewards`. `RewardTransform` adds
    `return`, what the agent was trained on.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._score, self._length, self._frames = 0.0, 0, 0

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        self._score, self._length, self._frames = 0.0, 0, 0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Step:
        """An agent step; `info['episode']` when it was the last."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._score += reward
        self._length += 1
        self._frames += info['frames']
        if terminated or truncated:
            info['episode'] = {
                'score': self._score,
                'length': self._length,
                'frames': self._frames,
                'level': self.unwrapped.level,  # type: ignore[attr-defined]
                'terminated': terminated,
                'truncated': truncated,
            }
            if 'progress' in info:  # Told by `rewards.LevelReward`.
                progress = info['progress']
                info['episode'].update(progress=progress, completed=progress >= 1.0)
        return observation, reward, terminated, truncated, info

    def _state(self) -> Snapshot:
        return {'score': self._score, 'length': self._length, 'frames': self._frames}

    def _set_state(self, state: Snapshot) -> None:
        self._score, self._length = float(state['score']), int(state['length'])
        self._frames = int(state['frames'])


class RewardTransform(Wrapper):
    """The reward the agent is trained on: scaled, then perhaps its sign or clipped to [-1, 1]."""

    def __init__(self, env: gymnasium.Env[Any, Any], scale: float, transform: str) -> None:
        super().__init__(env)
        self._scale, self._return = scale, 0.0
        self._transform = {
            'none': lambda reward: reward,
            'sign': lambda reward: float(np.sign(reward)),
            'clip': lambda reward: min(max(reward, -1.0), 1.0),
        }[transform]

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        self._return = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Step:
        """An agent step with the reward for the agent."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        reward = self._transform(reward * self._scale)
        self._return += reward
        if 'episode' in info:
            info['episode']['return'] = self._return
        return observation, reward, terminated, truncated, info

    def _state(self) -> Snapshot:
        return {'return': self._return}

    def _set_state(self, state: Snapshot) -> None:
        self._return = float(state['return'])


class LifeLossEndsEpisode(Wrapper):
    """A lost life terminates the episode for the agent, while the game goes on.

    Mnih et al. (2015). The reset after it goes on in the running game, so that every part of the
    game is still reached: the new episode begins with the picture that the old one ended with. No
    step is played between them, so no reward and no end of the game is lost.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._lives = 0
        self._last_picture: np.ndarray | None = None  # Of a life that was lost.

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Goes on after a lost life; starts the game again otherwise, or if a seed is given."""
        picture, self._last_picture = self._last_picture, None
        if picture is not None and kwargs.get('seed') is None:
            return picture, {'lives': self._lives}
        observation, info = self.env.reset(**kwargs)
        if 'lives' not in info:
            raise UsageError('--life_loss_ends_episode: this game does not tell its lives')
        self._lives = int(info['lives'])
        return observation, info

    def step(self, action: Any) -> Step:
        """An agent step that also ends with a life."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        lives = int(info['lives'])
        lost, self._lives = 0 < lives < self._lives, lives
        game_over = terminated or truncated
        self._last_picture = observation if lost and not game_over else None
        return observation, reward, terminated or lost, truncated and not lost, info

    def _state(self) -> Snapshot:
        return {'lives': self._lives, 'last_picture': self._last_picture}

    def _set_state(self, state: Snapshot) -> None:
        self._lives, self._last_picture = int(state['lives']), state['last_picture']


class FireOnReset(Wrapper):
    """Presses FIRE after every reset, for Atari games that wait for it (Breakout)."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        names = env.unwrapped.action_names  # type: ignore[attr-defined]
        if 'FIRE' not in names:
            raise UsageError(f'--fire_on_reset: no FIRE among the actions {", ".join(names)}')
        self._fire = names.index('FIRE')

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode and the ball."""
        self.env.reset(**kwargs)
        observation, _, terminated, truncated, info = self.env.step(self._fire)
        if terminated or truncated:
            return self.env.reset()
        return observation, info


class Resize(Wrapper):
    """The picture as a square, averaged over areas: `uint8[H, W]` to `uint8[size, size]`.

    Args:
        env: Shows pictures.
        size: Height and width, pixels.
        crop: Pixels to cut off first, `(top, bottom, left, right)`; none if empty.

    Raises:
        UsageError: Nothing would be left of the picture.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], size: int, crop: tuple[int, ...] = ()) -> None:
        super().__init__(env)
        height, width = env.observation_space.shape or (0, 0)
        top, bottom, left, right = crop or (0, 0, 0, 0)
        if top + bottom >= height or left + right >= width:
            raise UsageError(f'--crop leaves nothing of a picture of {height} x {width} pixels')
        self._window = slice(top, -bottom or None), slice(left, -right or None)
        self._size = (size, size)
        self.observation_space = gymnasium.spaces.Box(0, 255, self._size, np.uint8)

    def _resize(self, picture: np.ndarray) -> np.ndarray:
        return cv2.resize(picture[self._window], self._size, interpolation=cv2.INTER_AREA)

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        picture, info = self.env.reset(**kwargs)
        return self._resize(picture), info

    def step(self, action: Any) -> Step:
        """An agent step."""
        picture, reward, terminated, truncated, info = self.env.step(action)
        return self._resize(picture), reward, terminated, truncated, info


class ShowVariables(Wrapper):
    """Shows the game's variables beside the picture: a dict of `screen` and `variables`.

    A picture of Doom without the status bar tells neither health nor ammunition. The variables are
    those of the picture's moment, so only the last of a stack has its own.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._game = self.env.unwrapped
        spaces: dict[str, Any] = {
            'screen': env.observation_space,
            'variables': self._game.variables_space,
        }
        self.observation_space = gymnasium.spaces.Dict(spaces)  # type: ignore[assignment]

    def _both(self, screen: np.ndarray) -> dict[str, np.ndarray]:
        return {'screen': screen, 'variables': self._game.variables()}

    def reset(self, **kwargs: Any) -> Any:
        """Starts an episode."""
        screen, info = self.env.reset(**kwargs)
        return self._both(screen), info

    def step(self, action: Any) -> Any:
        """An agent step."""
        screen, *answer = self.env.step(action)
        return self._both(screen), *answer


class FrameStack(Wrapper):
    """The last pictures as channels, newest last: `uint8[H, W]` to `uint8[H, W, depth]`.

    One picture shows no motion. A new episode begins with its first picture repeated.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], depth: int) -> None:
        super().__init__(env)
        shape = (*(env.observation_space.shape or ()), depth)
        self._pictures: deque[np.ndarray] = deque([np.zeros(shape[:-1], np.uint8)] * depth, depth)
        self.observation_space = gymnasium.spaces.Box(0, 255, shape, np.uint8)

    def _stack(self) -> np.ndarray:
        # Fifteen times faster than moving the channels of an array by one.
        stack = cv2.merge(tuple(self._pictures))
        return stack.reshape(self.observation_space.shape)  # merge() drops a single channel.

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        picture, info = self.env.reset(**kwargs)
        self._pictures.extend([picture] * len(self._pictures))
        return self._stack(), info

    def step(self, action: Any) -> Step:
        """An agent step."""
        picture, reward, terminated, truncated, info = self.env.step(action)
        self._pictures.append(picture)
        return self._stack(), reward, terminated, truncated, info

    def _state(self) -> Snapshot:
        return {'stack': self._stack()}

    def _set_state(self, state: Snapshot) -> None:
        self._pictures.extend(np.moveaxis(np.asarray(state['stack'], np.uint8), -1, 0).copy())
