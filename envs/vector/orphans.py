"""What dead runs leave behind: workers, engines, shared memory, half-written files.

Only what is certainly of ours and certainly dead counts. A process is of ours by its program, and
dead is its learner if its parent is no longer one that can have started it. (Not if the parent is
process 1: in a container that may be the learner.) A file is dead if nothing has written to it for
long and no process has it open.
"""

import fcntl
import importlib.util
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from envs.vector import worker

_SHARED_MEMORY = Path('/dev/shm')
_ENGINE_SECONDS = 60.0  # An engine maps its shared memory as soon as it has made it.
_PARTIAL_SECONDS = 3600.0  # Until then somebody may be writing a file, or a film.
_FORKSERVER = 'multiprocessing.forkserver import main; main(', repr(worker.__name__)
_KILL_SECONDS = 5.0
_ROOT = str(Path(__file__).resolve().parents[2])


class Orphans(NamedTuple):
    """What was found."""

    processes: list[int]
    shared_memory: list[str]  # Files
    partial: list[str]  # Files


def find(folder: str = '.') -> Orphans:
    """Of this user; half-written files of the runs in a folder, at most two levels below it."""
    orphans = [int(process.name) for process in _processes() if _is_orphan(process)]
    return Orphans(sorted(orphans), _unused_shared_memory(), _partial_files(Path(folder)))


def clean(folder: str = '.') -> Orphans:
    """Ends and deletes what `find` finds, and what then is no longer used; returns all of it."""
    killed = [pid for pid in find(folder).processes if _kill(pid)]
    found = find(folder)
    for file in (*found.shared_memory, *found.partial):
        Path(file).unlink(missing_ok=True)
    return found._replace(processes=killed)


def _kill(pid: int) -> bool:
    """Ends an orphan, if it still is one, and waits until it is gone."""
    try:
        handle = os.pidfd_open(pid)  # Held by it, the number cannot pass to another process.
    except ProcessLookupError:
        return False
    try:
        if not _is_orphan(Path('/proc', str(pid))):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], _KILL_SECONDS)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def _is_orphan(process: Path) -> bool:
    """Whether a process is a worker, their forkserver or an engine, without its learner."""
    try:
        fields = process.joinpath('stat').read_text().rsplit(')', 1)[1].split()
        if fields[0] == 'Z':
            return False
        parent, group = process.with_name(fields[1]), int(fields[2])
        if _is_engine(process):
            return not _tells(parent, _may_have_engines)
        if not _is_worker(process):
            return False
        if str(group) == process.name:  # A worker leads a group; the parent is its forkserver.
            return not _tells(parent, lambda p: _is_worker(p) and not _is_orphan(p))
        # A forkserver runs the program of its learner, in the group of that.
        program = _program(process)
        return not _tells(
            parent, lambda p: os.getpgid(int(p.name)) == group and _program(p) == program
        )
    except (OSError, IndexError):  # It ended meanwhile.
        return False


def _may_have_engines(process: Path) -> bool:
    """Whether it has ViZDoom's library and is no orphan itself."""
    return 'vizdoom' in process.joinpath('maps').read_text() and not _is_orphan(process)


def _tells(process: Path, question: Callable[[Path], bool]) -> bool:
    """The answer; no, if the process is another user's or gone."""
    try:
        return question(process)
    except OSError:
        return False


def _is_worker(process: Path) -> bool:
    """Whether it is a forkserver of this checkout's workers, or a worker, which looks the same."""
    arguments = process.joinpath('cmdline').read_bytes().decode(errors='replace')
    return all(part in arguments for part in (*_FORKSERVER, repr(_ROOT)))


def _is_engine(process: Path) -> bool:
    """Whether it is an engine of the ViZDoom that is installed here."""
    package = importlib.util.find_spec('vizdoom')
    if package is None or not package.origin:
        return False
    return _program(process) == os.path.realpath(Path(package.origin).with_name('vizdoom'))


def _program(process: Path) -> str:
    return os.readlink(process / 'exe')


def _processes() -> Iterator[Path]:
    """This user's."""
    for process in Path('/proc').glob('[0-9]*'):
        try:
            if process.stat().st_uid == os.getuid():
                yield process
        except OSError:  # It ended meanwhile.
            continue


def _unused_shared_memory() -> list[str]:
    """Files of engines that no process has mapped."""
    files = {
        str(path)
        for path in _SHARED_MEMORY.glob('ViZDoom*')
        if path.stat().st_uid == os.getuid() and _age(path) > _ENGINE_SECONDS
    }
    for process in _processes() if files else ():
        try:
            maps = process.joinpath('maps').read_text()
        except OSError:
            continue
        files -= {line.split(maxsplit=5)[-1] for line in maps.splitlines()}
    return sorted(files)


def _partial_files(folder: Path) -> list[str]:
    """Half-written files of runs, which have a `config.json` and a table, and are not going on."""
    configs = [path for depth in ('', '*/', '*/*/') for path in folder.glob(f'{depth}config.json')]
    runs = [path.parent for path in configs if (path.parent / 'metrics.csv').exists()]
    names = ('*.partial', '*.partial.mp4', 'partial.keras')
    found = {
        path for run in runs if not _is_locked(run) for name in names for path in run.rglob(name)
    }
    return sorted(str(path) for path in found if path.is_file() and _age(path) > _PARTIAL_SECONDS)


def _is_locked(run: Path) -> bool:
    """Whether a process trains in this directory."""
    handle = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # Some network drives know no locks.
        return False
    finally:
        os.close(handle)
    return False


def _age(path: Path) -> float:
    """Seconds since something was written to it; none if it has gone meanwhile."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
