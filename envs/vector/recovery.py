"""Replaces workers of a vector environment that fail or have grown too large.

Failures are a process that is killed or hangs, and an environment that raises or returns something
that cannot be learned from. The new worker goes on from the last snapshots of the old one
(`crash_snapshots`). A snapshot is used once: if the failure repeats before there is a new snapshot,
the next worker begins new episodes.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from envs import observations
from envs.vector.restarts import RestartBudget
from envs.vector.transport import Arrays
from envs.vector.worker_pool import WorkerPool
from envs.vector.worker_process import WorkerError, in_words

_log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 3  # If new environments fail one after another, the next one would too.
_LOOK_SECONDS = 10.0  # Between two checks of the workers' memory.


class Recovery:
    """Keeps a vector environment going.

    Args:
        pool: The workers.
        arrays: Their shared memory.
        names: Names of the games, by environment.
        restarts: Counter of replaced workers.
        max_memory_mb: Limit for the RAM of a worker with its engines, above which the worker is
            replaced; 0 for no limit.

    Attributes:
        num_restarts: Number of this vector environment's workers that were replaced.
        num_lost: Number of episodes that were cut and could not go on.
    """

    def __init__(
        self,
        pool: WorkerPool,
        arrays: Arrays,
        names: Sequence[str],
        restarts: RestartBudget,
        max_memory_mb: int,
    ) -> None:
        self._pool, self._arrays, self._names = pool, arrays, names
        self._restarts, self._max_memory_mb = restarts, max_memory_mb
        self._rng = np.random.default_rng()  # For the seeds of new episodes.
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self.num_restarts = self.num_lost = 0

    def seed(self, seeds: list[int]) -> None:
        """Makes the seeds of new episodes reproducible."""
        self._rng = np.random.default_rng(seeds)

    def heal(
        self, number: int, failure: WorkerError, resume: bool
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Replaces a worker that failed; its environments' steps count as truncated.

        Args:
            number: Number of the worker.
            failure: Its failure.
            resume: Whether episodes go on from their last snapshots.

        Returns:
            Final info and first info of the continuation, for each environment.

        Raises:
            UsageError: If workers fail too often.
            RuntimeError: If new environments fail too.
        """
        self._pool.stop(number)  # First, because it may be alive and writing.
        cut = self._cut(number)
        report = self.describe(failure)
        for _ in range(_MAX_ATTEMPTS):
            line, _, trace = self.describe(failure).partition('\n')
            self._restarts.note_failure(line)
            self.num_restarts += 1
            try:
                infos, ages = self._start_anew(number, resume)
            except WorkerError as again:
                _log.warning('A worker failed: %s; so does its successor', line)
                failure = again
                self._pool.stop(number)
                continue
            envs = self._pool.shares[number]
            self.num_lost += sum(ages[env - envs.start] is None for env in cut)
            outcome = _outcome(envs, ages)
            _log.warning('Replaced a worker: %s; %s%s', line, outcome, trace and f'\n{trace}')
            return [({'worker_error': report}, info) for info in infos]
        raise RuntimeError(f'fresh environments fail, too: {self.describe(failure)}')

    def _cut(self, number: int) -> list[int]:
        """Truncates the steps of a worker's environments; returns the environments concerned."""
        arrays, envs = self._arrays, self._pool.shares[number]
        rows = slice(envs.start, envs.stop)
        # Episodes that ended in this very step stay as they are: a worker writes the flags last.
        cut = rows.start + np.flatnonzero(~(arrays.terminated[rows] | arrays.truncated[rows]))
        last = observations.at(arrays.observations, cut)
        observations.put(arrays.final_observations, cut, last)
        arrays.rewards[cut], arrays.truncated[cut] = 0.0, True
        return cut.tolist()

    def _start_anew(
        self, number: int, resume: bool
    ) -> tuple[list[dict[str, Any]], list[float | None]]:
        """Starts a new worker; returns the infos, and the ages of the snapshots it resumed from."""
        seeds = self._rng.integers(2**31, size=len(self._pool.shares[number])).tolist()
        if resume:
            answers = self._pool.replace(number, [('resume', seed) for seed in seeds])
            return [info for info, _ in answers], [age for _, age in answers]
        answers = self._pool.replace(number, [('reset', seed, None) for seed in seeds])
        return [info for _, info in answers], [None] * len(answers)

    def describe(self, failure: WorkerError) -> str:
        """Describes a failure: where, what, after which actions; the worker's traceback follows."""
        envs = failure.envs
        actions = self._arrays.actions[envs.start : envs.stop].tolist()
        last = f'last action {actions[0]}' if len(envs) == 1 else f'last actions {actions}'
        text = f'{failure.where} ({self._names[envs.start]}) {failure.what}; {last}'
        return f'{text}\n{failure.trace}' if failure.trace else text

    def recycle_the_large(self) -> None:
        """Replaces workers that use too much memory; called between two steps.

        It looks only every few seconds. The episodes go on exactly where they were.
        """
        if not self._max_memory_mb or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        for number in range(len(self._pool.shares)):
            size = self._pool.resident_mb(number)
            if size > self._max_memory_mb:
                self._recycle(number, size)

    def _recycle(self, number: int, size: float) -> None:
        envs, limit = self._pool.shares[number], self._max_memory_mb
        who = f'{in_words(envs)} ({self._names[envs.start]})'
        try:
            self._pool.save(number)
        except WorkerError as failure:
            _log.warning('%s: above --worker_memory_mb, but it %s', who, failure.what)
            self._max_memory_mb = 0
            if failure.hung:  # Its late answer would pass for the next one.
                self._pool.stop(number)
            return
        self._pool.stop(number)
        if not self._goes_on(number):
            self._pool.stop(number)  # The next step finds it dead and replaces it.
            return
        self._restarts.note()
        self.num_restarts += 1
        after = self._pool.resident_mb(number)
        text = 'Replaced a worker: %s had %.0f MB, more than %d; it goes on with %.0f MB'
        _log.warning(text, who, size, limit, after)
        if after > limit:  # It needs that much; replacing it again and again would not help.
            self._max_memory_mb = round(2 * after)

    def _goes_on(self, number: int) -> bool:
        """Whether a new worker goes on from the old one's snapshots, in all its environments."""
        calls = [('resume', None)] * len(self._pool.shares[number])
        try:
            return all(age is not None for _, age in self._pool.replace(number, calls))
        except WorkerError:
            return False


def _outcome(envs: range, ages: Sequence[float | None]) -> str:
    """Describes how the environments go on."""
    texts = [
        'begins a new episode' if age is None else f'goes on from its snapshot {age:.1f} s before'
        for age in ages
    ]
    if len(envs) == 1:
        return f'it {texts[0]}'
    return ', '.join(f'{env} {text}' for env, text in zip(envs, texts, strict=True))
