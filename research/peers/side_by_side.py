"""An agent of ours beside a peer, seed by seed: what is missing is trained and measured.

What there is already, in research/results/robots and in the folder of the runs, is not done again;
results of other settings are refused.
"""

import csv
import dataclasses
import glob
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from agents.storage import migrations
from envs import files
from envs.config import EnvConfig
from envs.fields import require

SEEDS = flags.DEFINE_list('seeds', ['0', '1', '2'], 'Of the runs.')
EPISODES = flags.DEFINE_integer('episodes', 100, 'Of each final policy, in each mode.')
RESULTS = flags.DEFINE_string('results', 'research/results/robots', 'Where results are written.')
RUNS = flags.DEFINE_string('runs', 'runs/robots', 'Where the runs are written.')
PLOT = flags.DEFINE_boolean('plot', True, 'Whether to draw the learning curves.')

# Given both configurations, the seed and the directory of the run: makes an actor for environments
# and a mode.
Train = Callable[[Any, EnvConfig, int, str], Callable[[Any, str], Any]]


def compare(
    known: Mapping[str, Train],
    names: Sequence[str],
    config: Any,
    env_config: EnvConfig,
    modes: tuple[str, ...],
) -> None:
    """Trains and evaluates whatever is missing, and draws the curves of what there is.

    Args:
        known: The agents.
        names: Those that are compared.
        config: Of the algorithm.
        env_config: Of the game.
        modes: Of the evaluations.

    Raises:
        UsageError: A name is of none of them, or a result is of other settings.
    """
    for name in names:
        require(name in known, f'--agents: {name} is none of {", ".join(known)}')
    game = env_config.game.replace('/', '-')
    settings = _settings(config, env_config)
    paths = {
        (seed, agent): os.path.join(RESULTS.value, f'{game}-{agent}-{seed}.json')
        for seed in map(int, SEEDS.value)
        for agent in names
    }
    for path in paths.values():
        _check(path, config.algorithm, settings)
    os.makedirs(RESULTS.value, exist_ok=True)
    for (seed, agent), path in paths.items():
        if not os.path.exists(path):
            run_dir = os.path.join(RUNS.value, f'{game}-{agent}-{seed}')
            make_actor = known[agent](config, env_config, seed, run_dir)
            results = _measure(make_actor, env_config, modes, f'{agent}, seed {seed}', seed)
            files.write_json(path, {'seed': seed, 'settings': settings, **results})
    if PLOT.value:
        plot(game, names)


def _settings(config: Any, env_config: EnvConfig) -> Any:
    """The settings of both agents, as JSON has them."""
    agent = {**dataclasses.asdict(config), 'seed': None}
    return json.loads(json.dumps({'agent': agent, 'environment': dataclasses.asdict(env_config)}))


def _check(path: str, algorithm: str, settings: Any) -> None:
    """Raises UsageError if there is a result of other settings."""
    if os.path.exists(path):
        with open(path) as file:
            found = json.load(file).get('settings', {})
        # Older versions had fewer options.
        known = migrations.complete({'algorithm': algorithm, **found})
        same = known == {'algorithm': algorithm, **settings}
        require(same, f'{path} is of other settings: name another folder with --results and --runs')


def _measure(
    make_actor: Callable[[Any, str], Any],
    env_config: EnvConfig,
    modes: tuple[str, ...],
    name: str,
    seed: int,
) -> dict[str, Any]:
    """Evaluates a policy in each mode."""
    from agents.evaluation import play, results

    found = {}
    for mode in modes:
        result = play.evaluate_actor(
            lambda envs, mode=mode: make_actor(envs, mode),
            env_config,
            EPISODES.value,
            mode,
            seed=1000 + seed,
        )
        print(f'{name}: {results.summary(result)}', flush=True)
        found[mode] = result.as_json()
    return found


def plot(game: str, agents: Sequence[str]) -> None:
    """The learning curves of all runs that there are; nothing if an agent has none."""
    runs = [os.path.join(RUNS.value, f'{game}-{agent}-*') for agent in agents]
    if not all(map(glob.glob, runs)):
        return
    patterns = ','.join(runs)
    out = os.path.join(RESULTS.value, f'{game}-{"-".join(agents)}.png')
    arguments = [f'--runs={patterns}', f'--labels={",".join(agents)}', f'--out={out}']
    command = [sys.executable, '-m', 'research.plots', *arguments, f'--title={game}']
    subprocess.run(command, check=True)


def learn(model: Any, total_steps: int, run_dir: str) -> None:
    """Lets an agent of Stable-Baselines3 learn; its episodes go to a table like ours."""
    os.makedirs(run_dir, exist_ok=True)
    with open(os.path.join(run_dir, 'episodes.csv'), 'w', 1, newline='') as file:
        model.learn(total_steps, callback=_episode_table(file), log_interval=None)


def _episode_table(file: Any) -> Any:
    """A callback that writes a row for every episode."""
    from stable_baselines3.common.callbacks import BaseCallback

    class Table(BaseCallback):
        def _on_training_start(self) -> None:
            self._rows = csv.writer(file)
            self._rows.writerow(['step', 'env', 'score', 'return', 'length'])

        def _on_step(self) -> bool:
            for env, info in enumerate(self.locals['infos']):
                if 'episode' in info:
                    own = info['episode']
                    row = own['score'], own['return'], own['length']
                    self._rows.writerow([self.num_timesteps, env, *row])
            return True

    return Table()
