"""The workers of a vector environment, together."""

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

_STOP_SECONDS = 2.0  # Until a worker that does not close its environments is killed.


class WorkerPool:
    """The workers of a vector environment; none outlives it.

    Args:
        env_fns: Make the environments.
        context: 'forkserver' or 'spawn'.
        options: Of all workers.
        envs_per_process: How many environments a worker has; the last one may have fewer.
        preload: Modules that workers need; imported once, if no forkserver runs yet.

    Attributes:
        shares: Of each worker the numbers of its environments.
        memory: The file of the shared memory.
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
        """Process ids."""
        return [w.process.pid for w in self._processes]

    def start(self) -> list[Any]:
        """Starts all workers at once; what each tells of its environment.

        Raises:
            UsageError: An environment refuses what its user asked for.
            RuntimeError: An environment cannot be made; the message has the traceback.
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
        """Gives the memory, which has its size now, to all workers."""
        self._hang_seconds = hang_seconds
        for process in self._processes:
            process.share(self.memory, self._snapshots)
            process.limit(hang_seconds)

    def resident_mb(self, number: int) -> float:
        """Memory of a worker and its engines that is in RAM, MB."""
        return processes.resident_mb(self._processes[number].family())

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Lets answers take this long within the block."""
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
        """Asks for a call of each environment: a method of `WorkerEnv`, and arguments."""
        if len(calls) != len(self._env_fns):
            raise ValueError(f'{len(calls)} values for {len(self._env_fns)} environments')
        # All, before one is sent: it may fail.
        bodies = [pickle.dumps(calls[envs.start : envs.stop]) for envs in self.shares]
        for process, body in zip(self._processes, bodies, strict=True):
            process.ask(transport.CALL, body)

    def answers(self) -> list[Any]:
        """The answer of each environment; its worker's WorkerError where there is none.

        Raises:
            UsageError: An environment refuses what its user asked for.
        """
        answers: list[Any] = []
        patient, refusal = True, None
        # Asked last, it answers last: who waits for it is not woken by each of the others.
        for process, envs in zip(self._processes[::-1], self.shares[::-1], strict=True):
            try:
                told = process.answer(patient)
            except WorkerError as failure:
                told = [failure] * len(envs)
                patient = patient and not failure.hung  # The others had as much time.
            except UsageError as error:
                told, refusal = [None] * len(envs), error
            answers += told[::-1]
        if refusal:  # Now that every answer has been read.
            raise refusal
        return answers[::-1]

    def failures(self, answers: Sequence[Any]) -> dict[int, WorkerError]:
        """Those among the answers of all environments, by the number of the worker."""
        firsts = enumerate(answers[envs.start] for envs in self.shares)
        return {number: first for number, first in firsts if isinstance(first, WorkerError)}

    def save(self, number: int) -> None:
        """Lets a worker leave snapshots of its environments; raises WorkerError."""
        process = self._processes[number]
        process.ask(transport.CALL, pickle.dumps([('save',)] * len(self.shares[number])))
        process.answer()

    def stop(self, number: int) -> None:
        """Ends a worker."""
        self._processes[number].stop(time.monotonic() + _STOP_SECONDS)

    def replace(self, number: int, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Starts a worker anew, after `stop`; what its environments answer to these calls.

        Raises:
            WorkerError: It fails, too.
        """
        process = self._new_process(self.shares[number])
        self._processes[number] = process
        process.answer()
        process.share(self.memory, self._snapshots)
        process.ask(transport.CALL, pickle.dumps(calls))
        answers = process.answer()  # Some games play their episode again: it may take longer.
        process.limit(self._hang_seconds)
        return answers


def _close(workers: list[WorkerProcess], files: list[int]) -> None:
    for process in workers:
        process.hang_up()  # All, so that they close their environments side by side.
    deadline = time.monotonic() + _STOP_SECONDS
    for process in workers:
        process.stop(deadline)
    for file in files:
        os.close(file)
