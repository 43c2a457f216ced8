"""What all agents on TF-Agents share: they step N environments, and what they learn is variables.

TF-Agents' drivers are not used: with `SubprocVecEnv` a step costs a fifth of theirs.
"""

import abc
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import keras
import numpy as np
import tensorflow as tf

from agents.actor_critic import dumps
from agents.configs.run import RunConfig
from agents.distributions.base import Distribution
from agents.experience.episodes import EpisodeTracker
from agents.experience.step_model import StepModel
from agents.learning.metrics import Metrics
from agents.runs.run import Run
from agents.storage import checkpoints
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Snapshot
from envs.make import make_vec_env
from envs.vector.restarts import RestartBudget


class Learner(abc.ABC):
    """An agent; the subclasses say how it acts and learns.

    Args:
        config: Of the algorithm.
        env_config: Of the game.

    Attributes:
        network: What is saved: observations to (actions, Q(s, a) or logits; values).
        distribution: What the first output means.
        step_model: Acts as the network says, without exploration.
        num_steps: Agent steps of all environments together.
        episodes: Statistics of the episodes that ended in the last update.
        max_abs_return: The largest absolute running return by then: see `EpisodeTracker`.
        restarts: Counts the workers that were replaced.
        skipped: A dump of the first update that was skipped, if the last ones had such.
    """

    metrics_fields: tuple[str, ...]
    network: keras.Model
    distribution: Distribution
    step_model: StepModel

    def __init__(self, config: Any, env_config: EnvConfig) -> None:
        self.config = config
        self.num_steps = 0
        self.episodes: list[dict[str, Any]] = []
        self.restarts = RestartBudget(env_config.max_restarts, defer=True)
        self.skipped: checkpoints.Tree | None = None
        self._rate_factor, self.max_abs_return = 1.0, 0.0
        self._envs = make_vec_env(env_config, range(config.num_envs), restarts=self.restarts)
        self.envs = [self._envs]
        # TF-Agents draws numbers. What they are does not matter, but a run that repeats itself has
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
            self._tracker = EpisodeTracker(config.num_envs, space, config.discount)
            self._observations, _ = self._envs.reset(seed=env_seed)
        except BaseException:
            self.close()
            raise

    @abc.abstractmethod
    def _build(self, weight_seed: int, action_seed: int) -> None:
        """Makes the networks, the optimizers and what acts, for `self._envs`."""

    @abc.abstractmethod
    def update(self) -> Metrics | None:
        """Steps, and what is learned of them; None if nothing was due."""

    @abc.abstractmethod
    def learning_rate(self) -> float:
        """The learning rate of the next update; the actor's if there are two."""

    @abc.abstractmethod
    def _scale_learning_rates(self, factor: float) -> None:
        """Makes the learning rates those of the configuration times the factor."""

    @abc.abstractmethod
    def _variables(self) -> list[tf.Variable]:
        """All that an update changes: weights, those of targets, optimizers, counts."""

    @abc.abstractmethod
    def _networks(self) -> dict[str, keras.Model]:
        """Those that learn, and their targets: see `dumps.of_experience`."""

    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """What an update, which was skipped, was derived from; its metrics may be of several."""
        return self.skipped

    def _keep_if_skipped(self, experience: Any, metrics: Metrics) -> None:
        """To be called after each update: the next one changes the networks."""
        if self.skipped is None and not metrics.is_finite:
            self.skipped = dumps.of_experience(self.config, self._networks(), experience, metrics)

    def _step(self, actions: np.ndarray, values: np.ndarray) -> tuple[Any, ...]:
        """Steps all environments; what they answered: see `SubprocVecEnv`."""
        answer = self._envs.step(actions)
        self._observations, rewards, terminated, truncated, infos = answer
        self.num_steps += self.config.num_envs
        ended = self._tracker.update(values, actions, rewards, terminated | truncated, infos)
        self.episodes += [{'step': self.num_steps, **episode} for episode in ended]
        self.max_abs_return = self._tracker.max_abs_return
        return answer

    def paused(self) -> contextlib.AbstractContextManager[object]:
        """Within it nothing is learned."""
        return contextlib.nullcontext()

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
        """Those of the environments."""
        return self._envs.snapshot()

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps = int(state['num_steps'])
        self._set_variables(state, float(state['rate_factor']))
        self._tracker.set_state(state['notes'])
        self._observations = self._envs.restore(state['envs'])

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state; steps and episodes go on.

        The learning rates are multiplied by the factor for good.
        """
        self._set_variables(state, self._rate_factor * rate_factor)

    def _set_variables(self, state: Snapshot, rate_factor: float) -> None:
        for variable, value in zip(self._variables(), state['variables'], strict=True):
            variable.assign(value)
        self._rate_factor = rate_factor
        self._scale_learning_rates(rate_factor)

    def about(self) -> dict[str, Any]:
        """What the recipe of a model should tell: how to act, if not by a distribution."""
        return self.distribution.about()

    def close(self) -> None:
        """Ends the environments."""
        self._envs.close()


def numbers(operation: Callable[..., tf.Tensor], *arguments: Any) -> list[float] | None:
    """What an update says of itself; None if it broke off.

    TF-Agents ends it with an error where a loss is not finite. Weights stay finite in any case,
    since `updates` looks at the gradients.
    """
    try:
        return operation(*arguments).numpy().tolist()
    except tf.errors.InvalidArgumentError as error:
        if 'inf or nan' not in str(error):
            raise
        return None


def train(
    make_agent: Callable[[Any, EnvConfig], Learner],
    config: Any,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
) -> str:
    """Trains an agent into `run_config.run_dir`.

    Args:
        make_agent: Makes it of both configurations, as its class does.
        config: Of the algorithm.
        env_config: Of the game.
        run_config: Where to write and how often.
        origins: Where the values of the fields come from, to tell at the start.

    Returns:
        '' if it came to its end, else the name of the signal that stopped it.

    Raises:
        UsageError: The configuration does not fit the game, or the directory cannot be used.
    """
    # The same numbers whatever TensorFlow's threads do.
    tf.config.experimental.enable_op_determinism()
    agent = make_agent(config, env_config)
    with Run(agent, config, env_config, run_config, origins) as run:
        while agent.num_steps < config.total_steps and not run.interrupted:
            run.after_update(agent.update())
    return run.stopped_by
