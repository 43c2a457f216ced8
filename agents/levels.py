"""How good a policy is level by level: the protocol of the Retro Contest, which held levels out."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agents.evaluation import Episode


@dataclasses.dataclass(frozen=True)
class LevelResult:
    """The episodes of one level."""

    level: str
    num_episodes: int
    mean_score: float
    mean_progress: float | None  # The part of the level, 0 to 1; None if the game does not tell
    completion_rate: float | None  # Of the episodes that reached the level's end
    best_length: int | None  # Agent steps of the quickest of these


def by_level(episodes: Iterable['Episode']) -> list[LevelResult]:
    """A result per level, in the order of their names."""
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(episode.level, []).append(episode)
    return [_result(level, groups[level]) for level in sorted(groups)]


def _result(level: str, episodes: Sequence['Episode']) -> LevelResult:
    progress = [episode.progress for episode in episodes if episode.progress is not None]
    completed = [episode.length for episode in episodes if episode.completed]
    return LevelResult(
        level,
        len(episodes),
        float(np.mean([episode.score for episode in episodes])),
        float(np.mean(progress)) if progress else None,
        len(completed) / len(episodes) if progress else None,
        min(completed, default=None),
    )


def mean_over(results: Sequence[LevelResult], t_95: float) -> tuple[float, float]:
    """The mean of the levels' mean scores, and half of its 95 % confidence interval.

    Args:
        results: Of two levels or more.
        t_95: Quantile of Student's t distribution for one degree less than there are levels.
    """
    means = [result.mean_score for result in results]
    return float(np.mean(means)), t_95 * float(np.std(means, ddof=1) / np.sqrt(len(means)))
