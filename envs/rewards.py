"""Rewards of platform games, from the game's variables, frame by frame.

stable-retro has them as Lua scripts, whose memory is in no save state: after a restore they count
from another beginning. These are a few numbers that a snapshot holds.

All end an episode when a life is lost, in a bonus stage, and when the level's end is reached.
"""

import abc
import dataclasses
from collections.abc import Mapping

from envs.game import Snapshot
from envs.sonic_levels import Course

Variables = Mapping[str, float]

FRAME_LIMIT = 18_000  # 4,500 agent steps of 4 frames.


@dataclasses.dataclass
class _Position:
    """How far the player has come, with x as it was after the first frame of the episode."""

    frame: int = 0
    lives: float = 0.0
    offset: float = 0.0
    distance: float = 1.0  # From the start to the level's end.
    act: float = 0.0
    screen_x: float = 0.0
    x: float = 0.0  # Pixels since the start, within [0, distance]


class LevelReward(abc.ABC):
    """A reward that follows from where the player is; subclasses say what a frame is worth.

    Args:
        course: Of the game.
    """

    def __init__(self, course: Course) -> None:
        self._course, self._at, self._best = course, _Position(), 0.0

    def begin(self, variables: Variables) -> None:
        """Starts an episode, before its first frame."""
        self._at, self._best = _Position(lives=variables['lives']), 0.0

    def advance(self, before: Variables, now: Variables) -> tuple[float, bool]:
        """The reward of a frame, and whether it was the episode's last."""
        at, came_from = self._at, self._at.x
        self._follow(now)
        reward = self._worth(before, now, came_from)
        ended = now['lives'] < at.lives or at.x >= at.distance or self._is_away(now)
        at.lives = now['lives']
        return reward, ended

    @property
    def progress(self) -> float:
        """How much of the level lies behind the player, 0 to 1."""
        return self._at.x / self._at.distance

    @abc.abstractmethod
    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        """The reward of a frame that began `came_from` pixels after the start."""

    def _follow(self, now: Variables) -> None:
        at = self._at
        at.frame += 1
        if at.frame == 1:
            end = self._course.ends[int(now['zone']), int(now['act'])]
            at.offset, at.distance = -now['x'], end - now['x']
        elif now['act'] != at.act:  # Some levels change act half-way, and x with it.
            at.offset -= now['screen_x'] - at.screen_x
        at.act, at.screen_x = now['act'], now['screen_x']
        at.x = min(max(now['x'] + at.offset, 0.0), at.distance)

    def _is_away(self, now: Variables) -> bool:
        name, values = self._course.away, self._course.away_values
        return bool(name) and (now[name] in values if values else now[name] != 0)

    def state(self) -> Snapshot:
        """What `set_state` continues from."""
        return {**dataclasses.asdict(self._at), 'best': self._best}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        values = {name: value for name, value in state.items() if name != 'best'}
        self._at, self._best = _Position(**values), state['best']


class ContestReward(LevelReward):
    """The Retro Contest's: 9000 for the level, as it is walked, and up to 1000 for being quick.

        r = 9000 (p - p') + 1000 (1 - frame / 18000) [p = 1],    p = x / distance

    Going back costs what going there gave. Nichol et al. (2018), https://arxiv.org/abs/1804.03720.
    """

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        reward = 9000.0 * (self._at.x - came_from) / self._at.distance
        if self._at.x >= self._at.distance:
            reward += 1000.0 * (1.0 - min((self._at.frame - 1) / FRAME_LIMIT, 1.0))
        return reward


class ProgressReward(LevelReward):
    """Pixels beyond where the player has been in this episode: going back costs nothing."""

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        reward = max(self._at.x - self._best, 0.0)
        self._best += reward
        return reward


class ScoreReward(LevelReward):
    """The points that the frame added to the score on the screen."""

    def _worth(self, before: Variables, now: Variables, came_from: float) -> float:
        return self._course.points * (now['score'] - before['score'])


REWARDS: dict[str, type[LevelReward]] = {
    'contest': ContestReward,
    'progress': ProgressReward,
    'score': ScoreReward,
}
