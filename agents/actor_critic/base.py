"""The parts that A2C and A3C share: groups of environments with a thread each, and one network."""

import concurrent.futures
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import keras
import numpy as np

from agents.actor_critic import dumps, real_actions
from agents.actor_critic.train_model import TrainModel
from agents.agent import Agent, MakeEnvs
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.distributions import factory
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.learning import schedules
from agents.learning.metrics import Metrics, TrainMetrics
from agents.learning.normalization import Normalizer, RolloutStatistics
from agents.networks import policy_value
from agents.storage import checkpoints
from envs.config import EnvConfig
from envs.game import Snapshot
from envs.vector import cores
from envs.vector.subproc_vec_env import SubprocVecEnv

Result = TypeVar('Result')


class ActorCritic(Agent):
    """An actor-critic agent; the subclasses say how it learns.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes the environments of a group, as `make_vec_env` does.
        num_groups: The groups that the environments are divided into, as evenly as can be.
        pin_cores: Whether each group, its thread and its workers, keeps to cores of its own.

    Attributes:
        actors: The step model of each group, with weights of its own if these are set.
        runners: The runner of each group.
        normalizer: Running statistics, some of them in the network.
        train_model: Computes gradients and updates the weights.
        skipped: The data of the last update's gradients, if it was skipped.
    """

    metrics_fields: tuple[str, ...] = TrainMetrics._fields
    config: A2CConfig | A3CConfig
    _num_optimizers = 1

    def __init__(
        self,
        config: A2CConfig | A3CConfig,
        env_config: EnvConfig,
        make_envs: MakeEnvs,
        num_groups: int,
        pin_cores: bool = False,
    ) -> None:
        super().__init__(config, env_config, make_envs)
        self.skipped: Sequence[dumps.Batch] = ()
        groups = np.array_split(np.arange(config.num_envs), num_groups)
        self._threads = [_thread(group, num_groups, pin_cores) for group in range(num_groups)]
        self._envs: list[SubprocVecEnv] = []
        try:
            self._start(env_config, [group.tolist() for group in groups])
            self._build([int(group[0]) for group in groups])
        except BaseException:
            self.close()
            raise

    @property
    def envs(self) -> list[SubprocVecEnv]:
        """The environments of each group."""
        return self._envs

    def _start(self, env_config: EnvConfig, groups: list[list[int]]) -> None:
        """Starts the environments of these numbers, each group in its own thread."""
        start = functools.partial(
            self._make_envs, env_config, num_groups=len(groups), restarts=self.restarts
        )
        starts = self._submit(start, groups)
        concurrent.futures.wait(starts)
        # Those that did start must be closed, if another did not.
        self._envs = [start.result() for start in starts if not start.exception()]
        self._results(starts)

    def _build(self, first_envs: list[int]) -> None:
        config = self.config
        env_seed, weight_seed, action_seed = np.random.SeedSequence(config.seed).generate_state(3)
        self.network = self._make_network(int(weight_seed))
        action_space = self.envs[0].single_action_space
        self.distribution = factory.for_training(config, action_space, self.network)
        self.normalizer = Normalizer(self.network, config.normalize_rewards)
        self.step_model = StepModel(self.network, self.distribution, int(action_seed))
        self.train_model = TrainModel(self.network, self.distribution, config, self._num_optimizers)
        self.actors = [self.step_model.copy() for _ in self.envs]
        self.runners = list(map(self._make_runner, self.envs, self.actors, first_envs))
        self._for_all(lambda runner: runner.reset(int(env_seed) // 2), self.runners)
        self._schedule = schedules.make(
            config.lr_schedule, config.learning_rate, 0.0, config.total_steps
        )
        self._entropy_cost = schedules.make(
            config.entropy_schedule, config.entropy_cost, 0.0, config.total_steps
        )

    def _make_network(self, seed: int) -> keras.Model:
        config, space = self.config, self.envs[0].single_action_space
        by_space = factory.for_space(space)
        return policy_value.build(
            config.network,
            self.envs[0].single_observation_space,
            by_space.num_logits,
            seed,
            activation=config.activation,
            lstm_units=config.lstm_units,
            feed_last_action_reward=config.feed_last_action_reward,
            hidden_units=config.hidden_units,
            shared_torso=config.shared_torso,
            gaussian=real_actions.gaussian_head(config, by_space, space),
            normalize_observations=config.normalize_observations,
        )

    def _make_runner(self, envs: SubprocVecEnv, actor: StepModel, first_env: int) -> Runner:
        config = self.config
        statistics = RolloutStatistics(
            envs.num_envs, config.discount, config.normalize_observations, config.normalize_rewards
        )
        return Runner(
            envs,
            actor,
            config.unroll_length,
            config.discount,
            first_env,
            config.num_envs,
            statistics,
        )

    def _for_all(self, function: Callable[..., Result], *items: Iterable[Any]) -> list[Result]:
        """Calls the function with each item, in the group's thread; returns the results."""
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
        self._rate_factor = float(state['rate_factor'])
        self._set_weights(state)
        self._for_all(Runner.set_state, self.runners, state['runners'])

    def roll_back(self, state: Snapshot, rate_factor: float) -> None:
        """Takes over weights and optimizers of an earlier state: see `Agent.roll_back`."""
        self._set_weights(state)
        self._rate_factor *= rate_factor

    def _set_weights(self, state: Snapshot) -> None:
        self.network.set_weights(state['weights'])
        self.normalizer.set_state(state['normalizer'])
        optimizers = self.train_model.optimizers
        for optimizer, values in zip(optimizers, state['optimizers'], strict=True):
            for variable, value in zip(optimizer.variables, values, strict=True):
                variable.assign(value)

    def about(self) -> dict[str, str | float]:
        """How to act and to normalise, for the recipe of a saved model."""
        return {**self.distribution.about(), **self.normalizer.about()}

    def dump(self, metrics: Metrics) -> checkpoints.Tree | None:
        """The data of the last update's gradients, if it was skipped and they are known."""
        if not self.skipped:
            return None
        space = self.envs[0].single_action_space
        return dumps.of_rollouts(self.config, self.network, space, self.skipped, metrics)

    @staticmethod
    def recompute(dump: checkpoints.Tree) -> dict[str, np.ndarray]:
        """The quantities of a dumped update, computed again: see `dumps.recompute`."""
        return dumps.recompute(dump)

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
