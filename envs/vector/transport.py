"""Communication of learner and workers: single bytes over a pipe, arrays in shared memory.

The learner writes the actions into shared memory and one byte into every worker's pipe. A worker
writes the new observations, rewards and flags into the rows of its environments and one byte back.
Only rare messages travel as a pickle after such a byte: other requests, infos and errors.
"""

import math
import mmap
import multiprocessing.connection
import multiprocessing.reduction
import os
import select
import socket
import struct
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from envs import observations
from envs.observations import Observation

STEP = b's'  # A request.
CALL = b'c'  # A request, followed by a method of `WorkerEnv` and arguments for each environment.
DONE = b'.'  # An answer: no environment has anything to report.
TELL = b't'  # An answer, followed by a pickled list of an object for each environment.
FAIL = b'!'  # An answer, followed by a pickled Failure.

_WAIT_SECONDS = 0.25  # Between two checks of a worker that does not answer.
_LENGTH = struct.Struct('!Q')
_READ_BYTES = 1 << 20  # At a time.


class Failure(NamedTuple):
    """Report of what an environment did wrong, as it is sent to the learner."""

    what: str  # 'raised ...' or 'returned ...'; the message of a `UsageError`
    traceback: str
    is_usage_error: bool
    env: int  # Number of the environment among all.


class Arrays(NamedTuple):
    """Arrays in shared memory; a worker owns its rows from a request until its answer."""

    observations: Observation
    final_observations: Observation
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


def map_arrays(
    memory: int, num_envs: int, observation_space: gymnasium.Space, action_space: gymnasium.Space
) -> Arrays:
    """Maps the arrays of `num_envs` environments with these spaces from the file `memory`."""
    size = 0

    def place(dtype: Any, shape: tuple[int, ...] | None) -> tuple[tuple[int, ...], Any, int]:
        nonlocal size
        offset, full_shape = size, (num_envs, *(shape or ()))
        size += -(-math.prod(full_shape) * np.dtype(dtype).itemsize // 64) * 64  # Cache lines.
        return full_shape, dtype, offset

    def of_space(space: gymnasium.Space) -> tuple[tuple[int, ...], Any, int]:
        return place(space.dtype, space.shape)

    parts = observations.spaces_of(observation_space)
    seen = [observations.for_each(of_space, parts) for _ in range(2)]
    rest = [of_space(action_space), place(np.float32, ()), place(np.bool_, ()), place(np.bool_, ())]
    os.ftruncate(memory, size)  # The same size in every process.
    block = mmap.mmap(memory, size)

    def array(placed: tuple[tuple[int, ...], Any, int]) -> np.ndarray:
        shape, dtype, offset = placed
        return np.ndarray(shape, dtype, block, offset)

    return Arrays(*(observations.for_each(array, placed) for placed in (*seen, *rest)))


def anonymous_file() -> int:
    """Opens a file without a name: nothing is left of it, however its processes end."""
    if hasattr(os, 'memfd_create'):
        return os.memfd_create('environments')
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Channel:
    """One end of the pipe between learner and worker; no other code reads or writes it.

    Args:
        connection: Connection of this end.
        on_wait: Function that is called every quarter of a second while a limited channel waits.
    """

    def __init__(
        self,
        connection: multiprocessing.connection.Connection,
        on_wait: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection, self._on_wait = connection, on_wait
        self._fd = connection.fileno()
        self._limit, self._wait_seconds = 0.0, _WAIT_SECONDS

    def put(self, kind: bytes, body: bytes = b'') -> None:
        """Sends one byte, and a body after it if there is one."""
        if not body:
            os.write(self._fd, kind)
            return
        rest = memoryview(kind + _LENGTH.pack(len(body)) + body)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def get(self) -> bytes:
        """Receives one byte.

        Raises:
            BlockingIOError: If the limit has passed.
            EOFError: If the other end is closed.
        """
        return self._read(1)

    def get_body(self) -> bytes:
        """Receives the body that follows a byte."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return self._read(length)

    def _read(self, size: int) -> bytes:
        parts, missing, waited = [], size, 0.0
        while missing:
            try:
                part = os.read(self._fd, min(missing, _READ_BYTES))
            except BlockingIOError:
                waited += self._wait_seconds
                if 0.0 < self._limit <= waited:
                    raise
                self._on_wait()
                continue
            if not part:
                raise EOFError
            parts.append(part)
            missing -= len(part)
        return b''.join(parts)

    def put_file(self, file: int, pid: int) -> None:
        """Sends a file descriptor to the process at the other end."""
        multiprocessing.reduction.send_handle(self._connection, file, pid)

    def get_file(self) -> int:
        """Receives a file descriptor and keeps engines from inheriting it."""
        file = multiprocessing.reduction.recv_handle(self._connection)
        os.set_inheritable(file, False)
        return file

    def ready(self) -> bool:
        """Whether something can be received, even if only the end of the pipe."""
        return self._fd >= 0 and self._connection.poll()

    def limit(self, seconds: float) -> None:
        """Limits every wait, or not for 0; the kernel counts, which costs nothing per message."""
        self._limit, self._wait_seconds = seconds, min(seconds or _WAIT_SECONDS, _WAIT_SECONDS)
        with socket.socket(fileno=os.dup(self._fd)) as end:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(self._wait_seconds))
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(seconds))

    def wait_for_the_end(self) -> None:
        """Waits until the other end is closed, without reading anything."""
        hang_up = select.poll()
        hang_up.register(self._fd, 0)
        hang_up.poll()

    def close(self) -> None:
        """Closes this end; every later use raises `OSError`."""
        self._fd = -1
        self._connection.close()


def _timeval(seconds: float) -> bytes:
    return struct.pack('ll', int(seconds), int(seconds % 1 * 1e6))
