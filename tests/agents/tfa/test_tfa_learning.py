"""Agents on TF-Agents learn what pays off later: a wrong sign anywhere would show here."""

import gymnasium
import numpy as np
import pytest

from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.tfa.ddpg import DDPG
from agents.tfa.dqn import DQN
from agents.tfa.reinforce import Reinforce
from agents.tfa.td3 import TD3
from envs.config import EnvConfig
from tests.helpers import memory_task

VECTOR = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)


class Later(gymnasium.Env):
    """The first of two actions is right or wrong; only the second step pays for it, 1 to -1."""

    observation_space = VECTOR
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._cue, self._worth = float(self.np_random.uniform(-0.8, 0.8)), None
        return np.float32([self._cue, 0.0, 0.0]), {}

    def step(self, action):
        if self._worth is None:
            self._worth = self._judge(action)
            return np.float32([0.0, self._worth, 1.0]), 0.0, False, False, {}
        reward = self._worth
        statistics = {'return': reward, 'score': reward, 'length': 2, 'level': ''}
        return np.float32([0.0, 0.0, 0.0]), reward, True, False, {'episode': statistics}

    def _judge(self, action):
        return 1.0 if (self._cue > 0.0) == action else -1.0


class NearLater(Later):
    """Right is the action that is the cue."""

    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def _judge(self, action):
        return 1.0 - 2.0 * min(1.0, abs(float(action[0]) - self._cue))


OFF_POLICY = {
    'num_envs': 4,
    'total_steps': 6_000,
    'train_period': 4,
    'hidden_units': (32, 32),
    'batch_size': 64,
    'learning_starts': 400,
    'replay_capacity': 10_000,
    'discount': 0.9,
    'seed': 1,
}
RATES = {'actor_learning_rate': 1e-3, 'critic_learning_rate': 3e-3, 'tau': 0.02}
TASKS = {
    'ddpg': (DDPG, DDPGConfig(**OFF_POLICY, **RATES, ou_sigma=0.1), NearLater),
    'td3': (TD3, TD3Config(**OFF_POLICY, **RATES), NearLater),
    'dqn': (
        DQN,
        DQNConfig(
            **OFF_POLICY, network='mlp', learning_rate=3e-3, target_period=50,
            exploration_steps=3_000,
        ),  # fmt: skip
        Later,
    ),
    'double': (
        DQN,
        DQNConfig(
            **OFF_POLICY, network='mlp', learning_rate=3e-3, target_period=50, double=True,
            exploration_steps=3_000,
        ),  # fmt: skip
        Later,
    ),
    'reinforce': (
        Reinforce,
        ReinforceConfig(
            network='mlp', num_envs=8, total_steps=4_000, episodes_per_update=32,
            learning_rate=1e-2, seed=1,
        ),  # fmt: skip
        Later,
    ),
    'unguided': (
        Reinforce,
        ReinforceConfig(
            network='mlp', num_envs=8, total_steps=4_000, episodes_per_update=32,
            learning_rate=1e-2, baseline=False, seed=1,
        ),  # fmt: skip
        Later,
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', TASKS)
def test_it_learns_what_pays_off_later(name):
    agent_class, config, task = TASKS[name]
    make_envs = memory_task.playing(task)
    agent, scores = agent_class(config, EnvConfig('CartPole-v1'), make_envs), []
    try:
        while agent.num_steps < config.total_steps:
            agent.update()
            scores += [episode['score'] for episode in agent.episodes]
    finally:
        agent.close()
    assert abs(np.mean(scores[:50])) < 0.6  # By chance 0.
    assert np.mean(scores[-200:]) > 0.75
