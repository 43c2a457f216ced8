"""A2C, synchronous advantage actor-critic.

N environments make T steps each; then one gradient of one loss on all N * T samples updates the
weights. Mnih et al. (2016), https://arxiv.org/abs/1602.01783, without the asynchrony, as in OpenAI
Baselines.

The environments are divided into groups. A thread per group collects its rollout and computes its
gradients, so that one group computes while another waits for its emulators. The mean of these is
the gradient on all samples; the weights change when all groups are done. Each group, its thread and
its emulators, has processor cores of its own: no process waits in the queue of a core while another
core idles.

With `overlap` the groups begin their next rollouts before the update, with the weights that there
are by then: each gradient is one update old, as those of A3C are, but runs still repeat themselves.
"""

import functools
import operator
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from agents.actor_critic.base import ActorCritic
from agents.actor_critic.dumps import Batch
from agents.actor_critic.train_model import Gradients
from agents.configs.actor_critic import A2CConfig
from agents.configs.run import RunConfig
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel, Weights
from agents.learning.losses import A2CLosses
from agents.learning.metrics import TrainMetrics
from agents.learning.normalization import Moments
from agents.runs.run import Run
from envs.config import EnvConfig
from envs.game import Snapshot


class Experience(NamedTuple):
    """What a group has learned of a rollout."""

    gradients: Gradients
    num_steps: int  # Agent steps of all groups by then
    episodes: list[dict[str, Any]]  # Those that ended in it
    max_abs_return: float  # Largest absolute running return of the group so far
    moments: dict[str, Moments]  # Of what is normalised
    batch: Batch | None  # What the gradients were derived from; not known of a resumed run's first.


class A2C(ActorCritic):
    """All groups update the weights together."""

    def __init__(self, config: A2CConfig, env_config: EnvConfig) -> None:
        self._overlap = config.overlap
        self._next: list[Future[Experience]] = []  # With `overlap`: for the next update.
        num_groups = min(config.num_groups, config.num_envs)
        super().__init__(config, env_config, config.num_envs, num_groups, config.pin_cores)

    def update(self) -> TrainMetrics:
        """A rollout of every group and one gradient step; returns its `TrainMetrics`."""
        learning_rate = self.learning_rate()
        parts = self._results(self._next or self._begin_rollouts())
        self._next = self._begin_rollouts() if self._overlap else []
        metrics = self.train_model.apply([part.gradients for part in parts], learning_rate)
        if metrics.is_finite:
            self.normalizer.add(part.moments for part in parts)
        self.num_steps = parts[0].num_steps
        episodes = [episode for part in parts for episode in part.episodes]
        self.episodes = sorted(episodes, key=operator.itemgetter('step'))
        self.max_abs_return = max(part.max_abs_return for part in parts)
        batches = () if metrics.is_finite else [part.batch for part in parts]
        self.skipped = [batch for batch in batches if batch]
        return metrics

    def _begin_rollouts(self) -> list[Future[Experience]]:
        """Lets every group collect experience with the weights of now."""
        weights = self.train_model.weights() if self._overlap else ()
        entropy_cost = self._entropy_cost(self.runners[0].num_steps)
        reward_scale = self.normalizer.reward_scale
        learn = functools.partial(self._experience, weights, entropy_cost, reward_scale)
        return self._submit(learn, self.runners, self.actors)

    def _experience(
        self,
        weights: Weights,
        entropy_cost: float,
        reward_scale: float | None,
        runner: Runner,
        actor: StepModel,
    ) -> Experience:
        actor.weights = weights
        rollout, forward_pass = runner.run(reward_scale)
        gradients = self.train_model.gradients(
            rollout, forward_pass, entropy_cost, runner.share, weights
        )
        batch = Batch(rollout, forward_pass.memories, weights, entropy_cost, runner.share)
        about = runner.num_steps, runner.episodes, runner.max_abs_return, runner.moments
        return Experience(gradients, *about, batch)

    def state(self) -> Snapshot:
        """Everything that learning continues from."""
        ready = [_to_arrays(experience) for experience in self._results(self._next)]
        return {**super().state(), 'next': ready}

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """As `ActorCritic.roll_back`; what was derived by the weights of before changes nothing."""
        super().roll_back(state, rate_factor)
        self._next = [_ready(_without_gradients(part)) for part in self._results(self._next)]

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._results(self._next)
        super().set_state(state)
        self._next = [_ready(_from_arrays(arrays)) for arrays in state['next']]


def _ready(experience: Experience) -> Future[Experience]:
    future: Future[Experience] = Future()
    future.set_result(experience)
    return future


def _without_gradients(experience: Experience) -> Experience:
    zeros = [tf.zeros_like(gradient) for gradient in experience.gradients.gradients]
    return experience._replace(gradients=experience.gradients._replace(gradients=zeros))


def _to_arrays(experience: Experience) -> list[Any]:
    """All but the batch."""
    arrays = tf.nest.map_structure(np.asarray, list(experience.gradients))
    moments = {name: list(own) for name, own in experience.moments.items()}
    return [[*arrays[:1], list(arrays[1]), *arrays[2:]], *experience[1:-2], moments]


def _from_arrays(arrays: list[Any]) -> Experience:
    (gradients, losses, *rest), num_steps, episodes, max_abs_return, *later = arrays
    result = Gradients(gradients, A2CLosses(*losses), *rest)
    # Older versions had no moments.
    moments = {name: Moments(*own) for name, own in (later[0] if later else {}).items()}
    return Experience(result, num_steps, episodes, max_abs_return, moments, None)


def train(
    config: A2CConfig,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
) -> str:
    """Trains an agent into `run_config.run_dir`.

    Args:
        config: Of the algorithm.
        env_config: Of the game.
        run_config: Where to write and how often.
        origins: Where the values of the fields come from, to tell at the start.

    Returns:
        '' if it came to its end, else the name of the signal that stopped it.

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
    return run.stopped_by
