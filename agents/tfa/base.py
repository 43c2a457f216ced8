"""The base of all agents on TF-Agents: they step N environments, and learn variables.

TF-Agents' drivers are not used: with `SubprocVecEnv` a step costs a fifth of theirs.
"""

import abc
from collections.abc import Callable
from typing import Any

import gymnasium
import keras
import numpy as np
import tensorflow as tf

from agents.agent import Agent, AgentConfig, MakeEnvs
from agents.experience.episodes import EpisodeTracker
from agents.learning.metrics import Metrics
from agents.storage import checkpoints
from agents.tfa import dumps
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Snapshot
from envs.make import make_vec_env
from envs.vector.subproc_vec_env import SubprocVecEnv


class TFAgent(Agent):
    """An agent on TF-Agents; the subclasses say how it acts and learns.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes the environments, as `make_vec_env` does.

    Attributes:
        skipped: A dump of the first update that was skipped, if the last ones had such.
    """

    def __init__(
        self, config: AgentConfig, env_config: EnvConfig, make_envs: MakeEnvs = make_vec_env
    ) -> None:
        super().__init__(config, env_config, make_envs)
        self.skipped: checkpoints.Tree | None = None
        self._envs = make_envs(env_config, range(config.num_envs), restarts=self.restarts)
        # TF-Agents draws numbers. Their values do not matter, but a run that repeats itself has
        # to know them.
        tf.random.set_seed(config.seed)
        try:
            if isinstance(self._envs.single_observation_space, gymnasium.spaces.Dict):
                raise UsageError(
                    f'{config.algorithm.upper()} sees pictures or numbers, not both: leave out '
                    '--game_variables, or take train_a2c or train_a3c'
                )
            env_seed, weight_seed, action_seed, self._sample_seed = (
                int(seed) // 2 for seed in np.random.SeedSequence(config.seed).generate_state(4)
            )
            self._build(weight_seed, action_seed)
            space = self._envs.single_action_space
            self._tracker = EpisodeTracker(config.num_envs, space, self.config.discount)
            self._observations, _ = self._envs.reset(seed=env_seed)
        except BaseException:
            self.close()
            raise

    @property
    def envs(self) -> list[SubprocVecEnv]:
        """The environments, in a single group."""
        return [self._envs]

    @abc.abstractmethod
    def _build(self, weight_seed: int, action_seed: int) -> None:
        """Makes the networks, the optimizers and the step model, for `self._envs`."""

    @abc.abstractmethod
    def _scale_learning_rates(self, factor: float) -> None:
        """Makes the learning rates those of the configuration times the factor."""

    @abc.abstractmethod
    def _variables(self) -> list[tf.Variable]:
        """All variables that an update changes: weights, those of targets, optimizers, counts."""

    @abc.abstractmethod
    def _networks(self) -> dict[str, keras.Model]:
        """The networks that learn, and their targets, by name: see `dumps.of_experience`."""

    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """The dump of a skipped update; the metrics may be means over several updates."""
        return self.skipped

    def _keep_if_skipped(self, experience: Any, metrics: Metrics) -> None:
        """Keeps a dump of a skipped update; to be called before the next changes the networks."""
        if self.skipped is None and not metrics.is_finite:
            self.skipped = dumps.of_experience(self.config, self._networks(), experience, metrics)

    def _step(self, actions: np.ndarray, values: np.ndarray) -> tuple[Any, ...]:
        """Steps all environments and returns their answer: see `SubprocVecEnv`."""
        answer = self._envs.step(actions)
        self._observations, rewards, terminated, truncated, infos = answer
        self.num_steps += self.config.num_envs
        ended = self._tracker.update(values, actions, rewards, terminated | truncated, infos)
        self.episodes += [{'step': self.num_steps, **episode} for episode in ended]
        self.max_abs_return = self._tracker.max_abs_return
        return answer

    def state(self) -> Snapshot:
        """Everything that learning continues from."""
        envs = self._snapshot()  # First: it may change where games go on.
        return {
            'num_steps': self.num_steps,
            'rate_factor': self._rate_factor,
            'variables': [variable.numpy() for variable in self._variables()],
            'notes': self._tracker.state(),
            'envs': envs,
        }

    def _snapshot(self) -> list[Snapshot]:
        """The snapshots of the environments."""
        return self._envs.snapshot()

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps = int(state['num_steps'])
        self._set_variables(state, float(state['rate_factor']))
        self._tracker.set_state(state['notes'])
        self._observations = self._envs.restore(state['envs'])

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state: see `Agent.roll_back`."""
        self._set_variables(state, self._rate_factor * rate_factor)

    def _set_variables(self, state: Snapshot, rate_factor: float) -> None:
        for variable, value in zip(self._variables(), state['variables'], strict=True):
            variable.assign(value)
        self._rate_factor = rate_factor
        self._scale_learning_rates(rate_factor)

    @staticmethod
    def recompute(dump: checkpoints.Tree) -> dict[str, np.ndarray]:
        """The answers of all networks of a dump to its experience: see `dumps.recompute`."""
        return dumps.recompute(dump)

    def close(self) -> None:
        """Ends the environments."""
        self._envs.close()


def numbers(operation: Callable[..., tf.Tensor], *arguments: Any) -> list[float] | None:
    """The numbers that an update returns; None if it broke off.

    TF-Agents ends it with an error where a loss is not finite. Weights stay finite in any case,
    since `optimizer` looks at the gradients.
    """
    try:
        return operation(*arguments).numpy().tolist()
    except tf.errors.InvalidArgumentError as error:
        if 'inf or nan' not in str(error):
            raise
        return None
