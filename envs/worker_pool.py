"""Worker processes as the learner sees them: how they start, answer and end."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gymnasium

from envs import transport, worker
from envs.errors import UsageError

_START_SECONDS = 120.0  # A worker that has not made its environment by then never will.
_STOP_SECONDS = 2.0  # Until a worker that does not close its environment is killed.
_THREAD_LIMITS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')
_environ_lock = threading.Lock()


class WorkerError(RuntimeError):
    """Why a worker did not answer: its environment raised, or it hangs, or it died."""

    def __init__(self, what: str, trace: str = '', hung: bool = False) -> None:
        super().__init__(what)
        self.what, self.trace, self.hung = what, trace, hung


class WorkerProcess:
    """Starts a worker, asks it, and ends it.

    Args:
        context: A multiprocessing context.
        arguments: What `worker.run` gets besides the pipe.
    """

    def __init__(self, context: Any, arguments: tuple[Any, ...]) -> None:
        ours, theirs = context.Pipe()
        self._channel = transport.Channel(ours)
        self.limit(_START_SECONDS)
        self.process = context.Process(target=worker.run, args=(theirs, *arguments), daemon=True)
        with _single_threaded():
            self.process.start()
        theirs.close()

    def share(self, memory: int, hang_seconds: float) -> None:
        """Gives the worker, which has told of its environment, the memory for the answers."""
        with contextlib.suppress(OSError):  # It died meanwhile: the next answer tells.
            self._channel.put_file(memory, self.process.pid)
        self.limit(hang_seconds)

    def ask(self, kind: bytes, body: bytes = b'') -> None:
        """Sends a request. Should the worker be gone, the answer tells."""
        with contextlib.suppress(OSError):
            self._channel.put(kind, body)

    def answer(self, patient: bool = True) -> Any:
        """Waits for the answer to the request; not at all without patience.

        Raises:
            WorkerError: There is none.
            UsageError: The environment refuses what its user asked for.
        """
        try:
            if not (patient or self._channel.ready()):
                raise BlockingIOError
            kind = self._channel.get()
            if kind == transport.DONE:
                return None
            told = pickle.loads(self._channel.get_body())
        except BlockingIOError:
            raise WorkerError(f'hung for {self._hang_seconds:g} s', hung=True) from None
        except (EOFError, OSError):
            raise WorkerError(f'died ({self._exit_reason()})') from None
        if kind == transport.TELL:
            return told
        if told.is_usage_error:
            raise UsageError(told.summary)
        raise WorkerError(f'raised {told.summary}', told.traceback)

    def hang_up(self) -> None:
        """Closes the pipe: the worker closes its environment and leaves."""
        self._channel.close()

    def stop(self, deadline: float) -> None:
        """Hangs up, and at the deadline kills the worker with its whole group."""
        self.hang_up()
        self.process.join(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # An engine may outlive its worker.
        self.process.kill()
        self.process.join()

    def limit(self, seconds: float) -> None:
        """Sets how long an answer may take; 0: as long as it likes."""
        self._hang_seconds = seconds
        self._channel.limit(seconds)

    def _exit_reason(self) -> str:
        self.process.join(1.0)
        code = self.process.exitcode
        return signal.Signals(-code).name if code and code < 0 else f'exit code {code}'


class WorkerPool:
    """The workers of a vector environment; none outlives it.

    Args:
        env_fns: Make the environments.
        context: 'forkserver' or 'spawn'.
        step_infos: Whether workers tell the infos of steps within an episode.
    """

    def __init__(
        self,
        env_fns: Sequence[Callable[[], gymnasium.Env[Any, Any]]],
        context: str,
        step_infos: bool,
    ) -> None:
        self._context = multiprocessing.get_context(context)
        if context == 'forkserver':
            self._context.set_forkserver_preload([worker.__name__])
        self._arguments = [(f, i, len(env_fns), step_infos) for i, f in enumerate(env_fns)]
        self.memory = transport.anonymous_file()
        self._hang_seconds = _START_SECONDS
        self._processes: list[WorkerProcess] = []
        # At exit multiprocessing runs its own finalizers before it waits for its children.
        self.close = multiprocessing.util.Finalize(
            self, _close, (self._processes, self.memory), exitpriority=10
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
        for arguments in self._arguments:
            self._processes.append(WorkerProcess(self._context, arguments))
        descriptions = self.answers()
        for index, answer in enumerate(descriptions):
            if isinstance(answer, WorkerError):
                raise RuntimeError(f'environment {index} {answer.what}\n{answer.trace}')
        return descriptions

    def share(self, hang_seconds: float) -> None:
        """Gives the memory, which has its size now, to all workers."""
        self._hang_seconds = hang_seconds
        for process in self._processes:
            process.share(self.memory, hang_seconds)

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Lets answers take this long within the block."""
        for process in self._processes:
            process.limit(seconds)
        try:
            yield
        finally:
            for process in self._processes:
                with contextlib.suppress(OSError):  # It may have been stopped meanwhile.
                    process.limit(self._hang_seconds)

    def ask_for_steps(self) -> None:
        """Asks every worker for a step."""
        for process in self._processes:
            process.ask(transport.STEP)

    def ask(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Asks each worker for a call of its own: a method of `worker.Worker`, and arguments."""
        bodies = [pickle.dumps(call) for call in calls]  # All, before one is sent: it may fail.
        if len(bodies) != len(self._processes):
            raise ValueError(f'{len(bodies)} values for {len(self._processes)} environments')
        for process, body in zip(self._processes, bodies, strict=True):
            process.ask(transport.CALL, body)

    def answers(self) -> list[Any]:
        """The answer of each worker; a WorkerError where there is none."""
        answers, patient = [], True
        # Asked last, it answers last: who waits for it is not woken by each of the others.
        for process in reversed(self._processes):
            try:
                answers.append(process.answer(patient))
            except WorkerError as failure:
                answers.append(failure)
                patient = patient and not failure.hung  # The others had as much time.
        return answers[::-1]

    def stop(self, index: int) -> None:
        """Ends a worker."""
        self._processes[index].stop(time.monotonic() + _STOP_SECONDS)

    def replace(self, index: int, seed: int) -> dict[str, Any]:
        """Starts a worker anew; its environment's first info, or WorkerError."""
        process = WorkerProcess(self._context, self._arguments[index])
        self._processes[index] = process
        process.answer()
        process.share(self.memory, self._hang_seconds)
        process.ask(transport.CALL, pickle.dumps(('reset', seed, None)))
        return process.answer()


def _close(processes: list[WorkerProcess], memory: int) -> None:
    for process in processes:
        process.hang_up()  # All, so that they close their environments side by side.
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        process.stop(deadline)
    os.close(memory)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Lets processes that start meanwhile do their numerics in one thread.

    There are as many workers as cores already, and a forkserver with threads cannot fork safely.
    """
    with _environ_lock:
        added = [name for name in _THREAD_LIMITS if name not in os.environ]
        os.environ.update(dict.fromkeys(added, '1'))
        try:
            yield
        finally:
            for name in added:
                del os.environ[name]
