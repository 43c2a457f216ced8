"""Wrappers for agent steps: statistics, rewards, lives and the first button."""

from typing import Any

import gymnasium
import numpy as np

from envs.errors import UsageError
from envs.game import Snapshot
from envs.wrappers.base import Step, Wrapper


class RecordEpisodeStatistics(Wrapper):
    """Reports the raw score and the length of an episode at its end, in `info['episode']`.

    It lies below all wrappers that change rewards or end episodes early for the agent's sake, so
    `score` is the raw reward: the game's own, or one of `level_rewards`. `RewardTransform` adds
    `return`, the sum of the rewards that the agent was trained on.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._score, self._length, self._frames = 0.0, 0, 0

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        self._score, self._length, self._frames = 0.0, 0, 0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Step:
        """Plays one agent step; adds `info['episode']` if it was the last."""
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
            if 'progress' in info:  # Reported by `level_rewards.LevelReward`.
                progress = info['progress']
                info['episode'].update(progress=progress, completed=progress >= 1.0)
        return observation, reward, terminated, truncated, info

    def _state(self) -> Snapshot:
        return {'score': self._score, 'length': self._length, 'frames': self._frames}

    def _set_state(self, state: Snapshot) -> None:
        self._score, self._length = float(state['score']), int(state['length'])
        self._frames = int(state['frames'])


class RewardTransform(Wrapper):
    """Turns the raw reward into the one for training: scaled, then its sign or clipped to [-1, 1].

    Args:
        env: An environment with raw rewards.
        scale: Factor by which the reward is multiplied.
        transform: `none`, `sign` or `clip`.
    """

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
        """Plays one agent step; the reward is the transformed one."""
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
    """Terminates the episode for the agent when a life is lost, while the game goes on.

    Mnih et al. (2015) introduced this. The next reset continues in the running game, so that all
    parts of the game are still reached: the new episode begins with the picture with which the old
    one ended. No step is played in between, so no reward and no end of the game is lost.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._lives = 0
        self._last_picture: np.ndarray | None = None  # The last one of a life that was lost.

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Continues after a lost life; otherwise, or if a seed is given, restarts the game."""
        picture, self._last_picture = self._last_picture, None
        if picture is not None and kwargs.get('seed') is None:
            return picture, {'lives': self._lives}
        observation, info = self.env.reset(**kwargs)
        if 'lives' not in info:
            raise UsageError('--life_loss_ends_episode: this game does not report its lives')
        self._lives = int(info['lives'])
        return observation, info

    def step(self, action: Any) -> Step:
        """Plays one agent step, which is terminal if a life is lost."""
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
    """Presses FIRE after every reset, for Atari games that wait for it, such as Breakout."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        names = env.unwrapped.action_names  # type: ignore[attr-defined]
        if 'FIRE' not in names:
            raise UsageError(f'--fire_on_reset: no FIRE among the actions {", ".join(names)}')
        self._fire = names.index('FIRE')

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode and presses FIRE."""
        self.env.reset(**kwargs)
        observation, _, terminated, truncated, info = self.env.step(self._fire)
        if terminated or truncated:
            return self.env.reset()
        return observation, info
