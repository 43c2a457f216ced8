"""Robots: our A2C beside Stable-Baselines3's, with the same settings, seed by seed.

    .venv/bin/pip install -r requirements-mujoco.txt -r requirements-bench.txt
    .venv/bin/python -m research.peers.robots --game=HalfCheetah-v5 --seeds=0,1,2

The same flags and presets as `./run train_a2c`. What is in research/results/robots and in
runs/robots already is not done again, and a run of ours that was broken off goes on. Every policy
plays 100 episodes with sampled actions, and 100 with its most probable ones. At the end there is a
picture of both learning curves.

The peer normalises as we do, by its VecNormalize. Its RMSprop gets the root of our epsilon, since
its own stands outside of the root.
"""

import dataclasses
import os
from typing import Any

from absl import flags

from agents import quiet_tensorflow
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from agents.configs.run import RunConfig
from envs.backends import registry
from envs.config import EnvConfig
from envs.make import make_env
from launch.common import config_flags, script
from research.peers import sb3, side_by_side

_a2c_config = config_flags.define(A2CConfig)
_env_config = config_flags.define(EnvConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', 'A preset of ours.')
_AGENTS = flags.DEFINE_list('agents', ['a2c', 'sb3-a2c'], 'Ours, the peer, or both.')


def train_ours(config: A2CConfig, env_config: EnvConfig, seed: int, run_dir: str) -> Any:
    """Our policy, trained or continued; makes actors for an evaluation in a mode."""
    from agents.actor_critic.a2c import A2C
    from agents.distributions import factory
    from agents.experience.step_model import StepModel
    from agents.runs.train import train
    from agents.storage import saved_policy

    is_there = os.path.exists(os.path.join(run_dir, 'config.json'))
    run_config = RunConfig(run_dir, resume=is_there, eval_period=0, log_period=10_000)
    stopped = train(A2C, dataclasses.replace(config, seed=seed), env_config, run_config)
    script.exit_if_stopped(stopped)
    loaded = saved_policy.load(os.path.join(run_dir, 'model', 'final'))
    network = loaded.network

    def make_actor(envs: Any, mode: str) -> StepModel:
        distribution = factory.for_recipe(loaded.recipe, envs.single_action_space)
        return StepModel(network, distribution, seed, mode == 'greedy')

    return make_actor


def train_peer(config: A2CConfig, env_config: EnvConfig, seed: int, run_dir: str) -> Any:
    """The peer's policy, as `train_ours`; its episodes go to a table like ours."""
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    envs = VecNormalize(
        DummyVecEnv([lambda i=i: make_env(env_config, i) for i in range(config.num_envs)]),
        norm_obs=config.normalize_observations,
        norm_reward=config.normalize_rewards,
        gamma=config.discount,
    )
    epsilon = config.rmsprop_epsilon**0.5
    own = dataclasses.replace(config, rmsprop_epsilon=epsilon, seed=seed)
    model = sb3.make_model(own, envs)
    side_by_side.learn(model, config.total_steps, run_dir)
    envs.close()
    return lambda _, mode: sb3.PeerActor(model, envs.normalize_obs, mode == 'greedy')


def main() -> None:
    """Trains and evaluates whatever is missing."""
    preset = presets.for_game(_PRESET.value, registry.find(flags.FLAGS.game))
    config, env_config = _a2c_config(preset), _env_config(preset)
    registry.check(env_config)
    quiet_tensorflow.load()
    if 'sb3-a2c' in _AGENTS.value:
        sb3.check(config)
    known = {'a2c': train_ours, 'sb3-a2c': train_peer}
    side_by_side.compare(known, _AGENTS.value, config, env_config, ('sampled', 'greedy'))


if __name__ == '__main__':
    script.start(main)
