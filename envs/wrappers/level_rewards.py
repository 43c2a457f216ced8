"""Rewards of platform games with levels, computed from the game's variables at every frame.

In stable-retro these are Lua scripts, whose memory is not part of a save state, so that after a
restore they count from a different start. Here they need a few numbers, which a snapshot holds.

They replace the game's own reward and end: an episode ends when a life is lost, in a bonus stage,
and at the end of the level.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envs.courses import FRAME_LIMIT, Course
from envs.game import Snapshot, Transition
from envs.wrappers.base import FrameWrapper

Variables = Mapping[str, float]


class LevelCycle(FrameWrapper):
    """Plays another level after every reset; a reset with a seed starts again with the first.

    Args:
        game: A game whose `set_level` chooses the level of the next episode.
        levels: Names of the levels.
        first: Number of the first level.
        stride: Number of levels by which each episode is ahead of the previous one.
    """

    def __init__(self, game: Any, levels: Sequence[str], first: int, stride: int) -> None:
        super().__init__(game)
        self._levels, self._first, self._stride = levels, first, stride
        self._next, self._playing = first, -1  # -1: no level has been begun.

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode in the next level."""
        if kwargs.get('seed') is not None:
            self._next = self._first
        self._playing = self._next % len(self._levels)
        self._next += self._stride
        self.env.set_level(self._levels[self._playing])
        return self.env.reset(**kwargs)

    def _state(self) -> Snapshot:
        return {'next': self._next, 'playing': self._playing}

    def _set_state(self, state: Snapshot) -> None:
        self._next, self._playing = int(state['next']), int(state['playing'])
        if self._playing >= 0:
            self.env.set_level(self._levels[self._playing])


class LevelReward(FrameWrapper, abc.ABC):
    """Base class of the rewards for a frame.

    It adds `info['progress']`, the fraction of the level that the player has covered, 0 to 1.
    Positions are in pixels, relative to the player's position at the start of the episode.

    Args:
        game: A game or a frame wrapper, whose info holds the game's variables.
        course: Facts about the game's levels.
    """

    def __init__(self, game: Any, course: Course) -> None:
        super().__init__(game)
        self._course = course
        self._before: Variables = {}
        self._frame = 0  # Frames of the episode so far
        self._offset = 0.0  # Added to the game's x, it gives ours.
        self._x, self._best_x, self._distance = (
            0.0,
            0.0,
            1.0,
        )  # Our x, its largest value, and the end.

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode."""
        observation, info = self.env.reset(**kwargs)
        self._before, self._frame = dict(info), 0
        end = self._course.ends[int(info['zone']), int(info['act'])]
        self._offset, self._distance = -info['x'], end - info['x']
        self._x = self._best_x = 0.0
        return observation, {**info, 'progress': 0.0}

    def advance(self, action: Any) -> Transition:
        """Plays one frame; the reward and the end are those of this class."""
        _, _, truncated, now = self.env.advance(action)
        before, self._before = self._before, now
        came_from = self._x
        self._follow(before, now)
        reward = self._worth(before, now, came_from)
        self._best_x = max(self._best_x, self._x)
        lost_a_life = now['lives'] < before['lives']
        ended = lost_a_life or self._is_at_the_end() or self._is_in_bonus_stage(now)
        return reward, ended, truncated, {**now, 'progress': self._x / self._distance}

    @abc.abstractmethod
    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        """Returns the reward for the last frame, which led from `came_from` to `self._x`."""

    def _follow(self, before: Variables, now: Variables) -> None:
        self._frame += 1
        if now['act'] != before['act']:  # Some levels change act half-way, and x jumps.
            self._offset -= now['screen_x'] - before['screen_x']
        self._x = min(max(now['x'] + self._offset, 0.0), self._distance)

    def _is_at_the_end(self) -> bool:
        return self._x >= self._distance

    def _is_in_bonus_stage(self, now: Variables) -> bool:
        name, values = self._course.bonus_stage_variable, self._course.bonus_stage_values
        return bool(name) and (now[name] in values if values else now[name] != 0)

    def _state(self) -> Snapshot:
        return {
            'before': dict(self._before),
            'frame': self._frame,
            'offset': self._offset,
            'x': self._x,
            'best_x': self._best_x,
            'distance': self._distance,
        }

    def _set_state(self, state: Snapshot) -> None:
        self._before, self._frame = dict(state['before']), int(state['frame'])
        self._offset, self._distance = float(state['offset']), float(state['distance'])
        self._x, self._best_x = float(state['x']), float(state['best_x'])


class ContestReward(LevelReward):
    """Reward of the Retro Contest: 9000 for covering the level, up to 1000 for doing so quickly.

        r = 9000 (p - p') + 1000 (1 - frame / 18000) [p = 1],    p = x / distance

    Here p' is p of the previous frame, so going back costs as much as going there earned. Nichol et
    al. (2018), https://arxiv.org/abs/1804.03720.
    """

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        reward = 9000.0 * (self._x - came_from) / self._distance
        if self._is_at_the_end():
            reward += 1000.0 * (1.0 - min(self._frame / FRAME_LIMIT, 1.0))
        return reward


class ProgressReward(LevelReward):
    """Reward of one per pixel beyond the farthest point of the episode; going back costs nothing.

    Tutorials call this "allow backtracking".
    """

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        return max(self._x - self._best_x, 0.0)


class ScoreReward(LevelReward):
    """Reward of the points by which the score on the screen grew in this frame."""

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        return self._course.points * (now['score'] - before['score'])


REWARDS: dict[str, type[LevelReward]] = {
    'contest': ContestReward,
    'progress': ProgressReward,
    'score': ScoreReward,
}
