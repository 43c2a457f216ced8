"""A2C, synchronous advantage actor-critic.

N environments step together; after T steps each, one gradient of one loss on all N * T samples
updates the weights. Mnih et al. (2016), https://arxiv.org/abs/1602.01783, without the asynchrony,
as in OpenAI Baselines.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from agents import distributions, networks, schedules
from agents.configs import A2CConfig, RunConfig
from agents.models import StepModel, TrainMetrics, TrainModel
from agents.run import Run
from agents.runner import Runner
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_env
from envs.vec_env import SubprocVecEnv


class A2C:
    """Environments, one network, its step model and its train model."""

    def __init__(self, config: A2CConfig, env_config: EnvConfig) -> None:
        makers = [functools.partial(make_env, env_config, i) for i in range(config.num_envs)]
        self.envs = SubprocVecEnv(makers, step_infos=False)
        try:
            self._build(config)
        except BaseException:
            self.envs.close()
            raise

    def _build(self, config: A2CConfig) -> None:
        env_seed, weight_seed, action_seed = np.random.SeedSequence(config.seed).generate_state(3)
        self.distribution = distributions.make(self.envs.single_action_space)
        self.network = networks.build(
            config.network,
            self.envs.single_observation_space,
            self.distribution.num_logits,
            int(weight_seed),
        )
        self.step_model = StepModel(self.network, self.distribution, int(action_seed))
        self.train_model = TrainModel(self.network, self.distribution, config)
        self.runner = Runner(self.envs, self.step_model, config.unroll_length, config.discount)
        self.runner.reset(int(env_seed) // 2)
        self._learning_rate = schedules.make(
            config.lr_schedule, config.learning_rate, 0.0, config.total_steps
        )
        self._entropy_cost = schedules.make(
            config.entropy_schedule, config.entropy_cost, 0.0, config.total_steps
        )

    def update(self) -> TrainMetrics:
        """One rollout and one gradient step; returns its `TrainMetrics`."""
        # Before the rollout, else the last update had no learning rate.
        learning_rate, entropy_cost = self.learning_rate(), self._entropy_cost(self.num_steps)
        rollout = self.runner.run()
        return self.train_model.train(rollout, learning_rate, entropy_cost)

    @property
    def num_steps(self) -> int:
        """Agent steps of all environments together."""
        return self.runner.num_steps

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Statistics of the episodes that ended in the last rollout."""
        return self.runner.episodes

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self._learning_rate(self.num_steps)

    def state(self) -> Snapshot:
        """Weights, optimizer, step count and the environments."""
        return {
            'weights': self.network.get_weights(),
            'optimizer': [variable.numpy() for variable in self.train_model.optimizer.variables],
            'runner': self.runner.state(),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.network.set_weights(state['weights'])
        optimizer_variables = self.train_model.optimizer.variables
        for variable, value in zip(optimizer_variables, state['optimizer'], strict=True):
            variable.assign(value)
        self.runner.set_state(state['runner'])

    def close(self) -> None:
        """Ends the environments."""
        self.envs.close()


def train(
    config: A2CConfig,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
) -> bool:
    """Trains an agent into `run_config.run_dir`.

    Args:
        config: Of the algorithm.
        env_config: Of the game.
        run_config: Where to write and how often.
        origins: Where the values of the fields come from, to tell at the start.

    Returns:
        Whether it came to its end; False if a signal stopped it.

    Raises:
        UsageError: The configuration does not fit the game, or the directory cannot be used.
    """
    # The same numbers whatever the threads do. On a CPU this costs nothing that can be measured.
    tf.config.experimental.enable_op_determinism()
    agent = A2C(config, env_config)
    with Run(agent, config, env_config, run_config, origins) as run:
        while agent.num_steps < config.total_steps and not run.interrupted:
            metrics = agent.update()
            run.after_update(metrics)
    return not run.interrupted
