"""The base class of all algorithms: all that a run, an evaluation or a guard asks of an agent.

    agent = A2C(config, env_config)
    while agent.num_steps < config.total_steps:
        metrics = agent.update()
    agent.close()

`agents.runs.train` does this with everything around it.
"""

import abc
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from agents.distributions.base import Distribution
from agents.experience.step_model import StepModel
from agents.learning.metrics import Metrics
from agents.storage import checkpoints
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_vec_env
from envs.vector.restarts import RestartBudget
from envs.vector.subproc_vec_env import SubprocVecEnv

MakeEnvs = Callable[..., SubprocVecEnv]  # Takes the arguments of `make_vec_env`.


class AgentConfig(Protocol):
    """The options that every algorithm has."""

    @property
    def algorithm(self) -> str:
        """The name of the algorithm: its command is `train_<algorithm>`."""

    @property
    def advice(self) -> str:
        """The flags to try when training has failed, for the end of a sentence."""

    @property
    def total_steps(self) -> int:
        """Agent steps of all environments together after which training ends."""

    @property
    def seed(self) -> int:
        """The seed of weights, actions and environments."""

    @property
    def num_envs(self) -> int:
        """The number of environments."""


class Agent(abc.ABC):
    """An algorithm with its environments and its networks; the subclasses say how it learns.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes environments, as `make_vec_env` does.

    Attributes:
        metrics_fields: The names of the metrics that `update` returns.
        config: The options of the algorithm.
        network: The network that is saved: observations to (logits, actions or Q(s, a); values).
        distribution: The meaning of the network's first output.
        step_model: Acts as the network says, without further exploration.
        num_steps: Agent steps of all environments together so far.
        episodes: The statistics of the episodes that ended in the last update.
        restarts: Counts the workers that were replaced; a training ends when there is an `excess`.
        max_abs_return: The largest absolute running return so far: see `EpisodeTracker`.
    """

    metrics_fields: tuple[str, ...]
    network: keras.Model
    distribution: Distribution
    step_model: StepModel

    def __init__(
        self, config: AgentConfig, env_config: EnvConfig, make_envs: MakeEnvs = make_vec_env
    ) -> None:
        self.config: Any = config
        self.num_steps = 0
        self.episodes: list[dict[str, Any]] = []
        self.restarts = RestartBudget(env_config.max_restarts, defer=True)
        self.max_abs_return = 0.0
        self._make_envs = make_envs
        self._rate_factor = 1.0  # On the learning rates, after rollbacks.

    @classmethod
    def is_deterministic(cls, config: Any) -> bool:
        """Says whether two trainings with this configuration are equal, bit for bit."""
        return True

    @staticmethod
    @abc.abstractmethod
    def recompute(dump: checkpoints.Tree) -> dict[str, np.ndarray]:
        """The quantities of an update that was dumped, computed again but not applied.

        Returns:
            Arrays by name, in the order in which one follows from the other.
        """

    @property
    @abc.abstractmethod
    def envs(self) -> Sequence[SubprocVecEnv]:
        """The groups of environments."""

    @abc.abstractmethod
    def update(self) -> Metrics | None:
        """Makes steps and learns from them; returns None if no update was due yet."""

    @abc.abstractmethod
    def learning_rate(self) -> float:
        """The learning rate of the next update; the actor's if there are two."""

    @abc.abstractmethod
    def state(self) -> Snapshot:
        """Everything that learning continues from."""

    @abc.abstractmethod
    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""

    @abc.abstractmethod
    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state; steps and episodes go on.

        The learning rates are multiplied by the factor for good. To be called within `paused`.
        """

    @abc.abstractmethod
    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """The data of the last update if it was skipped and they are known: see `recompute`.

        Args:
            metrics: The metrics of the update.
        """

    def paused(self) -> contextlib.AbstractContextManager[object]:
        """A context within which nothing is learned."""
        return contextlib.nullcontext()

    def about(self) -> Mapping[str, str | float]:
        """Facts for the recipe of a saved model, beside its environment: how to act, and so on."""
        return self.distribution.about()

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the environments."""
