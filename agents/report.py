"""Evaluates a saved model and tells a person, or another program, how good it is."""

import dataclasses
import json
import os

import rich.console
import rich.table

from agents import evaluation, policy
from agents.evaluation import Evaluation
from envs import games
from envs.config import require
from envs.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Request:
    """What to evaluate and where to write."""

    directory: str  # Of the model
    num_episodes: int
    greedy: bool
    seed: int = 0
    video: str = ''  # mp4 file to write, '' for none
    json: str = ''  # JSON file to write, '' for none

    def __post_init__(self) -> None:
        """Refuses what cannot be written before anything is played."""
        require(self.num_episodes > 0, f'--episodes must be positive, not {self.num_episodes}')
        require(self.seed >= 0, f'--seed must not be negative, but is {self.seed}')
        for flag, path in (('video', self.video), ('json', self.json)):
            directory = os.path.dirname(os.path.abspath(path))
            fits = not path or (os.path.isdir(directory) and os.access(directory, os.W_OK))
            require(fits, f'--{flag}: cannot write to the directory {directory}')
        require(not self.video or self.video.endswith('.mp4'), '--video must end in .mp4')


def model_directory(run_dir: str, model: str = 'auto') -> str:
    """The directory of a run's model: the named one; `auto` is the best or else the final one.

    Raises:
        UsageError: There is none.
    """
    if not os.path.isdir(run_dir):
        raise UsageError(f'--run_dir: there is no directory {run_dir}')
    for name in ['best', 'final'] if model == 'auto' else [model]:
        directory = os.path.join(run_dir, 'model', name)
        if os.path.isdir(directory):
            return directory
    raise UsageError(f'{run_dir} has no {"saved" if model == "auto" else model} model yet')


def evaluate(request: Request) -> Evaluation:
    """Plays the episodes and writes the video and the JSON file."""
    loaded = policy.load(request.directory)
    games.check(loaded.env_config)
    result = evaluation.evaluate(
        loaded.network,
        loaded.env_config,
        request.num_episodes,
        greedy=request.greedy,
        seed=request.seed,
        film=request.video,
    )
    if request.json:
        with open(f'{request.json}.partial', 'w') as file:
            json.dump(result.as_json(), file, indent=2)
        os.replace(f'{request.json}.partial', request.json)
    return result


def summary(result: Evaluation) -> str:
    """One line: mean score, its error and its confidence interval."""
    low, high = result.confidence_interval
    return (
        f'{result.mode} actions, {len(result.episodes)} episodes: mean score '
        f'{result.mean_score:.2f}, standard error {result.standard_error:.2f}, '
        f'95 % confidence interval {low:.2f} to {high:.2f}, mean return {result.mean_return:.3f}'
    )


def print_episodes(result: Evaluation) -> None:
    """The episodes one by one, and the summary."""
    console = rich.console.Console(highlight=False)
    table = rich.table.Table(title=f'{result.game}, {result.mode} actions')
    for column in ('episode', 'score', 'return', 'length (steps)', 'level', 'end'):
        table.add_column(column, justify='left' if column in ('level', 'end') else 'right')
    for number, episode in enumerate(result.episodes, start=1):
        end = 'game over' if episode.terminated else 'time limit'
        table.add_row(
            str(number), f'{episode.score:.2f}', f'{episode.return_:.3f}', str(episode.length),
            episode.level, end,
        )  # fmt: skip
    console.print(table)
    console.print(summary(result), soft_wrap=True)
