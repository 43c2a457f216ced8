"""What agents with a replay memory share: they step, remember, and learn from what they remember.

N environments step together; B transitions, drawn from the memory, make an update. TF-Agents'
drivers and replay buffers are not used: `replay` says why, and with `SubprocVecEnv` a step costs a
fifth of theirs.
"""

import abc
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tf_agents.trajectories import policy_step, time_step, trajectory

from agents.compiled import Compiled
from agents.configs import RunConfig
from agents.distributions import Distribution
from agents.episodes import EpisodeNotes
from agents.metrics import Metrics
from agents.models import StepModel
from agents.off_policy_configs import OffPolicyConfig
from agents.replay import ReplayMemory, Transitions
from agents.run import Run
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.make import make_vec_env
from envs.restarts import Restarts


class OffPolicy(abc.ABC):
    """An agent with a replay memory; the subclasses say how it acts and learns.

    Args:
        config: Of the algorithm.
        env_config: Of the game.

    Attributes:
        network: What is saved: observations to (actions or Q(s, a), values).
        distribution: What the first output means.
        step_model: Acts as the network says, without exploration.
        num_steps: Agent steps of all environments together.
        num_updates: Made or skipped so far.
        episodes: Statistics of the episodes that ended in the last step.
        largest_return: The largest running return by then: see `conduct`.
        restarts: Counts the workers that were replaced.
        skipped: Of a skipped update nothing is kept.
    """

    metrics_fields: tuple[str, ...]
    network: keras.Model
    distribution: Distribution
    step_model: StepModel

    def __init__(self, config: OffPolicyConfig, env_config: EnvConfig) -> None:
        self.config = config
        self.num_steps = self.num_updates = 0
        self.episodes: list[dict[str, Any]] = []
        self.restarts = Restarts(env_config.max_restarts, defer=True)
        self.skipped: Sequence[Any] = ()
        self._rate_factor, self.largest_return = 1.0, 0.0
        self._envs = make_vec_env(env_config, range(config.num_envs), restarts=self.restarts)
        self.envs = [self._envs]
        try:
            env_seed, weight_seed, action_seed, sample_seed = (
                int(seed) // 2 for seed in np.random.SeedSequence(config.seed).generate_state(4)
            )
            self._build(weight_seed, action_seed)
            self._memory = ReplayMemory(
                config.replay_capacity,
                self._envs.single_observation_space,
                self._envs.single_action_space,
                config.num_envs,
                depth=_depth(self._envs.single_observation_space.shape or ()),
                seed=sample_seed,
            )
            shape = self._envs.single_action_space.shape or ()
            self._notes = EpisodeNotes(config.num_envs, shape, config.discount)
            self._observations, _ = self._envs.reset(seed=env_seed)
            self._memory.reset(self._observations)
        except BaseException:
            self.close()
            raise

    @abc.abstractmethod
    def _build(self, weight_seed: int, action_seed: int) -> None:
        """Makes the networks, the optimizers and what acts, for `self._envs`."""

    @abc.abstractmethod
    def _explore(self, observations: np.ndarray, starts: np.ndarray) -> tuple[Any, np.ndarray]:
        """Actions, `[N, ...]`, with noise; and the values of what was observed, `float32[N]`."""

    @abc.abstractmethod
    def _learn(self, transitions: Transitions) -> Metrics:
        """An update from B transitions."""

    @abc.abstractmethod
    def learning_rate(self) -> float:
        """The learning rate of the next update; the actor's if there are two."""

    @abc.abstractmethod
    def _variables(self) -> list[tf.Variable]:
        """All that an update changes: weights, those of targets, optimizers, counts."""

    def update(self) -> Metrics | None:
        """A step of every environment, and the updates that are due; their mean metrics."""
        config, before = self.config, self.num_steps
        actions, values = self._explore(self._observations, self._notes.starts)
        self._observations, rewards, terminated, truncated, infos = self._envs.step(actions)
        self._memory.add(actions, self._observations, rewards, terminated, truncated, infos)
        self.num_steps += config.num_envs
        ended = self._notes.note(values, actions, rewards, terminated | truncated, infos)
        self.episodes = [{'step': self.num_steps, **episode} for episode in ended]
        self.largest_return = self._notes.largest_return
        if self.num_steps < max(config.learning_starts, config.batch_size):
            return None
        num_updates = self.num_steps // config.train_period - before // config.train_period
        metrics = [self._update_once() for _ in range(num_updates)]
        if len(metrics) > 1:
            return type(metrics[0])(*np.mean([tuple(one) for one in metrics], axis=0).tolist())
        return metrics[0] if metrics else None

    def _update_once(self) -> Metrics:
        transitions = self._memory.sample(self.config.batch_size, self.num_updates)
        self.num_updates += 1
        return self._learn(transitions)

    def paused(self) -> contextlib.AbstractContextManager[object]:
        """Within it nothing is learned."""
        return contextlib.nullcontext()

    def state(self) -> Snapshot:
        """Everything that learning continues from, the replay memory included."""
        return {
            'num_steps': self.num_steps,
            'num_updates': self.num_updates,
            'rate_factor': self._rate_factor,
            'variables': [variable.numpy() for variable in self._variables()],
            'memory': self._memory.state(),
            'notes': self._notes.state(),
            'envs': self._envs.snapshot(),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps, self.num_updates = int(state['num_steps']), int(state['num_updates'])
        self._set_variables(state, float(state['rate_factor']))
        self._memory.set_state(state['memory'])
        self._notes.set_state(state['notes'])
        self._observations = self._envs.restore(state['envs'])

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state; steps and the memory go on.

        The learning rates are multiplied by the factor for good.
        """
        self._set_variables(state, self._rate_factor * rate_factor)

    def _set_variables(self, state: Snapshot, rate_factor: float) -> None:
        for variable, value in zip(self._variables(), state['variables'], strict=True):
            variable.assign(value)
        self._rate_factor = rate_factor
        self._scale_learning_rates(rate_factor)

    @abc.abstractmethod
    def _scale_learning_rates(self, factor: float) -> None:
        """Makes the learning rates those of the configuration times the factor."""

    def close(self) -> None:
        """Ends the environments."""
        self._envs.close()


class Learning:
    """An update as one operation that gives numbers.

    TF-Agents ends it with an error where a loss is not finite: then there are no numbers. Weights
    stay finite in any case, since `optimizers` looks at the gradients.

    Args:
        function: B transitions to numbers, `float32[n]`.
    """

    def __init__(self, function: Callable[[Transitions], tf.Tensor]) -> None:
        # TF-Agents says itself what is a graph, and AutoGraph warns of its style.
        self._operation = Compiled(tf.autograph.experimental.do_not_convert(function))

    def __call__(self, transitions: Transitions) -> list[float] | None:
        """The numbers; None if the update broke off."""
        try:
            return self._operation(transitions).numpy().tolist()
        except tf.errors.InvalidArgumentError as error:
            if 'inf or nan' not in str(error):
                raise
            return None


def as_experience(transitions: Transitions) -> trajectory.Transition:
    """The transitions as TF-Agents' agents learn from them.

    Not as rows of a `Trajectory`: of these each has one observation, so that the row between two
    episodes would be learned from as if it were a step of the game.
    """
    ones = tf.ones_like(transitions.rewards)
    kinds = tf.fill(tf.shape(ones), time_step.StepType.MID)
    return trajectory.Transition(
        time_step.TimeStep(kinds, tf.zeros_like(ones), ones, transitions.observations),
        policy_step.PolicyStep(transitions.actions),
        time_step.TimeStep(
            kinds, transitions.rewards, transitions.discounts, transitions.next_observations
        ),
    )


def train(
    make_agent: Callable[[], OffPolicy],
    config: OffPolicyConfig,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
) -> bool:
    """Trains an agent into `run_config.run_dir`.

    Args:
        make_agent: Makes it.
        config: Of the algorithm.
        env_config: Of the game.
        run_config: Where to write and how often.
        origins: Where the values of the fields come from, to tell at the start.

    Returns:
        Whether it came to its end; False if a signal stopped it.

    Raises:
        UsageError: The configuration does not fit the game, or the directory cannot be used.
    """
    tf.random.set_seed(config.seed)  # TF-Agents draws numbers; what they are does not matter.
    # The same numbers whatever TensorFlow's threads do.
    tf.config.experimental.enable_op_determinism()
    agent = make_agent()
    with Run(agent, config, env_config, run_config, origins) as run:
        while agent.num_steps < config.total_steps and not run.interrupted:
            run.after_update(agent.update())
    return not run.interrupted


def _depth(shape: tuple[int, ...]) -> int:
    """Pictures in an observation: those of `FrameStack`."""
    return shape[2] if len(shape) == 3 else 1
