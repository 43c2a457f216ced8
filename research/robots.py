"""Robots: our A2C beside Stable-Baselines3's, with the same settings, seed by seed.

    .venv/bin/pip install -r requirements-mujoco.txt -r requirements-bench.txt
    .venv/bin/python -m research.robots --game=HalfCheetah-v5 --seeds=0,1,2

The same flags and presets as `./run train_a2c`. What there is already, in research/results and in
runs/robots, is not done again, and a run of ours that was broken off goes on. Every final policy
plays 100 episodes with sampled actions, and 100 with its most probable ones. At the end there is a
picture of both learning curves.

The peer normalises as we do, by its VecNormalize. Its RMSprop gets the root of our epsilon, since
its own stands outside of the root.
"""

import csv
import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

from absl import flags

from agents import configs, presets
from envs import games
from envs.config import EnvConfig
from envs.make import make_env
from launch import config_flags, script
from research import peer

_a2c_config = config_flags.define(configs.A2CConfig)
_env_config = config_flags.define(EnvConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', 'A preset of ours.')
_SEEDS = flags.DEFINE_list('seeds', ['0', '1', '2'], 'Of the runs.')
_AGENTS = flags.DEFINE_list('agents', ['a2c', 'sb3'], 'Ours, the peer, or both.')
_EPISODES = flags.DEFINE_integer('episodes', 100, 'Of each final policy, in each mode.')
_RESULTS = flags.DEFINE_string('results', 'research/results', 'Where results are written.')
_RUNS = flags.DEFINE_string('runs', 'runs/robots', 'Where the runs are written.')
_PLOT = flags.DEFINE_boolean('plot', True, 'Whether to draw the learning curves.')


def train_ours(config: configs.A2CConfig, env_config: EnvConfig, run_dir: str) -> Any:
    """Our policy, trained or continued; makes actors for an evaluation, given whether greedy."""
    from agents import a2c, distributions, models, policy

    is_there = os.path.exists(os.path.join(run_dir, 'config.json'))
    run_config = configs.RunConfig(run_dir, resume=is_there, eval_period=0, log_period=10_000)
    if not a2c.train(config, env_config, run_config):
        sys.exit(130)
    network = policy.load(os.path.join(run_dir, 'model', 'final')).network

    def make_actor(envs: Any, greedy: bool) -> models.StepModel:
        distribution = distributions.make(envs.single_action_space)
        return models.StepModel(network, distribution, config.seed, greedy)

    return make_actor


def train_peer(config: configs.A2CConfig, env_config: EnvConfig, run_dir: str) -> Any:
    """The peer's policy, as `train_ours`; its episodes go to a table like ours."""
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    envs = VecNormalize(
        DummyVecEnv([lambda i=i: make_env(env_config, i) for i in range(config.num_envs)]),
        norm_obs=config.normalize_observations,
        norm_reward=config.normalize_rewards,
        gamma=config.discount,
    )
    epsilon = config.rmsprop_epsilon**0.5
    model = peer.make_model(dataclasses.replace(config, rmsprop_epsilon=epsilon), envs)
    os.makedirs(run_dir, exist_ok=True)
    with open(os.path.join(run_dir, 'episodes.csv'), 'w', newline='') as file:
        model.learn(config.total_steps, callback=_table(file), log_interval=None)
    envs.close()

    def make_actor(_: Any, greedy: bool) -> peer.PeerActor:
        return peer.PeerActor(model, envs.normalize_obs, greedy)

    return make_actor


def _table(file: Any) -> Any:
    """A callback that writes a row for every episode of the peer."""
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


def measure(agent: str, config: configs.A2CConfig, env_config: EnvConfig, run_dir: str) -> Any:
    """What the final policy of an agent reaches, in both modes."""
    from agents import evaluation

    make_actor = {'a2c': train_ours, 'sb3': train_peer}[agent](config, env_config, run_dir)
    results = {}
    for mode in ('sampled', 'greedy'):
        result = evaluation.evaluate_actor(
            lambda envs, mode=mode: make_actor(envs, mode == 'greedy'),
            env_config,
            _EPISODES.value,
            mode,
            seed=1000 + config.seed,
        )
        print(f'{agent}, seed {config.seed}: {evaluation.summary(result)}')
        results[mode] = result.as_json()
    return {'steps': config.total_steps, 'seed': config.seed, **results}


def plot(game: str) -> None:
    """Both learning curves, of all runs that there are."""
    patterns = ','.join(os.path.join(_RUNS.value, f'{game}-{agent}-*') for agent in _AGENTS.value)
    out = os.path.join(_RESULTS.value, f'{game}-robots.png')
    arguments = [f'--runs={patterns}', f'--labels={",".join(_AGENTS.value)}', f'--out={out}']
    command = [sys.executable, '-m', 'research.plots', *arguments, f'--title={game}']
    subprocess.run(command, check=True)


def main() -> None:
    """Trains and evaluates whatever is missing."""
    preset = presets.for_game(_PRESET.value, flags.FLAGS.game)
    config, env_config = _a2c_config(preset), _env_config(preset)
    games.check(env_config)
    from agents import quiet_tensorflow  # noqa: F401

    game = env_config.game.replace('/', '-')
    os.makedirs(_RESULTS.value, exist_ok=True)
    for seed in map(int, _SEEDS.value):
        for agent in _AGENTS.value:
            name = f'{game}-{agent}-{seed}'
            path = os.path.join(_RESULTS.value, f'{name}.json')
            if os.path.exists(path):
                continue
            own = dataclasses.replace(config, seed=seed)
            result = measure(agent, own, env_config, os.path.join(_RUNS.value, name))
            with open(f'{path}.partial', 'w') as file:
                json.dump(result, file, indent=2)
            os.replace(f'{path}.partial', path)
    if _PLOT.value:
        plot(game)


if __name__ == '__main__':
    script.start(main)
