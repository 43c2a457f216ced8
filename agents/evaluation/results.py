"""Results of an evaluation: episodes, means with their errors, and a result per level."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Episode:
    """One finished episode."""

    score: float  # Sum of raw rewards: the game's own, or those of `--reward`, before scaling
    return_: float  # Sum of the rewards as the agent is trained on them
    length: int  # Agent steps
    level: str
    terminated: bool
    truncated: bool
    progress: float | None = None  # Part of the level passed, 0 to 1; None if unknown

    @property
    def completed(self) -> bool:
        """True if the episode is known to have reached the level's end."""
        return self.progress is not None and self.progress >= 1.0

    def as_json(self) -> dict[str, Any]:
        """Fields by name; progress only if it is known."""
        fields = dataclasses.asdict(self)
        fields['return'] = fields.pop('return_')
        return {name: value for name, value in fields.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class LevelResult:
    """Result of the episodes of one level."""

    level: str
    num_episodes: int
    mean_score: float
    mean_progress: float | None  # Part of the level passed, 0 to 1; None if unknown
    completion_rate: float | None  # Fraction of episodes that reached the level's end
    best_length: int | None  # Agent steps of the quickest episode that reached it


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Episodes of one policy in one mode."""

    game: str
    mode: str  # 'sampled' or 'greedy'
    episodes: tuple[Episode, ...]

    @property
    def mean_score(self) -> float:
        """Mean raw score."""
        return float(np.mean([episode.score for episode in self.episodes]))

    @property
    def mean_return(self) -> float:
        """Mean return: the sum of the rewards as the agent is trained on them."""
        return float(np.mean([episode.return_ for episode in self.episodes]))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean score, s / sqrt(n), where s has n - 1 degrees of freedom.

        It is NaN for one episode.
        """
        scores = [episode.score for episode in self.episodes]
        if len(scores) < 2:
            return float('nan')
        return float(np.std(scores, ddof=1) / np.sqrt(len(scores)))

    @property
    def confidence_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the mean score, by Student's t distribution."""
        half = student_t_95(len(self.episodes) - 1) * self.standard_error
        return self.mean_score - half, self.mean_score + half

    @property
    def by_level(self) -> list[LevelResult]:
        """Result of each level, in the order of their names."""
        return by_level(self.episodes)

    def as_json(self) -> dict[str, Any]:
        """Content of the file of `evaluate --json`; NaN becomes null."""

        def number(value: float) -> float | None:
            return value if np.isfinite(value) else None

        results = [dataclasses.asdict(result) for result in self.by_level]
        return {
            'game': self.game,
            'mode': self.mode,
            'episodes': [episode.as_json() for episode in self.episodes],
            **({'levels': results} if len(results) > 1 else {}),
            'mean_return': number(self.mean_return),
            'mean_score': number(self.mean_score),
            'standard_error': number(self.standard_error),
            'confidence_interval': [number(bound) for bound in self.confidence_interval],
        }


def student_t_95(degrees: int) -> float:
    """Two-sided 95 % quantile of Student's t distribution; NaN for 0 degrees of freedom."""
    # The quantile that `scipy.stats.t.ppf` returns; `scipy.stats` takes 0.5 s more to import.
    from scipy import special

    return float(special.stdtrit(degrees, 0.975))


def summary(evaluation: Evaluation) -> str:
    """One line with the mean score, its error and its confidence interval."""
    count, score = len(evaluation.episodes), f'mean score {evaluation.mean_score:.2f}'
    mean_return = f'mean return {evaluation.mean_return:.3f}'
    if count < 2:
        return f'{evaluation.mode} actions, one episode: {score}, {mean_return}'
    low, high = evaluation.confidence_interval
    return (
        f'{evaluation.mode} actions, {count} episodes: {score} (standard error '
        f'{evaluation.standard_error:.2f}, 95 % confidence {low:.2f} to {high:.2f}), {mean_return}'
    )


def by_level(episodes: Iterable['Episode']) -> list[LevelResult]:
    """Results per level, in the order of their names."""
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


def mean_over(results: Sequence[LevelResult]) -> tuple[float, float]:
    """Mean of the levels' mean scores, and half of its 95 % confidence interval.

    Args:
        results: Results of two levels or more.
    """
    means = [result.mean_score for result in results]
    error = float(np.std(means, ddof=1) / np.sqrt(len(means)))
    return float(np.mean(means)), student_t_95(len(means) - 1) * error
