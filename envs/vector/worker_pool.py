"""All workers of a vector environment."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import pickle
import time
from collections.abc import Iterator, Sequence
from typing import Any

from gymnasium import spaces

from envs import observations
from envs.errors import UsageError
from envs.vector import processes, transport, worker
from envs.vector.worker_process import START_SECONDS, WorkerError, WorkerProcess

_ARRAY_SPACES = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
_STOP_SECONDS = 2.0  # Then a worker that does not close its environments is killed.


class WorkerPool:
    """The workers of a vector environment; none outlives it.

    Args:
        env_fns: Functions that make the environments.
        context: Start method, 'forkserver' or 'spawn'.
        options: Options of all workers.
        envs_per_process: Number of environments per worker; the last worker may have fewer.
        preload: Modules that workers need; imported once, if no forkserver is running yet.

    Attributes:
        shares: The numbers of the environments of each worker.
        memory: File descriptor of the shared memory.
    """

    def __init__(
        self,
        env_fns: Sequence[worker.EnvFn],
        context: str,
        options: worker.Options,
        envs_per_process: int,
        preload: Sequence[str] = (),
    ) -> None:
        self._context = multiprocessing.get_context(context)
        if context == 'forkserver':
            self._context.set_forkserver_preload([worker.__name__, *preload])
        numbers = range(len(env_fns))
        self.shares = [numbers[i : i + envs_per_process] for i in numbers[::envs_per_process]]
        self._env_fns, self._options = list(env_fns), options
        self.memory, self._snapshots = transport.anonymous_file(), transport.anonymous_file()
        self._hang_seconds = START_SECONDS
        self._processes: list[WorkerProcess] = []
        # At exit multiprocessing runs its own finalizers before it waits for its children.
        self.close = multiprocessing.util.Finalize(
            self, _close, (self._processes, [self.memory, self._snapshots]), exitpriority=10
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [w.process.pid for w in self._processes]

    def start(self) -> list[Any]:
        """Starts all workers at once; returns the description of each environment.

        Raises:
            UsageError: An environment refuses an option that its user chose, or spaces do not fit.
            RuntimeError: An environment cannot be made; the message has the traceback.
        """
        for envs in self.shares:
            self._processes.append(self._new_process(envs))
        descriptions = self.answers()
        for answer in descriptions:
            if isinstance(answer, WorkerError):
                raise RuntimeError(f'{answer.where} {answer.what}\n{answer.trace}')
        _check_spaces(descriptions)
        return descriptions

    def _new_process(self, envs: range) -> WorkerProcess:
        env_fns = self._env_fns[envs.start : envs.stop]
        return WorkerProcess(self._context, env_fns, envs, self._options)

    def share(self, hang_seconds: float) -> None:
        """Gives the memory, whose size is now known, to all workers."""
        self._hang_seconds = hang_seconds
        for process in self._processes:
            process.share(self.memory, self._snapshots)
            process.limit(hang_seconds)

    def resident_mb(self, number: int) -> float:
        """Returns the RAM that a worker and its engines use, in MB."""
        return processes.resident_mb(self._processes[number].family())

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Lets answers take this many seconds within the block."""
        for process in self._processes:
            process.limit(seconds)
        try:
            yield
        finally:
            for process in self._processes:
                process.limit(self._hang_seconds)

    def ask_for_steps(self) -> None:
        """Asks every worker for a step."""
        for process in self._processes:
            process.ask(transport.STEP)

    def ask(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Asks each environment for a call: a method of `WorkerEnv` by name, and arguments."""
        if len(calls) != len(self._env_fns):
            raise ValueError(f'{len(calls)} values for {len(self._env_fns)} environments')
        # Pickling may fail, so it is done for all before any is sent.
        bodies = [pickle.dumps(calls[envs.start : envs.stop]) for envs in self.shares]
        for process, body in zip(self._processes, bodies, strict=True):
            process.ask(transport.CALL, body)

    def call(self, calls: Sequence[tuple[Any, ...]]) -> tuple[list[Any], dict[int, WorkerError]]:
        """Asks for a call of each environment and waits; returns the answers and the failures."""
        self.ask(calls)
        answers = self.answers()
        return answers, self.failures(answers)

    def answers(self) -> list[Any]:
        """Waits for the answer of each environment; a `WorkerError` where the worker failed.

        Raises:
            UsageError: An environment refuses an option that its user chose.
        """
        answers: list[Any] = []
        patient, refusal = True, None
        # The worker asked last answers last; waiting for it first saves wake-ups.
        for process, envs in zip(self._processes[::-1], self.shares[::-1], strict=True):
            try:
                told = process.answer(patient)
            except WorkerError as failure:
                told = [failure] * len(envs)
                patient = patient and not failure.hung  # The others have had as much time.
            except UsageError as error:
                told, refusal = [None] * len(envs), error
            answers += told[::-1]
        if refusal:  # Now that every answer has been read.
            raise refusal
        return answers[::-1]

    def failures(self, answers: Sequence[Any]) -> dict[int, WorkerError]:
        """Picks the failures out of the answers of all environments, by number of the worker."""
        firsts = enumerate(answers[envs.start] for envs in self.shares)
        return {number: first for number, first in firsts if isinstance(first, WorkerError)}

    def save(self, number: int) -> None:
        """Makes a worker save snapshots of its environments.

        Raises:
            WorkerError: It fails.
        """
        process = self._processes[number]
        process.ask(transport.CALL, pickle.dumps([('save',)] * len(self.shares[number])))
        process.answer()

    def stop(self, number: int) -> None:
        """Stops a worker."""
        self._processes[number].stop(time.monotonic() + _STOP_SECONDS)

    def replace(self, number: int, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Starts a new worker after `stop`; returns the answers of its environments to `calls`.

        Raises:
            WorkerError: The new worker fails, too.
        """
        process = self._new_process(self.shares[number])
        self._processes[number] = process
        process.answer()
        process.share(self.memory, self._snapshots)
        process.ask(transport.CALL, pickle.dumps(calls))
        answers = process.answer()  # Some games replay their episode, which takes longer.
        process.limit(self._hang_seconds)
        return answers


def _check_spaces(descriptions: Sequence[tuple[Any, ...]]) -> None:
    """Raises `UsageError` unless all spaces agree and each part of them is one array."""
    first, observation_space, action_space, *_ = descriptions[0]
    for name, *others in descriptions:
        if others[:2] != [observation_space, action_space]:
            raise UsageError(f'the spaces of {name} and of {first} differ')
    parts = observations.spaces_of(observation_space)
    for space in (*(parts.values() if isinstance(parts, dict) else [parts]), action_space):
        if not isinstance(space, _ARRAY_SPACES):
            raise UsageError(f'{first} has a space that is not one array: {space}')


def _close(workers: list[WorkerProcess], files: list[int]) -> None:
    for process in workers:
        process.hang_up()  # All of them first, so that they close their environments in parallel.
    deadline = time.monotonic() + _STOP_SECONDS
    for process in workers:
        process.stop(deadline)
    for file in files:
        os.close(file)
