"""Threads that repeat their work until they are told to pause or to end."""

import contextlib
import threading
from collections.abc import Callable, Iterator


class WorkerThreads:
    """A thread per worker; each calls `work(number)` again and again.

    The first worker makes its first round before the others begin: what all of them share is
    compiled by then.

    Args:
        num_workers: Threads.
        work: One round; it returns False when there is nothing left to do.
        on_failure: Is told what a worker raised, in its thread; the others go on.
    """

    def __init__(
        self,
        num_workers: int,
        work: Callable[[int], bool],
        on_failure: Callable[[int, BaseException], None],
    ) -> None:
        self._work, self._on_failure = work, on_failure
        self._threads = [
            threading.Thread(target=self._run, args=(i,), name=f'worker-{i}', daemon=True)
            for i in range(num_workers)
        ]
        self._changed = threading.Condition()
        self._num_busy, self._held, self._ended = 0, False, False
        self._warm = False  # Whether a round has been made.
        self.started = False

    def start(self) -> None:
        """Lets all of them begin."""
        self.started = True
        for thread in self._threads:
            thread.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Within it no round is under way and none begins; may be nested, in one thread."""
        with self._changed:
            before, self._held = self._held, True
            self._changed.wait_for(lambda: self._num_busy == 0)
        try:
            yield
        finally:
            with self._changed:
                self._held = before
                self._changed.notify_all()

    def end(self) -> None:
        """Waits for the rounds that are under way, and lets no other begin."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident:
                thread.join()

    def _run(self, number: int) -> None:
        while self._begin(number) and self._round(number):
            pass

    def _begin(self, number: int) -> bool:
        """Waits for the end of a pause; returns whether another round is to begin."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or (not self._held and (self._warm or number == 0))
            )
            self._num_busy += not self._ended
            return not self._ended

    def _round(self, number: int) -> bool:
        try:
            return self._work(number)
        except BaseException as error:
            self._on_failure(number, error)  # Before a pause can begin that waits for this round.
            return False
        finally:
            with self._changed:
                self._num_busy -= 1
                self._warm = True
                self._changed.notify_all()
