"""Finds and removes leftovers of dead runs: processes, shared memory and half-written files.

Only leftovers that are certainly ours and certainly dead count. A process is ours by its program,
and its learner is dead if its parent can no longer be the process that started it. (A parent with
the process id 1 alone proves nothing: in a container that may be the learner.) A file is dead if it
has not been written to for a long time and no process has it open.
"""

import contextlib
import fcntl
import importlib.util
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from envs import files
from envs.vector import worker

_SHARED_MEMORY = Path('/dev/shm')
_ENGINE_SECONDS = 60.0  # An engine maps its shared memory as soon as it has created it.
_PARTIAL_SECONDS = 3600.0  # A younger file, or film, may still be being written.
_OLD_PARTIAL = 'partial.keras'  # A model's in older versions; their other names fit today's rule.
_FORKSERVER = 'multiprocessing.forkserver import main; main(', repr(worker.__name__)
_KILL_SECONDS = 5.0
_ROOT = str(Path(__file__).resolve().parents[2])


class Orphans(NamedTuple):
    """Leftovers that were found."""

    processes: list[int]  # Process ids
    shared_memory: list[str]  # Files
    partial: list[str]  # Files


def find(folder: str = '.') -> Orphans:
    """Finds leftovers of this user.

    Args:
        folder: Where to look for runs with half-written files, at most two levels down.
    """
    orphans = [process.pid for process in _processes() if _is_orphan(process)]
    return Orphans(sorted(orphans), _unused_shared_memory(), _partial_files(Path(folder)))


def clean(folder: str = '.') -> Orphans:
    """Removes what `find` finds and what is unused after that; returns everything removed."""
    killed = [pid for pid in find(folder).processes if _kill(pid)]
    found = find(folder)
    for file in (*found.shared_memory, *found.partial):
        Path(file).unlink(missing_ok=True)
    return found._replace(processes=killed)


def _kill(pid: int) -> bool:
    """Ends a process that is still an orphan, and waits until it is gone; whether it did."""
    try:
        handle = os.pidfd_open(pid)  # While it is open, no other process can get this id.
    except ProcessLookupError:
        return False
    try:
        if not _is_orphan(psutil.Process(pid)):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], _KILL_SECONDS)  # Ready even if nobody reaps the zombie.
        return True
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
    finally:
        os.close(handle)


def _is_orphan(process: psutil.Process) -> bool:
    """Says whether a process is a worker, forkserver or engine whose learner is gone."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        parent, group = process.parent(), os.getpgid(process.pid)
        if _is_engine(process):
            return not _holds(parent, _may_have_engines)
        if not _is_worker(process):
            return False
        if group == process.pid:  # A worker leads a group; its parent is the forkserver.
            return not _holds(parent, lambda p: _is_worker(p) and not _is_orphan(p))
        # A forkserver runs its learner's program, in its learner's group.
        program = process.exe()
        return not _holds(parent, lambda p: os.getpgid(p.pid) == group and p.exe() == program)
    except (psutil.Error, OSError):  # It has ended in the meantime.
        return False


def _may_have_engines(process: psutil.Process) -> bool:
    """Says whether a process has ViZDoom's library loaded and is no orphan itself."""
    loaded = any('vizdoom' in mapped.path for mapped in process.memory_maps())
    return loaded and not _is_orphan(process)


def _holds(process: psutil.Process | None, question: Callable[[psutil.Process], bool]) -> bool:
    """The answer to a question; no if the process is gone or belongs to another user."""
    try:
        return process is not None and question(process)
    except (psutil.Error, OSError):
        return False


def _is_worker(process: psutil.Process) -> bool:
    """Says whether a process is a worker of this checkout or its forkserver: they look alike."""
    command = ' '.join(process.cmdline())
    return all(part in command for part in (*_FORKSERVER, repr(_ROOT)))


def _is_engine(process: psutil.Process) -> bool:
    """Says whether a process is an engine of the installed ViZDoom."""
    package = importlib.util.find_spec('vizdoom')
    if package is None or not package.origin:
        return False
    return process.exe() == os.path.realpath(Path(package.origin).with_name('vizdoom'))


def _processes() -> Iterator[psutil.Process]:
    """Processes of this user."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # It has ended in the meantime.
            if process.uids().effective == os.getuid():
                yield process


def _unused_shared_memory() -> list[str]:
    """Shared-memory files of engines that no process has mapped."""
    files = {
        str(path)
        for path in _SHARED_MEMORY.glob('ViZDoom*')
        if path.stat().st_uid == os.getuid() and _age(path) > _ENGINE_SECONDS
    }
    for process in _processes() if files else ():
        with contextlib.suppress(psutil.Error, OSError):
            files -= {mapped.path for mapped in process.memory_maps()}
    return sorted(files)


def _partial_files(folder: Path) -> list[str]:
    """Half-written files of runs that have a `config.json` and a table, and are not in use."""
    configs = [path for depth in ('', '*/', '*/*/') for path in folder.glob(f'{depth}config.json')]
    runs = [path.parent for path in configs if (path.parent / 'metrics.csv').exists()]
    found = {
        path
        for run in runs
        if not _is_locked(run)
        for path in run.rglob('*partial*')
        if files.is_partial(path) or path.name == _OLD_PARTIAL
    }
    return sorted(str(path) for path in found if path.is_file() and _age(path) > _PARTIAL_SECONDS)


def _is_locked(run: Path) -> bool:
    """Says whether a process is training in this directory."""
    handle = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # Some network drives have no locks.
        return False
    finally:
        os.close(handle)
    return False


def _age(path: Path) -> float:
    """Seconds since a file was last written to; 0 if it has gone in the meantime."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
