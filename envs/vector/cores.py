"""Processor cores that threads and processes use; all of them where the system cannot tell.

A scheduler may leave a process waiting in the queue of one core while another core is idle. A
process that has cores of its own never waits like this.
"""

import contextlib
import os


def of_process() -> list[int]:
    """Cores that this process may use, whatever its threads are limited to."""
    return _of(os.getpid())


def of_thread() -> list[int]:
    """Cores that the calling thread may use."""
    return _of(0)


def share(number: int, total: int) -> list[int]:
    """Cores for user `number` of `total` equal users; all cores if they cannot be split evenly.

    Each user gets every `total`-th core, and so some of each kind of core that there is; two
    threads of one physical core may go to two users.
    """
    cores = of_process()
    if len(cores) % total == 0:
        return cores[number::total]
    if total % len(cores) == 0:
        return [cores[number % len(cores)]]
    return cores


def keep_to(cores: list[int]) -> None:
    """Limits the calling thread, and all that it starts from now on, to these cores if possible."""
    if hasattr(os, 'sched_setaffinity'):
        with contextlib.suppress(OSError):  # They may have been taken away meanwhile.
            os.sched_setaffinity(0, cores)


def _of(pid: int) -> list[int]:
    if hasattr(os, 'sched_getaffinity'):
        return sorted(os.sched_getaffinity(pid))
    return list(range(os.cpu_count() or 1))
