"""Evaluates a saved model and tells a person, or another program, how good it is."""

import json
import os

import rich.console
import rich.table

from agents import evaluation, policy, run_directory
from agents.configs import EvaluationConfig
from agents.evaluation import Evaluation
from envs import games


def evaluate(config: EvaluationConfig) -> Evaluation:
    """Plays the episodes and writes the video and the JSON file.

    Raises:
        UsageError: There is no such model, or it cannot be played.
    """
    loaded = policy.load(run_directory.model_directory(config.run_dir, config.model))
    games.check(loaded.env_config)
    result = evaluation.evaluate(
        loaded.network,
        loaded.env_config,
        config.episodes,
        greedy=config.greedy,
        seed=config.seed,
        film=config.video,
    )
    if config.json:
        partial = f'{config.json}.partial'
        with open(partial, 'w') as file:
            json.dump(result.as_json(), file, indent=2)
        os.replace(partial, config.json)
    return result


def print_episodes(result: Evaluation) -> None:
    """The episodes one by one, and the summary."""
    console = rich.console.Console(highlight=False)
    table = rich.table.Table(title=f'{result.game}, {result.mode} actions')
    with_levels = any(episode.level for episode in result.episodes)
    columns = ['episode', 'score', 'return', 'length (steps)', 'end']
    for column in [*columns, 'level'] if with_levels else columns:
        table.add_column(column, justify='left' if column in ('level', 'end') else 'right')
    for number, episode in enumerate(result.episodes, start=1):
        end = 'game over' if episode.terminated else 'time limit'
        row = [str(number), f'{episode.score:.2f}', f'{episode.return_:.3f}', str(episode.length)]
        table.add_row(*row, end, *([episode.level] if with_levels else []))
    console.print(table)
    console.print(evaluation.summary(result), soft_wrap=True)
