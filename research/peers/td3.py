"""Our TD3 beside Stable-Baselines3's, with the same settings, seed by seed.

    .venv/bin/pip install -r requirements-mujoco.txt -r requirements-bench.txt
    .venv/bin/python -m research.peers.td3 --game=HalfCheetah-v5 --total_steps=200000 --seeds=0,1,2

The same flags and presets as `./run train_td3`. What is in research/results/robots and in
runs/robots already is not done again, and a run of ours that was broken off goes on. Every policy
plays 100 episodes; at the end there is a picture of both learning curves.

Both have the same networks, which begin with weights of the same ranges; the peer scales actions to
-1 to 1 inside, as our noise is scaled. It updates its actor with every second update of its critics
as we do, but begins with the second one.
"""

import dataclasses
import os
from typing import Any

from absl import flags

from agents import quiet_tensorflow
from agents.configs import presets
from agents.configs.off_policy import TD3Config
from envs.backends import registry
from envs.config import EnvConfig
from envs.fields import require
from envs.make import make_env
from launch.common import config_flags, script
from research.peers import sb3, side_by_side

_td3_config = config_flags.define(TD3Config)
_env_config = config_flags.define(EnvConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', 'A preset of ours.')
_AGENTS = flags.DEFINE_list('agents', ['td3', 'sb3-td3'], 'Ours, the peer, or both.')


def train_ours(config: TD3Config, env_config: EnvConfig, seed: int, run_dir: str) -> Any:
    """Our policy, trained or continued; makes actors for an evaluation."""
    from agents.configs import policy_kinds
    from agents.configs.run import RunConfig
    from agents.distributions import factory
    from agents.experience.step_model import StepModel
    from agents.runs.train import train
    from agents.storage import saved_policy
    from agents.tfa.td3 import TD3

    is_there = os.path.exists(os.path.join(run_dir, 'config.json'))
    run_config = RunConfig(run_dir, resume=is_there, eval_period=0, checkpoint_period=25_000)
    stopped = train(TD3, dataclasses.replace(config, seed=seed), env_config, run_config)
    script.exit_if_stopped(stopped)
    network = saved_policy.load(os.path.join(run_dir, 'model', 'final')).network

    def make_actor(envs: Any, mode: str) -> StepModel:
        recipe = {'policy': policy_kinds.DETERMINISTIC}
        distribution = factory.for_recipe(recipe, envs.single_action_space)
        return StepModel(network, distribution, seed)

    return make_actor


def train_peer(config: TD3Config, env_config: EnvConfig, seed: int, run_dir: str) -> Any:
    """The peer's policy, as `train_ours`; its episodes go to a table like ours."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    envs = DummyVecEnv([lambda i=i: make_env(env_config, i) for i in range(config.num_envs)])
    model = make_model(dataclasses.replace(config, seed=seed), envs)
    side_by_side.learn(model, config.total_steps, run_dir)
    envs.close()
    return lambda envs, mode: sb3.PeerActor(model, greedy=True)


def check(config: TD3Config) -> None:
    """Raises UsageError if Stable-Baselines3's TD3 has no such setting."""
    same = config.actor_learning_rate == config.critic_learning_rate
    require(same, 'the peer has one learning rate for actor and critics')
    require(config.num_envs == 1, 'the peer counts its steps otherwise with --num_envs above 1')


def make_model(config: TD3Config, envs: Any) -> Any:
    """Stable-Baselines3's TD3 with our settings, which `check` has looked at."""
    import numpy as np
    from stable_baselines3 import TD3
    from stable_baselines3.common.noise import NormalActionNoise

    size = envs.action_space.shape
    return TD3(
        'MlpPolicy',
        envs,
        learning_rate=config.actor_learning_rate,
        buffer_size=config.replay_capacity,
        learning_starts=config.learning_starts,
        batch_size=config.batch_size,
        tau=config.tau,
        gamma=config.discount,
        train_freq=config.train_period,
        gradient_steps=1,
        action_noise=NormalActionNoise(np.zeros(size), np.full(size, config.exploration_noise)),
        policy_delay=config.policy_delay,
        target_policy_noise=config.target_noise,
        target_noise_clip=config.target_noise_clip,
        policy_kwargs={'net_arch': list(config.hidden_units)},
        seed=config.seed,
        device='cpu',
    )


def main() -> None:
    """Trains and evaluates whatever is missing."""
    preset = presets.for_game(_PRESET.value, registry.find(flags.FLAGS.game), 'td3')
    config, env_config = _td3_config(preset), _env_config(preset)
    registry.check(env_config)
    quiet_tensorflow.load(tf_agents=True)
    if 'sb3-td3' in _AGENTS.value:
        check(config)
    known = {'td3': train_ours, 'sb3-td3': train_peer}
    side_by_side.compare(known, _AGENTS.value, config, env_config, ('greedy',))


if __name__ == '__main__':
    script.start(main)
