"""What a run needs of an algorithm."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras

from agents.distributions.base import Distribution
from agents.experience.step_model import StepModel
from agents.learning.metrics import Metrics
from agents.storage import checkpoints
from envs.game import Snapshot
from envs.vector.restarts import RestartBudget
from envs.vector.subproc_vec_env import SubprocVecEnv


class Agent(Protocol):
    """What a run needs of an algorithm."""

    metrics_fields: tuple[str, ...]  # Of what its updates say of themselves.
    config: Any  # Has `advice` for those whose training failed.
    network: keras.Model
    distribution: Distribution
    step_model: StepModel
    restarts: RestartBudget
    max_abs_return: float  # The largest absolute running return so far: see `EpisodeTracker`.

    @property
    def envs(self) -> Sequence[SubprocVecEnv]:
        """To ask them about the game."""

    @property
    def num_steps(self) -> int:
        """Agent steps so far."""

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Statistics of the episodes that ended in the last update."""

    def learning_rate(self) -> float:
        """The learning rate of the next update."""

    def state(self) -> Snapshot:
        """Everything that learning continues from."""

    def set_state(self, state: Snapshot) -> None:
        """Continues from `state`."""

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of a state; scales the learning rate for good."""

    def paused(self) -> contextlib.AbstractContextManager[object]:
        """Within it nothing is learned."""

    def about(self) -> Mapping[str, str | float]:
        """What the recipe of a model should tell beside its environment."""

    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """What the last update, which was skipped, was derived from, if it is known: see `dumps`.

        `metrics` are those of the update.
        """

    def close(self) -> None:
        """Ends the environments."""
