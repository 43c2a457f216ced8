"""Which processor cores threads and processes use; where the system cannot tell, all of them.

A scheduler leaves a process that could run in the queue of one core while another idles. Who keeps
to cores of their own never waits so.
"""

import contextlib
import os


def of_process() -> list[int]:
    """Those that this process may use, whatever its threads keep to."""
    return _of(os.getpid())


def of_thread() -> list[int]:
    """Those that the calling thread may use."""
    return _of(0)


def share(number: int, total: int) -> list[int]:
    """Those of user `number` of `total` equal ones; all, if they cannot be dealt out evenly.

    Every `total`-th one, so that each user has some of every kind of core there is; two threads of
    one physical core may go to two users.
    """
    cores = of_process()
    if len(cores) % total == 0:
        return cores[number::total]
    if total % len(cores) == 0:
        return [cores[number % len(cores)]]
    return cores


def keep_to(cores: list[int]) -> None:
    """Lets the calling thread, and what it starts from now on, use these only, if that can be."""
    if hasattr(os, 'sched_setaffinity'):
        with contextlib.suppress(OSError):  # They were taken from us meanwhile.
            os.sched_setaffinity(0, cores)


def _of(pid: int) -> list[int]:
    if hasattr(os, 'sched_getaffinity'):
        return sorted(os.sched_getaffinity(pid))
    return list(range(os.cpu_count() or 1))
