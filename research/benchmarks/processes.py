"""CPU time and memory of this process and its descendants."""

import contextlib
from typing import NamedTuple

import psutil


class CPUSeconds(NamedTuple):
    """CPU time so far."""

    own: float
    children: float  # All living descendants.


def cpu_seconds() -> CPUSeconds:
    """CPU time of this process and of its living descendants."""
    this = psutil.Process()
    return CPUSeconds(_cpu(this), sum(map(_cpu, this.children(recursive=True))))


def memory() -> dict[str, float]:
    """Resident memory of this process and of its largest descendant, MB."""
    this = psutil.Process()
    return {
        'learner_mb': _resident_mb(this),
        'largest_worker_mb': max(map(_resident_mb, this.children(recursive=True)), default=0.0),
    }


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):  # It has ended in the meantime.
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _resident_mb(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss / 1e6
    return 0.0
