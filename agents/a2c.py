"""A2C, synchronous advantage actor-critic.

N environments make T steps each; then one gradient of one loss on all N * T samples updates the
weights. Mnih et al. (2016), https://arxiv.org/abs/1602.01783, without the asynchrony, as in OpenAI
Baselines.

The environments are divided into groups. A thread per group collects its rollout and computes its
gradients, so that one group computes while another waits for its emulators. The mean of these is
the gradient on all samples; the weights change when all groups are done.
"""

import operator
from collections.abc import Mapping

import tensorflow as tf

from agents.actor_critic import ActorCritic
from agents.configs import A2CConfig, RunConfig
from agents.models import Gradients, TrainMetrics
from agents.run import Run
from agents.runner import Runner
from envs.config import EnvConfig


class A2C(ActorCritic):
    """All groups update the weights together."""

    def __init__(self, config: A2CConfig, env_config: EnvConfig) -> None:
        num_groups = min(config.num_groups, config.num_envs)
        super().__init__(config, env_config, config.num_envs, num_groups)

    def update(self) -> TrainMetrics:
        """One rollout of every group and one gradient step; returns its `TrainMetrics`."""
        # Before the rollout, else the last update had no learning rate.
        learning_rate, entropy_cost = self.learning_rate(), self._entropy_cost(self.num_steps)

        def collect(runner: Runner) -> Gradients:
            return self.train_model.gradients(runner.run(), entropy_cost, runner.share)

        metrics = self.train_model.apply(self._for_all(collect, self.runners), learning_rate)
        self.num_steps = self.runners[0].num_steps
        episodes = [episode for runner in self.runners for episode in runner.episodes]
        self.episodes = sorted(episodes, key=operator.itemgetter('step'))
        return metrics


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
