"""Evaluates a saved model and reports the result to a person or another program."""

from typing import Any

import rich.console
import rich.table

from agents.configs.run import EvaluationConfig
from agents.evaluation import play, results
from agents.evaluation.results import Evaluation
from agents.storage import model_checks, run_directory, saved_policy
from envs import files
from envs.errors import UsageError


def evaluate(config: EvaluationConfig) -> Evaluation:
    """Plays the episodes and writes the video and the JSON file.

    Raises:
        UsageError: If there is no such model, or it cannot be played.
    """
    loaded = saved_policy.load(run_directory.model_directory(config.run_dir, config.model))
    env_config = model_checks.to_play(loaded.env_config, config.levels)
    result = play.evaluate(
        loaded.network,
        env_config,
        config.episodes,
        greedy=config.greedy,
        seed=config.seed,
        film=config.video,
        recipe=loaded.recipe,
    )
    if config.json:
        _write_json(config.json, result.as_json())
    return result


def _write_json(path: str, content: dict[str, Any]) -> None:
    """Writes a JSON file that is either complete or absent."""
    try:
        files.write_json(path, content)
    except OSError as error:
        raise UsageError(f'--json: cannot write {path}: {error.strerror}') from None


def print_episodes(result: Evaluation) -> None:
    """Prints the episodes one by one, and the summary."""
    console = rich.console.Console(highlight=False)
    table = rich.table.Table(title=f'{result.game}, {result.mode} actions')
    with_levels = any(episode.level for episode in result.episodes)
    columns = ['episode', 'score', 'return', 'length (steps)', 'end']
    for column in [*columns, 'level'] if with_levels else columns:
        table.add_column(column, justify='left' if column in ('level', 'end') else 'right')
    for number, episode in enumerate(result.episodes, start=1):
        end = 'game over' if episode.terminated else 'time limit'
        if episode.completed:
            end = 'level completed'
        row = [str(number), f'{episode.score:.2f}', f'{episode.return_:.3f}', str(episode.length)]
        table.add_row(*row, end, *([episode.level] if with_levels else []))
    console.print(table)
    if len(result.by_level) > 1:
        _print_levels(console, result)
    console.print(results.summary(result), soft_wrap=True)


def _print_levels(console: rich.console.Console, result: Evaluation) -> None:
    """Prints a row per level, and the mean over the levels."""
    table = rich.table.Table(title=f'{result.game} by level, {result.mode} actions')
    for column in ('level', 'episodes', 'mean score', 'progress', 'completed', 'best (steps)'):
        table.add_column(column, justify='left' if column == 'level' else 'right')
    for one in result.by_level:
        parts = [f'{part:.0%}' if part is not None else '' for part in
                 (one.mean_progress, one.completion_rate)]  # fmt: skip
        best = str(one.best_length or '')
        table.add_row(one.level, str(one.num_episodes), f'{one.mean_score:.2f}', *parts, best)
    console.print(table)
    mean, half = results.mean_over(result.by_level)
    console.print(
        f'mean of {len(result.by_level)} levels: score {mean:.2f} '
        f'(95 % confidence {mean - half:.2f} to {mean + half:.2f})',
        soft_wrap=True,
    )
