"""Counts replaced workers, and tells when there were too many."""

import collections
import threading
import time

from envs.errors import UsageError

_HOUR = 3600.0  # Seconds


class RestartBudget:
    """Counts replaced workers; vector environments in several threads may share one budget.

    Args:
        max_per_hour: Number of failures within an hour that is still acceptable.
        defer: Whether one failure too many is only noted in `excess`, for a caller that ends the
            run at its next update; otherwise it raises.

    Attributes:
        total: Number of workers replaced so far.
        excess: Report, in one line, of the failure that was one too many; '' if there was none.
    """

    def __init__(self, max_per_hour: int = 100, defer: bool = False) -> None:
        self._max_per_hour, self._defer = max_per_hour, defer
        self._lock = threading.Lock()
        self._failures: collections.deque[float] = collections.deque()  # Times in the last hour.
        self.total, self.excess = 0, ''

    def note(self) -> None:
        """Counts a worker that was replaced without having failed."""
        with self._lock:
            self.total += 1

    def note_failure(self, report: str) -> None:
        """Counts a worker that failed.

        Args:
            report: Description of the failure, in one line.

        Raises:
            UsageError: If it was one too many.
        """
        with self._lock:
            now = time.monotonic()
            self._failures.append(now)
            while self._failures[0] <= now - _HOUR:
                self._failures.popleft()
            if len(self._failures) > self._max_per_hour and not self.excess:
                self.excess = (
                    f'--max_restarts: workers failed more than {self._max_per_hour} times within '
                    f'an hour, the last time so: {report}'
                )
            if self.excess and not self._defer:
                raise UsageError(self.excess)
            self.total += 1
