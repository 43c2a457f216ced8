"""Replaces workers of a vector environment that fail, and workers that have grown too large.

A worker fails if its process is killed or hangs, or if an environment raises or returns values that
cannot be learned from. The fresh worker continues from the last snapshots of the old one
(`crash_snapshots`). Each snapshot is used once: if it leads to the same failure before there is a
new snapshot, the next worker starts new episodes.
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

_MAX_ATTEMPTS = 3  # If fresh environments fail one after another, so would the next.
_LOOK_SECONDS = 10.0  # Between two checks of the workers' memory.


class Recovery:
    """Keeps a vector environment running.

    Args:
        pool: The workers.
        arrays: Their shared memory.
        names: Name of the game of each environment.
        restarts: Counts the replaced workers.
        max_memory_mb: A worker that uses more RAM than this, including its engines, is replaced;
            0: never.

    Attributes:
        num_restarts: Workers of this vector environment that were replaced.
        num_lost: Episodes that were cut off and did not continue.
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
        self._rng = np.random.default_rng()  # For the seeds of fresh episodes.
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self.num_restarts = self.num_lost = 0

    def seed(self, seeds: list[int]) -> None:
        """Makes the seeds of fresh episodes reproducible."""
        self._rng = np.random.default_rng(seeds)

    def heal(
        self, number: int, failure: WorkerError, resume: bool
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Replaces a worker that failed; the current steps of its environments are truncated.

        Args:
            number: Number of the worker.
            failure: How it failed.
            resume: Whether episodes continue from their last snapshots.

        Returns:
            For each environment, the final info and the info of the new start.

        Raises:
            UsageError: Workers fail too often.
            RuntimeError: Fresh environments fail, too.
        """
        self._pool.stop(number)  # This comes first: the worker may be alive and still write.
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
        """Truncates the steps of a worker's environments; returns which environments were cut."""
        arrays, envs = self._arrays, self._pool.shares[number]
        rows = slice(envs.start, envs.stop)
        # Episodes that ended in this very step keep their end: a worker writes the flags last.
        cut = rows.start + np.flatnonzero(~(arrays.terminated[rows] | arrays.truncated[rows]))
        last = observations.at(arrays.observations, cut)
        observations.put(arrays.final_observations, cut, last)
        arrays.rewards[cut], arrays.truncated[cut] = 0.0, True
        return cut.tolist()

    def _start_anew(
        self, number: int, resume: bool
    ) -> tuple[list[dict[str, Any]], list[float | None]]:
        """Starts a worker; returns the infos of the new starts and the ages of the snapshots."""
        seeds = self._rng.integers(2**31, size=len(self._pool.shares[number])).tolist()
        if resume:
            answers = self._pool.replace(number, [('resume', seed) for seed in seeds])
            return [info for info, _ in answers], [age for _, age in answers]
        answers = self._pool.replace(number, [('reset', seed, None) for seed in seeds])
        return [info for _, info in answers], [None] * len(answers)

    def describe(self, failure: WorkerError) -> str:
        """Describes a failure: what, where and after which actions, then the worker's traceback."""
        envs = failure.envs
        actions = self._arrays.actions[envs.start : envs.stop].tolist()
        last = f'last action {actions[0]}' if len(envs) == 1 else f'last actions {actions}'
        text = f'{failure.where} ({self._names[envs.start]}) {failure.what}; {last}'
        return f'{text}\n{failure.trace}' if failure.trace else text

    def recycle_the_large(self) -> None:
        """Replaces workers that use too much memory; it checks every few seconds, between steps.

        Nothing of the episodes is lost: they continue exactly.
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
            if failure.hung:  # Its late answer would be mistaken for the next one.
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
        """Starts a fresh worker; returns whether all environments continue from their snapshots."""
        calls = [('resume', None)] * len(self._pool.shares[number])
        try:
            return all(age is not None for _, age in self._pool.replace(number, calls))
        except WorkerError:
            return False


def _outcome(envs: range, ages: Sequence[float | None]) -> str:
    """Describes in words how the environments continue."""
    texts = [
        'begins a new episode' if age is None else f'goes on from its snapshot {age:.1f} s before'
        for age in ages
    ]
    if len(envs) == 1:
        return f'it {texts[0]}'
    return ', '.join(f'{env} {text}' for env, text in zip(envs, texts, strict=True))
