"""Processes of workers and their engines: who belongs together, their memory, and waking them.

psutil is imported where it is used: worker processes import this module too, and do without the
15 ms and the megabyte that it takes.
"""

import contextlib
import os


def family(pid: int) -> list[int]:
    """Ids of a process and all its descendants, including engines in sessions of their own.

    The kernel's lists of children are read here because psutil's `children` looks at every process
    of the machine, which takes 2 ms per hundred of them; this function is called for every worker.
    """
    pids = [pid]
    for one in pids:
        with contextlib.suppress(OSError):  # It has ended, or belongs to another user.
            for thread in os.listdir(f'/proc/{one}/task'):
                with open(f'/proc/{one}/task/{thread}/children', 'rb', buffering=0) as file:
                    pids += map(int, file.read().split())
    return pids


def resident_mb(pids: list[int]) -> float:
    """Memory of some processes that is in RAM, in MB; memory that they share counts for each."""
    import psutil

    size = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):  # It has ended, or belongs to another user.
            size += psutil.Process(pid).memory_info().rss
    return size / 1e6


def continue_stopped(pids: list[int]) -> list[int]:
    """Resumes processes that a signal has stopped, but none that a debugger holds.

    Returns:
        The ids of the processes that were resumed.
    """
    import psutil

    resumed = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):  # It has ended, or belongs to another user.
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_STOPPED:
                process.resume()
                resumed.append(pid)
    return resumed
