"""CPU time and memory of this process and of its descendants, from /proc."""

import os
from typing import NamedTuple

_TICKS = os.sysconf('SC_CLK_TCK')
_PARENT, _USER, _SYSTEM = 1, 11, 12  # Fields of /proc/PID/stat behind the name.


class CPUSeconds(NamedTuple):
    """CPU time so far."""

    own: float
    children: float  # All descendants that live.


def cpu_seconds() -> CPUSeconds:
    """CPU time of this process and of its living descendants."""
    stats = _stats()
    times = {pid: (int(s[_USER]) + int(s[_SYSTEM])) / _TICKS for pid, s in stats.items()}
    own = os.getpid()
    return CPUSeconds(times[own], sum(times[pid] for pid in _descendants(stats, own)))


def memory() -> dict[str, float]:
    """Resident memory of this process and of its largest descendant, MB."""
    descendants = _descendants(_stats(), os.getpid())
    return {
        'learner_mb': _resident_mb(os.getpid()),
        'largest_worker_mb': max(map(_resident_mb, descendants), default=0.0),
    }


def _stats() -> dict[int, list[str]]:
    stats = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat') as file:
                    stats[int(name)] = file.read().rpartition(')')[2].split()
            except OSError:  # It has ended meanwhile.
                continue
    return stats


def _descendants(stats: dict[int, list[str]], root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(int(stat[_PARENT]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _resident_mb(pid: int) -> float:
    try:
        with open(f'/proc/{pid}/statm') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6
    except OSError:
        return 0.0
