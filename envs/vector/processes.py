"""What Linux tells of processes in /proc; elsewhere nothing is known of them."""

import contextlib
import os
import signal

_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def family(pid: int) -> list[int]:
    """The process and all that descend from it, engines in sessions of their own too."""
    pids = [pid]
    for one in pids:
        with contextlib.suppress(*_GONE):
            for thread in os.listdir(f'/proc/{one}/task'):
                with open(f'/proc/{one}/task/{thread}/children') as file:
                    pids += map(int, file.read().split())
    return pids


def resident_mb(pids: list[int]) -> float:
    """Memory of these processes that is in RAM, MB; what they share counts for each."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(*_GONE), open(f'/proc/{pid}/statm') as file:
            pages += int(file.read().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def continue_stopped(pids: list[int]) -> list[int]:
    """Lets those go on that a signal has stopped, not those that a debugger holds; which ones."""
    stopped = [pid for pid in pids if _state(pid) == 'T']
    for pid in stopped:
        with contextlib.suppress(*_GONE):
            os.kill(pid, signal.SIGCONT)
    return stopped


def _state(pid: int) -> str:
    """A letter as in `ps`; '' if there is no such process."""
    with contextlib.suppress(*_GONE), open(f'/proc/{pid}/stat') as file:
        return file.read().rpartition(')')[2].split()[0]
    return ''
