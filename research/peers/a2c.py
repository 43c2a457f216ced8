"""Stable-Baselines3's A2C as a peer: our environments, settings and evaluation, its algorithm.

    .venv/bin/pip install -r requirements-bench.txt
    .venv/bin/python -m research.peers.a2c --game=Airstriker-Genesis --seed=0 --json=sb3-0.json

The same flags and presets as `./run train_a2c`. With `--random`, no learning: the random policy.
"""

import functools
import json
from typing import Any

import numpy as np
from absl import flags

from agents import quiet_tensorflow
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from agents.experience.actor import Decision, Memory
from envs.backends import registry
from envs.config import EnvConfig
from envs.fields import require
from envs.make import make_env
from launch.common import config_flags, script
from research.peers import sb3

_a2c_config = config_flags.define(A2CConfig)
_env_config = config_flags.define(EnvConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', 'A preset of ours.')
_EPISODES = flags.DEFINE_integer('episodes', 50, 'Sampled episodes after training.')
_JSON = flags.DEFINE_string('json', None, 'File to write the result to.', required=True)
_RANDOM = flags.DEFINE_boolean('random', False, 'Evaluate the random policy instead.')


class RandomActor(sb3.PeerActor):
    """Every action with the same probability."""

    def __init__(self, num_actions: int, seed: int) -> None:
        self._num_actions, self._rng = num_actions, np.random.default_rng(seed)

    def step(self, observations: np.ndarray, memory: Memory, count: int) -> Decision:
        """Uniform actions."""
        actions = self._rng.integers(self._num_actions, size=len(observations))
        return Decision(actions, np.zeros(len(actions), np.float32))


def train(config: A2CConfig, env_config: EnvConfig) -> Any:
    """The peer's model, trained on our environments."""
    normalized = config.normalize_observations or config.normalize_rewards
    require(not normalized, 'research.peers.robots compares agents that normalise')
    from stable_baselines3.common.vec_env import SubprocVecEnv, VecMonitor

    makers = [functools.partial(make_env, env_config, i) for i in range(config.num_envs)]
    envs = VecMonitor(SubprocVecEnv(makers, start_method='forkserver'))
    model = sb3.make_model(config, envs, verbose=1)
    model.learn(config.total_steps, log_interval=1000)
    envs.close()
    return model


def main() -> None:
    """Trains the peer and evaluates it as ours is evaluated."""
    preset = presets.for_game(_PRESET.value, registry.find(flags.FLAGS.game))
    config, env_config = _a2c_config(preset), _env_config(preset)
    registry.check(env_config)
    quiet_tensorflow.load()
    from agents.evaluation import play

    model = None if _RANDOM.value else train(config, env_config)

    def make_actor(envs: Any) -> sb3.PeerActor:
        if model is None:
            return RandomActor(int(envs.single_action_space.n), config.seed)
        return sb3.PeerActor(model)

    result = play.evaluate_actor(
        make_actor, env_config, _EPISODES.value, 'sampled', seed=1000 + config.seed
    )
    with open(_JSON.value, 'w') as file:
        json.dump(result.as_json(), file, indent=2)
    print(result.mean_score, result.confidence_interval)


if __name__ == '__main__':
    script.start(main)
