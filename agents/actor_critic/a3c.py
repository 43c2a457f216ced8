"""A3C, asynchronous advantage actor-critic.

Worker threads, each with environments of its own, repeat without waiting for each other:

    θ' <- θ                                      a copy of the shared weights
    act for T steps with θ'                      one rollout
    d <- ∂L/∂θ' on this rollout                  the loss of A2C
    update θ and the optimizer's statistics with d

Mnih et al. (2016), algorithm S3, https://arxiv.org/abs/1602.01783. Between a worker's copy and its
update other workers update θ: most gradients are as many updates old as there are other workers.

Workers are threads of one process, their emulators are processes. TensorFlow and the wait for
emulators release Python's lock, so only the Python code between them takes turns.
"""

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from agents.actor_critic.base import ActorCritic
from agents.actor_critic.dumps import Batch
from agents.actor_critic.worker_threads import WorkerThreads
from agents.agent import MakeEnvs
from agents.configs.actor_critic import A3CConfig
from agents.learning.metrics import TrainMetrics
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Snapshot
from envs.make import make_vec_env


class WorkerUpdate(NamedTuple):
    """A worker's report of one update."""

    num_steps: int  # Agent steps of all workers by then
    metrics: TrainMetrics
    episodes: list[dict[str, Any]]  # Statistics of the episodes that ended in its rollout
    batch: Batch | None = None  # The data of its gradients, if it was skipped


class A3C(ActorCritic):
    """Asynchronous advantage actor-critic: each worker updates the weights on its own.

    With several workers no two runs are alike, since the order of updates is not. A single one
    works in the thread of its caller, repeats itself, and is A2C.

    `num_steps` counts the updates that were asked for; in a pause the weights may be a few updates
    further.

    Args:
        config: The options of the algorithm.
        env_config: The game.
        make_envs: Makes environments, as `make_vec_env` does.
    """

    def __init__(
        self, config: A3CConfig, env_config: EnvConfig, make_envs: MakeEnvs = make_vec_env
    ) -> None:
        self._num_optimizers = 1 if config.shared_statistics else config.num_workers
        self._update_lock = threading.Lock() if config.locked else contextlib.nullcontext()
        self._told = threading.Condition()  # Guards the three attributes that follow.
        self._num_claimed = self._num_done = 0  # Agent steps of all workers.
        self._updates = collections.deque[WorkerUpdate | BaseException]()  # Not yet asked for.
        self._workers = WorkerThreads(config.num_workers, self._work, self._on_failure)
        super().__init__(config, env_config, make_envs, config.num_workers)

    @classmethod
    def is_deterministic(cls, config: A3CConfig) -> bool:
        """Says whether there is a single worker: the order of several is left to chance."""
        return config.num_workers == 1

    def _work(self, worker: int) -> bool:
        """One round of a worker; False if all steps are done or taken."""
        local, runner = self.actors[worker], self.runners[worker]
        if not self._claim(runner.num_samples):
            return False
        local.weights = self.train_model.weights()
        learning_rate = self._rate(self._num_done)
        entropy_cost = self._entropy_cost(self._num_done)
        rollout, forward_pass = runner.run(self.normalizer.reward_scale)
        gradients = self.train_model.gradients(
            rollout, forward_pass, entropy_cost, weights=local.weights
        )
        with self._update_lock:
            # The copy above was made without the lock: its layers may be an update apart.
            metrics = self.train_model.apply(
                [gradients], learning_rate, worker % self._num_optimizers
            )
            if metrics.is_finite:
                self.normalizer.add([runner.moments])
        batch = None
        if not metrics.is_finite:
            memories = forward_pass.memories
            batch = Batch(rollout, memories, local.weights, entropy_cost, 1.0)
        self._tell(worker, metrics, batch)
        return True

    def _claim(self, num_steps: int) -> bool:
        """Takes the steps of a rollout, so that all workers together make as many as asked for."""
        with self._told:
            if self._num_claimed >= self.config.total_steps:
                return False
            self._num_claimed += num_steps
            return True

    def _tell(self, worker: int, metrics: TrainMetrics, batch: Batch | None) -> None:
        """Counts a rollout and passes on what was learned of it."""
        runner = self.runners[worker]
        with self._told:
            self._num_done += runner.num_samples
            about = {'step': self._num_done, 'worker': worker}
            episodes = [{**episode, **about} for episode in runner.episodes]
            self._updates.append(WorkerUpdate(self._num_done, metrics, episodes, batch))
            self._told.notify()

    def _on_failure(self, worker: int, error: BaseException) -> None:
        if not isinstance(error, UsageError):
            failure = RuntimeError(f'worker {worker} failed: {error}')
            failure.__cause__, error = error, failure
        with self._told:
            self._updates.append(error)
            self._told.notify()

    def update(self) -> TrainMetrics:
        """Waits for the next update of any worker and returns its metrics; all go on meanwhile.

        Raises:
            RuntimeError: A worker failed; the cause is what it raised.
        """
        if len(self.runners) == 1:
            if not self._updates:
                self._work(0)
        elif not self._workers.started:
            self._workers.start()
        with self._told:
            self._told.wait_for(lambda: self._updates)
            update = self._updates.popleft()
        if isinstance(update, BaseException):
            raise update
        self.num_steps, metrics, self.episodes, batch = update
        self.skipped = [batch] if batch else []
        self.max_abs_return = max(runner.max_abs_return for runner in self.runners)
        return metrics

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """A context within which no worker acts or learns; raises a worker's failure, if any."""
        with self._workers.paused():
            self._unread()
            yield

    def _unread(self) -> list[WorkerUpdate]:
        """The updates that nobody has asked for yet."""
        unread: list[WorkerUpdate] = []
        for update in self._updates:
            if isinstance(update, BaseException):
                self._updates.remove(update)
                raise update
            unread.append(update)
        return unread

    def state(self) -> Snapshot:
        """Everything that learning continues from, between two rounds of each worker."""
        with self.paused():
            unread = [_to_tree(update) for update in self._unread()]
            return {**super().state(), 'num_done': self._num_done, 'updates': unread}

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken; before the first update."""
        super().set_state(state)
        self._num_claimed = self._num_done = int(state['num_done'])
        self._updates.extend(map(_from_tree, state['updates']))

    def close(self) -> None:
        """Ends the workers, after the rollouts that are under way, and the environments."""
        self._workers.end()
        super().close()


def _to_tree(update: WorkerUpdate) -> dict[str, Any]:
    """All fields but the batch by their names, as a checkpoint takes them."""
    tree = {**update._asdict(), 'metrics': update.metrics._asdict()}
    del tree['batch']
    return tree


def _from_tree(tree: dict[str, Any]) -> WorkerUpdate:
    return WorkerUpdate(**{**tree, 'metrics': TrainMetrics(**tree['metrics'])})
