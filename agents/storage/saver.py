"""Writing the files of a run while it learns: in the background, and again where it failed."""

import concurrent.futures
import functools
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from agents.storage import checkpoints, run_directory

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 60.0


class Saver:
    """Writes into the directory of a run.

    A disk that is full or a directory that is gone does not stop the learning: one warning tells
    it, and a minute later everything is tried again, until it is well. A directory that was deleted
    is made anew.

    Args:
        directory: Of the run.
        content: Of its `config.json`.
        checkpoint_minutes: Between checkpoints; 0: whenever the caller asks for one.
    """

    def __init__(
        self, directory: str, content: Mapping[str, Any], checkpoint_minutes: float = 0.0
    ) -> None:
        self._directory, self._content = directory, content
        self._checkpoints = os.path.join(directory, 'checkpoints')
        self._checkpoint_seconds = 60.0 * checkpoint_minutes
        self._thread = concurrent.futures.ThreadPoolExecutor(1, 'saver')
        self._writes: list[concurrent.futures.Future[bool]] = []
        self._last_checkpoint = time.monotonic()
        self._failed_at: float | None = None

    def attempt(self, write: Callable[[], object]) -> bool:
        """Calls `write` and tells whether it could; not at all in the minute after a failure."""
        if self._failed_at is not None and time.monotonic() < self._failed_at + _RETRY_SECONDS:
            return False
        return self._write(write) is None

    def insist(self, write: Callable[[], object]) -> OSError | tf.errors.OpError | None:
        """Calls `write`, whatever happened before; returns why it could not."""
        self.wait()
        return self._write(write)

    def _write(self, write: Callable[[], object]) -> OSError | tf.errors.OpError | None:
        try:
            run_directory.restore(self._directory, self._content)
            write()
        except (OSError, tf.errors.OpError) as error:
            if self._failed_at is None:
                _log.warning(
                    'cannot write to %s: %s; learning goes on, next try in %d s',
                    self._directory,
                    reason(error),
                    _RETRY_SECONDS,
                )
            self._failed_at = time.monotonic()
            return error
        if self._failed_at is not None:
            _log.warning('writing to %s again', self._directory)
        self._failed_at = None
        return None

    def wants_checkpoint(self) -> bool:
        """Says whether a checkpoint is due by time, or the last one could not be written."""
        seconds = time.monotonic() - self._last_checkpoint
        if self._failed_at is not None:
            return seconds > _RETRY_SECONDS
        return 0.0 < self._checkpoint_seconds < seconds

    def is_writing(self) -> bool:
        """Says whether a checkpoint is being written."""
        return not all(write.done() for write in self._writes)

    def save(self, steps: int, tree: checkpoints.Tree) -> None:
        """Begins to write a checkpoint; the tree must not change any more."""
        self._last_checkpoint = time.monotonic()
        self._begin(functools.partial(checkpoints.save, self._checkpoints, steps, tree))

    def save_best(self, tree: checkpoints.Tree) -> None:
        """Begins to write the checkpoint of the best evaluation."""
        self._begin(functools.partial(checkpoints.save_best, self._checkpoints, tree))

    def _begin(self, write: Callable[[], object]) -> None:
        if not self.is_writing():
            self.wait()
        self._writes.append(self._thread.submit(self.attempt, write))

    def wait(self) -> None:
        """Waits until nothing is being written; raises what went wrong but for the disk."""
        writes, self._writes = self._writes, []
        for write in writes:
            write.result()

    def close(self) -> None:
        """Waits, and ends the thread."""
        self._thread.shutdown()


def reason(error: OSError | tf.errors.OpError) -> str:
    """Why a file could not be written, in a few words."""
    return getattr(error, 'strerror', None) or getattr(error, 'message', None) or str(error)
