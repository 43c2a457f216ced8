"""A2C, synchronous advantage actor-critic.

N environments make T steps each; then one gradient of one loss on all N * T samples updates the
weights. Mnih et al. (2016), https://arxiv.org/abs/1602.01783, without the asynchrony, as in OpenAI
Baselines.

The environments are divided into groups. A thread per group collects its rollout and computes its
gradients, so that one group computes while another waits for its emulators. The mean of these is
the gradient on all samples; the weights change when all groups are done.
"""

import concurrent.futures
import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from agents import distributions, networks, schedules
from agents.configs import A2CConfig, RunConfig
from agents.models import Gradients, StepModel, TrainMetrics, TrainModel
from agents.run import Run
from agents.runner import Runner
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_env
from envs.vec_env import SubprocVecEnv

Result = TypeVar('Result')


class A2C:
    """Groups of environments, one network, its step model and its train model.

    Attributes:
        envs: The groups.
        runners: One for each group.
    """

    def __init__(self, config: A2CConfig, env_config: EnvConfig) -> None:
        num_groups = min(config.num_groups, config.num_envs)
        groups = np.array_split(np.arange(config.num_envs), num_groups)
        self._threads = concurrent.futures.ThreadPoolExecutor(num_groups, 'group')
        self.envs: list[SubprocVecEnv] = []
        try:
            starts = [self._threads.submit(_start, env_config, group) for group in groups]
            concurrent.futures.wait(starts)
            self.envs = [start.result() for start in starts if not start.exception()]
            for start in starts:
                start.result()  # Raises what one of them refused.
            self._build(config, [int(group[0]) for group in groups])
        except BaseException:
            self.close()
            raise

    def _build(self, config: A2CConfig, first_envs: list[int]) -> None:
        env_seed, weight_seed, action_seed = np.random.SeedSequence(config.seed).generate_state(3)
        self.distribution = distributions.make(self.envs[0].single_action_space)
        self.network = networks.build(
            config.network,
            self.envs[0].single_observation_space,
            self.distribution.num_logits,
            int(weight_seed),
        )
        self.step_model = StepModel(self.network, self.distribution, int(action_seed))
        self.train_model = TrainModel(self.network, self.distribution, config)
        self.runners = [
            Runner(
                envs,
                self.step_model,
                config.unroll_length,
                config.discount,
                first_env,
                config.num_envs,
            )
            for envs, first_env in zip(self.envs, first_envs, strict=True)
        ]
        self._for_all(lambda runner: runner.reset(int(env_seed) // 2), self.runners)
        self._learning_rate = schedules.make(
            config.lr_schedule, config.learning_rate, 0.0, config.total_steps
        )
        self._entropy_cost = schedules.make(
            config.entropy_schedule, config.entropy_cost, 0.0, config.total_steps
        )

    def update(self) -> TrainMetrics:
        """One rollout of every group and one gradient step; returns its `TrainMetrics`."""
        # Before the rollout, else the last update had no learning rate.
        learning_rate, entropy_cost = self.learning_rate(), self._entropy_cost(self.num_steps)

        def collect(runner: Runner) -> Gradients:
            return self.train_model.gradients(runner.run(), entropy_cost, runner.share)

        return self.train_model.apply(self._for_all(collect, self.runners), learning_rate)

    def _for_all(self, function: Callable[..., Result], *items: Iterable[Any]) -> list[Result]:
        """What the function makes of each item, in a thread of the group's own."""
        futures = [
            self._threads.submit(function, *arguments) for arguments in zip(*items, strict=True)
        ]
        concurrent.futures.wait(futures)  # All, before the failure of one is raised.
        return [future.result() for future in futures]

    @property
    def num_steps(self) -> int:
        """Agent steps of all environments together."""
        return self.runners[0].num_steps

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Statistics of the episodes that ended in the last rollout, in the order of their ends."""
        episodes = [episode for runner in self.runners for episode in runner.episodes]
        return sorted(episodes, key=operator.itemgetter('step'))

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self._learning_rate(self.num_steps)

    def state(self) -> Snapshot:
        """Weights, optimizer, step count and the environments."""
        return {
            'weights': self.network.get_weights(),
            'optimizer': [variable.numpy() for variable in self.train_model.optimizer.variables],
            'runners': self._for_all(Runner.state, self.runners),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.network.set_weights(state['weights'])
        optimizer_variables = self.train_model.optimizer.variables
        for variable, value in zip(optimizer_variables, state['optimizer'], strict=True):
            variable.assign(value)
        self._for_all(Runner.set_state, self.runners, state['runners'])

    def close(self) -> None:
        """Ends the threads and the environments."""
        self._threads.shutdown()
        for envs in self.envs:
            envs.close()


def _start(env_config: EnvConfig, group: np.ndarray) -> SubprocVecEnv:
    """The environments of these numbers."""
    makers = [functools.partial(make_env, env_config, int(i)) for i in group]
    return SubprocVecEnv(makers, step_infos=False)


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
