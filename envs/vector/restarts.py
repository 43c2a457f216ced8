"""Counts how often workers are replaced, and decides when that is too often."""

import collections
import threading
import time

from envs.errors import UsageError

_HOUR = 3600.0  # Seconds


class RestartBudget:
    """Counts the workers that were replaced; vector environments in several threads may share it.

    Args:
        max_per_hour: Number of failures within an hour that is still acceptable.
        defer: Whether to only record in `excess` that there were more, so that the caller can end
            the run at its next update; otherwise the failure that is one too many raises.

    Attributes:
        total: Workers replaced so far.
        excess: Why there were too many, in one line; '' as long as there were not.
    """

    def __init__(self, max_per_hour: int = 100, defer: bool = False) -> None:
        self._max_per_hour, self._defer = max_per_hour, defer
        self._lock = threading.Lock()
        self._failures: collections.deque[float] = (
            collections.deque()
        )  # Their times, within the last hour.
        self.total, self.excess = 0, ''

    def note(self) -> None:
        """Counts a worker that was replaced although it did not fail."""
        with self._lock:
            self.total += 1

    def note_failure(self, report: str) -> None:
        """Counts a worker that failed.

        Args:
            report: The cause, in one line.

        Raises:
            UsageError: It was one too many.
        """
        with self._lock:
            now = time.monotonic()
            self._failures.append(now)
            while self._failures[0] <= now - _HOUR:
                self._failures.popleft()
            if len(self._failures) > self._max_per_hour and not self.excess:
                self.excess = (
                    f'--max_restarts: workers failed more than {self._max_per_hour} times within '
                    f'an hour, the last time: {report}'
                )
            if self.excess and not self._defer:
                raise UsageError(self.excess)
            self.total += 1
