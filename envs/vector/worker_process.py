"""Worker process as the learner sees it: how it starts, answers and ends."""

import contextlib
import logging
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from envs.errors import UsageError
from envs.vector import cores, processes, transport, worker

START_SECONDS = 120.0  # An environment that takes longer to make never will be made.
_THREAD_LIMITS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')
_environ_lock = threading.Lock()
_log = logging.getLogger(__name__)


class WorkerError(RuntimeError):
    """Raised when a worker does not answer: an environment raised, or the worker hangs or died.

    Attributes:
        what: Description of the failure.
        envs: Numbers of the environments that may be concerned.
        where: The same environments in words.
        trace: Traceback of the worker; '' if there is none.
        hung: Whether the worker may still answer.
    """

    def __init__(self, what: str, envs: range, trace: str = '', hung: bool = False) -> None:
        super().__init__(what)
        self.what, self.envs, self.trace, self.hung = what, envs, trace, hung
        self.where = in_words(envs)


def in_words(envs: range) -> str:
    """Names environments: `environment 3`, or `environments 4 to 7`."""
    first, last = envs[0], envs[-1]
    return f'environment {first}' if first == last else f'environments {first} to {last}'


class WorkerProcess:
    """Starts a worker, sends it requests, and ends it.

    Args:
        context: Multiprocessing context.
        env_fns: Functions that make its environments.
        envs: Numbers of its environments.
        options: Options of all workers.
    """

    def __init__(
        self,
        context: Any,
        env_fns: Sequence[worker.EnvFn],
        envs: range,
        options: worker.Options,
    ) -> None:
        ours, theirs = context.Pipe()
        self._channel, self._envs = transport.Channel(ours, self.wake), envs
        self._was_stopped = False
        self.limit(START_SECONDS * len(envs))
        # Workers use the cores of the calling thread, whichever thread started their forkserver.
        arguments = theirs, env_fns, envs.start, options, cores.of_thread()
        self.process = context.Process(target=worker.run, args=arguments, daemon=True)
        with _single_threaded():
            self.process.start()
        theirs.close()

    def share(self, memory: int, snapshots: int) -> None:
        """Hands the memory for its answers to a worker that has described its environments."""
        with contextlib.suppress(OSError):  # It has died; the next answer reports that.
            self._channel.put_file(memory, self.process.pid)
            self._channel.put_file(snapshots, self.process.pid)

    def family(self) -> list[int]:
        """Process ids of the worker and its engines."""
        return processes.family(self.process.pid)

    def wake(self) -> bool:
        """Resumes the worker and its engines if a signal stopped them; returns whether one had."""
        stopped = processes.continue_stopped(self.family())
        if stopped and not self._was_stopped:
            self._was_stopped = True
            _log.warning('%s had been stopped by a signal; it goes on', in_words(self._envs))
        return bool(stopped)

    def ask(self, kind: bytes, body: bytes = b'') -> None:
        """Sends a request; if the worker is gone, `answer` reports that."""
        with contextlib.suppress(OSError):
            self._channel.put(kind, body)

    def answer(self, patient: bool = True) -> list[Any]:
        """Returns the answers of all its environments, and waits for them if `patient`.

        Raises:
            WorkerError: If there is no answer.
            UsageError: If an environment refuses what its user asked for.
        """
        try:
            if not (patient or self._channel.ready() or self.wake()):
                raise BlockingIOError
            kind = self._channel.get()
            if kind == transport.DONE:
                return [None] * len(self._envs)
            told = pickle.loads(self._channel.get_body())
        except BlockingIOError:
            raise WorkerError(f'hung for {self._hang_seconds:g} s', self._envs, hung=True) from None
        except (EOFError, OSError):
            raise WorkerError(f'died ({self._exit_reason()})', self._envs) from None
        if kind == transport.TELL:
            return told
        if told.is_usage_error:
            raise UsageError(told.what)
        only = range(told.env, told.env + 1)
        raise WorkerError(told.what, only, told.traceback)

    def hang_up(self) -> None:
        """Closes the pipe, which makes the worker close its environments and exit."""
        self._channel.close()

    def stop(self, deadline: float) -> None:
        """Hangs up, and kills the worker with its whole group at the deadline."""
        self.hang_up()
        self.process.join(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # An engine may outlive its worker.
        self.process.kill()
        self.process.join()

    def limit(self, seconds: float) -> None:
        """Sets how many seconds an answer may take; 0 for no limit."""
        self._hang_seconds = seconds
        with contextlib.suppress(OSError):  # The channel is closed already.
            self._channel.limit(seconds)

    def _exit_reason(self) -> str:
        self.process.join(1.0)
        code = self.process.exitcode
        return signal.Signals(-code).name if code and code < 0 else f'exit code {code}'


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Limits the numerical libraries of processes that start within its block to one thread.

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
