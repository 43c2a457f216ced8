"""Processor cores that threads and processes use; all cores where the system cannot tell.

A scheduler may leave a process that could run in the queue of one core while another core idles.
Processes that keep to cores of their own never wait like that.
"""

import contextlib
import os


def of_process() -> list[int]:
    """Cores that this process may use, whichever ones its threads keep to."""
    return _of(os.getpid())


def of_thread() -> list[int]:
    """Cores that the calling thread may use."""
    return _of(0)


def share(number: int, total: int) -> list[int]:
    """Cores for user `number` of `total` equal users; all cores if they cannot be dealt out evenly.

    A user gets every `total`-th core, and so some of every kind of core in the machine; two threads
    of one physical core may go to two users.
    """
    cores = of_process()
    if len(cores) % total == 0:
        return cores[number::total]
    if total % len(cores) == 0:
        return [cores[number % len(cores)]]
    return cores


def keep_to(cores: list[int]) -> None:
    """Binds the calling thread, and all that it starts from now on, to these cores if possible."""
    if hasattr(os, 'sched_setaffinity'):
        with contextlib.suppress(OSError):  # The system has taken them away in the meantime.
            os.sched_setaffinity(0, cores)


def _of(pid: int) -> list[int]:
    if hasattr(os, 'sched_getaffinity'):
        return sorted(os.sched_getaffinity(pid))
    return list(range(os.cpu_count() or 1))
