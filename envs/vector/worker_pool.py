"""Pool of the workers of a vector environment."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import pickle
import time
from collections.abc import Iterator, Sequence
from typing import Any

from envs.errors import UsageError
from envs.vector import processes, transport, worker
from envs.vector.worker_process import START_SECONDS, WorkerError, WorkerProcess

_STOP_SECONDS = 2.0  # After them, a worker that is still closing its environments is killed.


class WorkerPool:
    """Workers of a vector environment; none of them outlives it.

    Args:
        env_fns: Functions that make the environments.
        context: Start method: 'forkserver' or 'spawn'.
        options: Options of all workers.
        envs_per_process: Number of environments of a worker; the last one may have fewer.
        preload: Modules that workers need; imported once, unless a forkserver is already running.

    Attributes:
        shares: Numbers of the environments of each worker.
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
        """Starts all workers at once; returns a description of each environment.

        Raises:
            UsageError: If an environment refuses what its user asked for.
            RuntimeError: If an environment cannot be made; the message has the traceback.
        """
        for envs in self.shares:
            self._processes.append(self._new_process(envs))
        descriptions = self.answers()
        for answer in descriptions:
            if isinstance(answer, WorkerError):
                raise RuntimeError(f'{answer.where} {answer.what}\n{answer.trace}')
        return descriptions

    def _new_process(self, envs: range) -> WorkerProcess:
        env_fns = self._env_fns[envs.start : envs.stop]
        return WorkerProcess(self._context, env_fns, envs, self._options)

    def share(self, hang_seconds: float) -> None:
        """Hands the memory, which has its final size by now, to all workers."""
        self._hang_seconds = hang_seconds
        for process in self._processes:
            process.share(self.memory, self._snapshots)
            process.limit(hang_seconds)

    def resident_mb(self, number: int) -> float:
        """Memory of a worker and its engines that is in RAM, in MB."""
        return processes.resident_mb(self._processes[number].family())

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Lets answers take this long within its block."""
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
        """Asks each environment to call a method of `WorkerEnv` with arguments."""
        if len(calls) != len(self._env_fns):
            raise ValueError(f'{len(calls)} values for {len(self._env_fns)} environments')
        # All of them before one is sent, because pickling may fail.
        bodies = [pickle.dumps(calls[envs.start : envs.stop]) for envs in self.shares]
        for process, body in zip(self._processes, bodies, strict=True):
            process.ask(transport.CALL, body)

    def answers(self) -> list[Any]:
        """Answer of each environment, or the WorkerError of its worker if there is none.

        Raises:
            UsageError: If an environment refuses what its user asked for.
        """
        answers: list[Any] = []
        patient, refusal = True, None
        # The worker asked last answers last: waiting for it first saves a wake-up per other worker.
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
        """Failures among the answers of all environments, by the number of the worker."""
        firsts = enumerate(answers[envs.start] for envs in self.shares)
        return {number: first for number, first in firsts if isinstance(first, WorkerError)}

    def save(self, number: int) -> None:
        """Makes a worker save snapshots of its environments; raises WorkerError if it fails."""
        process = self._processes[number]
        process.ask(transport.CALL, pickle.dumps([('save',)] * len(self.shares[number])))
        process.answer()

    def stop(self, number: int) -> None:
        """Ends a worker."""
        self._processes[number].stop(time.monotonic() + _STOP_SECONDS)

    def replace(self, number: int, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Starts a new worker after `stop`; returns its environments' answers to the calls.

        Raises:
            WorkerError: If it fails too.
        """
        process = self._new_process(self.shares[number])
        self._processes[number] = process
        process.answer()
        process.share(self.memory, self._snapshots)
        process.ask(transport.CALL, pickle.dumps(calls))
        answers = process.answer()  # It may take longer, since some games replay their episode.
        process.limit(self._hang_seconds)
        return answers


def _close(workers: list[WorkerProcess], files: list[int]) -> None:
    for process in workers:
        process.hang_up()  # All at once, so that they close their environments in parallel.
    deadline = time.monotonic() + _STOP_SECONDS
    for process in workers:
        process.stop(deadline)
    for file in files:
        os.close(file)
