"""Stable-Baselines3's A2C as a peer: our environments, settings and evaluation, its algorithm.

    .venv/bin/pip install -r requirements-bench.txt
    .venv/bin/python -m research.peer_a2c --game=Airstriker-Genesis --seed=0 --json=sb3-0.json

The same flags and presets as `./run train_a2c`. With `--random`, no learning: the random policy.
"""

import functools
import json
from typing import Any

import numpy as np
from absl import flags

from agents import configs, presets
from agents.runner import Actor, Decision, Memory
from envs import games
from envs.config import EnvConfig, require
from envs.make import make_env
from launch import config_flags, script

_a2c_config = config_flags.define(configs.A2CConfig)
_env_config = config_flags.define(EnvConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', 'A preset of ours.')
_EPISODES = flags.DEFINE_integer('episodes', 50, 'Sampled episodes after training.')
_JSON = flags.DEFINE_string('json', None, 'File to write the result to.', required=True)
_RANDOM = flags.DEFINE_boolean('random', False, 'Evaluate the random policy instead.')


class PeerActor(Actor):
    """A policy of Stable-Baselines3 as our evaluation wants it."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def step(self, observations: np.ndarray, memory: Memory, count: int) -> Decision:
        """Sampled actions."""
        actions, _ = self._model.predict(np.array(observations), deterministic=False)
        return Decision(actions, np.zeros(len(actions), np.float32))

    def value(self, observations: np.ndarray, memory: Memory) -> np.ndarray:
        """Not needed to evaluate."""
        return np.zeros(len(observations), np.float32)


class RandomActor(PeerActor):
    """Every action with the same probability."""

    def __init__(self, num_actions: int, seed: int) -> None:
        self._num_actions, self._rng = num_actions, np.random.default_rng(seed)

    def step(self, observations: np.ndarray, memory: Memory, count: int) -> Decision:
        """Uniform actions."""
        actions = self._rng.integers(self._num_actions, size=len(observations))
        return Decision(actions, np.zeros(len(actions), np.float32))


def make_model(config: configs.A2CConfig, envs: Any, verbose: int = 0) -> Any:
    """Stable-Baselines3's A2C with our settings.

    Its value loss is (R - V)² without our factor 1/2, so its weight is half of ours. Its RMSprop
    is PyTorch's, with epsilon outside the root, as its users have it; Adam is the same.
    """
    import torch
    from stable_baselines3 import A2C

    constant = config.lr_schedule == 'constant'
    adam = {'optimizer_class': torch.optim.Adam, 'optimizer_kwargs': {'eps': 1e-5}}
    return A2C(
        'MlpPolicy' if config.network == 'mlp' else 'CnnPolicy',
        envs,
        learning_rate=lambda left: config.learning_rate * (1.0 if constant else left),
        n_steps=config.unroll_length,
        gamma=config.discount,
        gae_lambda=config.gae_lambda,
        ent_coef=config.entropy_cost,
        vf_coef=config.value_cost / 2,
        max_grad_norm=config.max_grad_norm,
        rms_prop_eps=config.rmsprop_epsilon,
        use_rms_prop=config.optimizer == 'rmsprop',
        policy_kwargs={
            **(adam if config.optimizer == 'adam' else {}),
            **({'features_extractor_class': a3c_torso()} if config.network == 'a3c' else {}),
        },
        seed=config.seed,
        device='cpu',
        verbose=verbose,
    )


def train(config: configs.A2CConfig, env_config: EnvConfig) -> Any:
    """The peer's model, trained on our environments."""
    require(config.entropy_schedule == 'constant', 'the peer has no --entropy_schedule')
    require(config.network != 'impala', 'the peer has no --network=impala')
    require(config.max_grad_norm > 0, 'the peer always clips: set --max_grad_norm')
    from stable_baselines3.common.vec_env import SubprocVecEnv, VecMonitor

    makers = [functools.partial(make_env, env_config, i) for i in range(config.num_envs)]
    envs = VecMonitor(SubprocVecEnv(makers, start_method='forkserver'))
    model = make_model(config, envs, verbose=1)
    model.learn(config.total_steps, log_interval=1000)
    envs.close()
    return model


def a3c_torso() -> type:
    """Our network `a3c` for Stable-Baselines3, whose own is `nature`."""
    import torch
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    class A3CTorso(BaseFeaturesExtractor):
        def __init__(self, observation_space: Any) -> None:
            super().__init__(observation_space, 256)
            self.layers = torch.nn.Sequential(
                torch.nn.Conv2d(observation_space.shape[0], 16, 8, 4),
                torch.nn.ReLU(),
                torch.nn.Conv2d(16, 32, 4, 2),
                torch.nn.ReLU(),
                torch.nn.Flatten(),
                torch.nn.Linear(32 * 9 * 9, 256),
                torch.nn.ReLU(),
            )

        def forward(self, observations: Any) -> Any:
            return self.layers(observations)

    return A3CTorso


def main() -> None:
    """Trains the peer and evaluates it as ours is evaluated."""
    preset = presets.for_game(_PRESET.value, flags.FLAGS.game)
    config, env_config = _a2c_config(preset), _env_config(preset)
    games.check(env_config)
    from agents import quiet_tensorflow  # noqa: F401, I001
    from agents import evaluation

    model = None if _RANDOM.value else train(config, env_config)

    def make_actor(envs: Any) -> PeerActor:
        if model is None:
            return RandomActor(int(envs.single_action_space.n), config.seed)
        return PeerActor(model)

    result = evaluation.evaluate_actor(
        make_actor, env_config, _EPISODES.value, 'sampled', seed=1000 + config.seed
    )
    with open(_JSON.value, 'w') as file:
        json.dump(result.as_json(), file, indent=2)
    print(result.mean_score, result.confidence_interval)


if __name__ == '__main__':
    script.start(main)
