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
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from agents.actor_critic.base import ActorCritic
from agents.actor_critic.dumps import Batch
from agents.actor_critic.train_model import Gradients
from agents.agent import MakeEnvs
from agents.configs.actor_critic import A2CConfig
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel, Weights
from agents.learning.losses import A2CLosses
from agents.learning.metrics import TrainMetrics
from agents.learning.normalization import Moments
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_vec_env


class GroupGradients(NamedTuple):
    """The gradients that one group of environments got from its rollout, and facts about it."""

    gradients: Gradients
    num_steps: int  # Agent steps of all groups by then
    episodes: list[dict[str, Any]]  # Statistics of the episodes that ended in the rollout
    max_abs_return: float  # The largest absolute running return of the group so far
    moments: dict[str, Moments]  # Statistics of the quantities that are normalised
    batch: Batch | None  # The data of the gradients; unknown for a resumed run's first update


class A2C(ActorCritic):
    """Synchronous advantage actor-critic: all groups update the weights together.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes environments, as `make_vec_env` does.
    """

    def __init__(
        self, config: A2CConfig, env_config: EnvConfig, make_envs: MakeEnvs = make_vec_env
    ) -> None:
        self._overlap = config.overlap
        self._next: list[Future[GroupGradients]] = []  # With `overlap`: for the next update.
        num_groups = min(config.num_groups, config.num_envs)
        super().__init__(config, env_config, make_envs, num_groups, config.pin_cores)

    def update(self) -> TrainMetrics:
        """Collects a rollout with every group, makes one gradient step, and returns its metrics."""
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

    def _begin_rollouts(self) -> list[Future[GroupGradients]]:
        """Lets every group, in its own thread, collect a rollout with the present weights.

        Each calls `_group_gradients`.
        """
        weights = self.train_model.weights() if self._overlap else ()
        entropy_cost = self._entropy_cost(self.runners[0].num_steps)
        reward_scale = self.normalizer.reward_scale
        learn = functools.partial(self._group_gradients, weights, entropy_cost, reward_scale)
        return self._submit(learn, self.runners, self.actors)

    def _group_gradients(
        self,
        weights: Weights,
        entropy_cost: float,
        reward_scale: float | None,
        runner: Runner,
        actor: StepModel,
    ) -> GroupGradients:
        actor.weights = weights
        rollout, forward_pass = runner.run(reward_scale)
        gradients = self.train_model.gradients(
            rollout, forward_pass, entropy_cost, runner.batch_fraction, weights
        )
        batch = Batch(rollout, forward_pass.memories, weights, entropy_cost, runner.batch_fraction)
        about = runner.num_steps, runner.episodes, runner.max_abs_return, runner.moments
        return GroupGradients(gradients, *about, batch)

    def state(self) -> Snapshot:
        """Everything that learning continues from."""
        ready = [_to_tree(part) for part in self._results(self._next)]
        return {**super().state(), 'next': ready}

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """As `ActorCritic.roll_back`; gradients that the weights of before gave change nothing."""
        super().roll_back(state, rate_factor)
        self._next = [_ready(_without_gradients(part)) for part in self._results(self._next)]

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._results(self._next)
        super().set_state(state)
        self._next = [_ready(_from_tree(tree)) for tree in state['next']]


def _ready(part: GroupGradients) -> Future[GroupGradients]:
    future: Future[GroupGradients] = Future()
    future.set_result(part)
    return future


def _without_gradients(part: GroupGradients) -> GroupGradients:
    zeros = [tf.zeros_like(gradient) for gradient in part.gradients.gradients]
    return part._replace(gradients=part.gradients._replace(gradients=zeros))


def _to_tree(part: GroupGradients) -> dict[str, Any]:
    """All fields but the batch by their names, as a checkpoint takes them."""
    tree = part._asdict()
    del tree['batch']
    gradients = tf.nest.map_structure(np.asarray, part.gradients._asdict())
    gradients['losses'] = gradients['losses']._asdict()
    moments = {name: own._asdict() for name, own in part.moments.items()}
    return {**tree, 'gradients': gradients, 'moments': moments}


def _from_tree(tree: dict[str, Any]) -> GroupGradients:
    gradients = {**tree['gradients'], 'losses': A2CLosses(**tree['gradients']['losses'])}
    moments = {name: Moments(**own) for name, own in tree['moments'].items()}
    fields = {**tree, 'gradients': Gradients(**gradients), 'moments': moments}
    return GroupGradients(**fields, batch=None)
