"""What A2C and A3C share: groups of environments with a thread each, and one network."""

import concurrent.futures
import contextlib
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from agents.actor_critic import dumps
from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions import discrete, gsde
from agents.distributions.gaussian import DiagonalGaussian
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.learning import schedules
from agents.learning.metrics import Metrics, TrainMetrics
from agents.learning.normalization import Normalizer, RolloutStatistics
from agents.networks import heads, policy_value
from agents.storage import checkpoints
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Snapshot
from envs.make import make_vec_env
from envs.vector import cores
from envs.vector.restarts import RestartBudget
from envs.vector.subproc_vec_env import SubprocVecEnv

Result = TypeVar('Result')

_OF_REAL_ACTIONS = (
    'initial_log_std',
    'state_dependent_std',
    'state_dependent_exploration',
    'bounded_means',
)


class ActorCritic:
    """The parts of an actor-critic agent; the subclasses say how it learns.

    Args:
        config: Of the algorithm.
        env_config: Of the game.
        num_envs: Environments of all groups.
        num_groups: Groups that these are divided into, as evenly as can be.
        pin_cores: Whether each group, its thread and its workers, keeps to cores of its own.

    Attributes:
        envs: The groups.
        actors: The step model of each group, with weights of its own if these are set.
        runners: One for each group.
        network: Its weights are what is learned.
        normalizer: Running statistics, some of them in the network.
        num_steps: Agent steps of all environments together.
        episodes: Statistics of the episodes that ended in the last update's rollout.
        restarts: Counts the workers that were replaced; whoever trains looks at its `excess`.
        max_abs_return: The largest absolute running return by then: see `EpisodeTracker`.
        skipped: What the last update was derived from, if it was skipped.
    """

    metrics_fields: tuple[str, ...] = TrainMetrics._fields
    _num_optimizers = 1

    def __init__(
        self,
        config: ActorCriticConfig,
        env_config: EnvConfig,
        num_envs: int,
        num_groups: int,
        pin_cores: bool = False,
    ) -> None:
        self.config = config
        self.num_steps = 0
        self.episodes: list[dict[str, Any]] = []
        self.restarts = RestartBudget(env_config.max_restarts, defer=True)
        self.max_abs_return = 0.0
        self.skipped: Sequence[dumps.Batch] = ()
        self._rate_factor = 1.0
        groups = [group.tolist() for group in np.array_split(np.arange(num_envs), num_groups)]
        self._threads = [_thread(group, num_groups, pin_cores) for group in range(num_groups)]
        self.envs: list[SubprocVecEnv] = []
        try:
            start = functools.partial(
                make_vec_env, env_config, num_groups=num_groups, restarts=self.restarts
            )
            starts = self._submit(start, groups)
            concurrent.futures.wait(starts)
            # Those that did start must be closed, if another did not.
            self.envs = [start.result() for start in starts if not start.exception()]
            self._results(starts)
            self._build([group[0] for group in groups], num_envs)
        except BaseException:
            self.close()
            raise

    def _build(self, first_envs: list[int], num_envs: int) -> None:
        config = self.config
        env_seed, weight_seed, action_seed = np.random.SeedSequence(config.seed).generate_state(3)
        self.distribution = discrete.make(self.envs[0].single_action_space)
        self.network = policy_value.build(
            config.network,
            self.envs[0].single_observation_space,
            self.distribution.num_logits,
            int(weight_seed),
            activation=config.activation,
            lstm_units=config.lstm_units,
            feed_last_action_reward=config.feed_last_action_reward,
            hidden_units=config.hidden_units,
            shared_torso=config.shared_torso,
            gaussian=self._gaussian_head(),
            normalize_observations=config.normalize_observations,
        )
        self.distribution = gsde.of_config(config, self.distribution, self.network)
        self.normalizer = Normalizer(self.network, config.normalize_rewards)
        self.step_model = StepModel(self.network, self.distribution, int(action_seed))
        self.train_model = TrainModel(self.network, self.distribution, config, self._num_optimizers)
        self.actors = [self.step_model.copy() for _ in self.envs]
        self.runners = [
            Runner(
                envs,
                actor,
                config.unroll_length,
                config.discount,
                first_env,
                num_envs,
                self._rollout_statistics(envs.num_envs),
            )
            for envs, actor, first_env in zip(self.envs, self.actors, first_envs, strict=True)
        ]
        self._for_all(lambda runner: runner.reset(int(env_seed) // 2), self.runners)
        self._schedule = schedules.make(
            config.lr_schedule, config.learning_rate, 0.0, config.total_steps
        )
        self._entropy_cost = schedules.make(
            config.entropy_schedule, config.entropy_cost, 0.0, config.total_steps
        )

    def _gaussian_head(self) -> heads.GaussianHead | None:
        config, distribution = self.config, self.distribution
        if not isinstance(distribution, DiagonalGaussian):
            for name in _OF_REAL_ACTIONS:
                if getattr(config, name):
                    space = self.envs[0].single_action_space
                    raise UsageError(f'--{name} is for actions that are real numbers, not {space}')
            return None
        if config.initial_log_std > distribution.highest_log_std:
            most = f'{distribution.highest_log_std:.3g}'
            raise UsageError(f'--initial_log_std: {most} is the most that this game has use for')
        if config.bounded_means and not distribution.is_bounded:
            raise UsageError('--bounded_means: the actions of this game have no bounds')
        bounds = distribution.bounds if config.bounded_means else ()
        return heads.GaussianHead(
            config.initial_log_std,
            bounds,
            config.state_dependent_std,
            config.state_dependent_exploration,
        )

    def _rollout_statistics(self, num_envs: int) -> RolloutStatistics:
        config = self.config
        return RolloutStatistics(
            num_envs, config.discount, config.normalize_observations, config.normalize_rewards
        )

    def _for_all(self, function: Callable[..., Result], *items: Iterable[Any]) -> list[Result]:
        """What the function makes of each item, in a thread of the group's own."""
        return self._results(self._submit(function, *items))

    def _submit(
        self, function: Callable[..., Result], *items: Iterable[Any]
    ) -> list[concurrent.futures.Future[Result]]:
        """Calls the function with each item, in the thread of the group of that number."""
        return [
            thread.submit(function, *arguments)
            for thread, *arguments in zip(self._threads, *items, strict=True)
        ]

    def _results(self, futures: Sequence[concurrent.futures.Future[Result]]) -> list[Result]:
        """Waits for all, before the failure of one is raised."""
        concurrent.futures.wait(futures)
        return [future.result() for future in futures]

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self._rate(self.num_steps)

    def _rate(self, num_steps: int) -> float:
        return self._rate_factor * self._schedule(num_steps)

    def paused(self) -> contextlib.AbstractContextManager[object]:
        """Within it nothing is learned."""
        return contextlib.nullcontext()

    def state(self) -> Snapshot:
        """Steps, weights, optimizers and the runners with their environments."""
        return {
            'num_steps': self.num_steps,
            'weights': self.network.get_weights(),
            'normalizer': self.normalizer.state(),
            'optimizers': [
                [variable.numpy() for variable in optimizer.variables]
                for optimizer in self.train_model.optimizers
            ],
            'rate_factor': self._rate_factor,
            'runners': self._for_all(Runner.state, self.runners),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self.num_steps = int(state['num_steps'])
        self._rate_factor = float(state.get('rate_factor', 1.0))  # Older ones had none.
        self._set_weights(state)
        self._for_all(Runner.set_state, self.runners, state['runners'])

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state; steps and episodes go on.

        The learning rate is multiplied by the factor for good. To be called within `paused`.
        """
        self._set_weights(state)
        self._rate_factor *= rate_factor

    def _set_weights(self, state: Snapshot) -> None:
        self.network.set_weights(state['weights'])
        self.normalizer.set_state(state.get('normalizer', {}))  # Older ones had none.
        optimizers = self.train_model.optimizers
        for optimizer, values in zip(optimizers, state['optimizers'], strict=True):
            for variable, value in zip(optimizer.variables, values, strict=True):
                variable.assign(value)

    def about(self) -> dict[str, str | float]:
        """What the recipe of a model should tell beside its environment."""
        return {**self.distribution.about(), **self.normalizer.about()}

    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """What the last update, which was skipped, was derived from, if it is known."""
        if not self.skipped:
            return None
        space = self.envs[0].single_action_space
        return dumps.of_rollouts(self.config, self.network, space, self.skipped, metrics)

    def close(self) -> None:
        """Ends the threads and the environments."""
        for thread in self._threads:
            thread.shutdown()
        for envs in self.envs:
            envs.close()


def _thread(group: int, num_groups: int, pin_cores: bool) -> concurrent.futures.ThreadPoolExecutor:
    thread = concurrent.futures.ThreadPoolExecutor(1, f'group-{group}')
    if pin_cores:
        thread.submit(cores.keep_to, cores.share(group, num_groups))
    return thread
