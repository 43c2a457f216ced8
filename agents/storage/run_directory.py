"""The directory of a run: made, refused or reopened, and the record of how the run was started."""

import dataclasses
import fcntl
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from agents.storage import migrations
from envs import files
from envs.errors import UsageError

_PACKAGES = (
    'tensorflow', 'keras', 'tf-agents', 'numpy', 'gymnasium', 'stable-retro', 'vizdoom', 'ale-py',
    'opencv-python-headless',
)  # fmt: skip
_MOST_BYTES = 2**24  # Of `config.json`: each time the run is resumed adds some hundred.
# When a run is resumed: its length, and how it uses the machine.
_MAY_CHANGE = (
    'total_steps', 'pin_cores', 'envs_per_process', 'hang_seconds', 'max_restarts',
    'worker_memory_mb',
)  # fmt: skip


def default_path(agent: str, game: str) -> str:
    """`runs/<agent>-<game>-<time>`."""
    return os.path.join(
        'runs', f'{agent}-{game.replace("/", "-")}-{time.strftime("%Y%m%d-%H%M%S")}'
    )


def check(path: str, resume: bool) -> None:
    """Raises `UsageError` if the directory cannot become that of a run; leaves nothing behind."""
    if resume:
        _require_run(path)
        os.close(lock(path))
    elif _holds_run(path):
        raise UsageError(f'{path} already holds a run; choose another --run_dir, or add --resume')
    ancestor = os.path.abspath(path)
    while not os.path.lexists(ancestor):
        ancestor = os.path.dirname(ancestor)
    _check_writable('run_dir', ancestor)


def _holds_run(path: str) -> bool:
    return os.path.exists(os.path.join(path, 'config.json'))


def _require_run(path: str) -> None:
    if not _holds_run(path):
        raise UsageError(f'--resume: {path} holds no run')


def check_output(flag: str, path: str) -> None:
    """Raises `UsageError` if the file of this flag, '' for none, cannot be written."""
    if path:
        _check_writable(flag, os.path.dirname(os.path.abspath(path)))
        if os.path.isdir(path):
            raise UsageError(f'--{flag}: {path} is a directory')
        if os.path.exists(path) and not os.path.isfile(path):  # It would be replaced.
            raise UsageError(f'--{flag}: {path} is not an ordinary file')


def _check_writable(flag: str, directory: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        message = f'--{flag}: cannot write to {directory}: {error.strerror}'
        raise UsageError(message) from None


def lock(path: str) -> int:
    """Takes the directory, which is made, for this process; it ends with the process or the handle.

    Returns:
        The handle, a file descriptor.

    Raises:
        UsageError: The directory cannot be written, or another process trains in it.
    """
    try:
        os.makedirs(path, exist_ok=True)
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f'--run_dir: cannot write to {path}: {error.strerror}') from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f'--run_dir: another process is training in {path}') from None
    except OSError:
        pass  # Some network drives know no locks.
    return handle


def create(path: str, configs: Mapping[str, Any]) -> dict[str, Any]:
    """Writes `config.json` of a new run, in a locked directory; returns its content.

    Raises:
        UsageError: It cannot be written, or there is a run.
    """
    check(path, resume=False)
    content = {'format': migrations.CONFIG_FORMAT, **_as_json(configs), 'sessions': [_session()]}
    try:
        restore(path, content)
    except OSError as error:
        raise UsageError(f'--run_dir: cannot write to {path}: {error.strerror}') from None
    return content


def restore(path: str, content: Mapping[str, Any]) -> None:
    """Makes the directory and its `config.json` where they are missing; raises `OSError`."""
    config = os.path.join(path, 'config.json')
    if not os.path.exists(config):
        os.makedirs(path, exist_ok=True)
        files.write_json(config, content)


def check_unchanged(content: Mapping[str, Any], configs: Mapping[str, Any]) -> None:
    """Raises `UsageError` if the run was another one: only its length may change.

    `content` is that of its `config.json`: see `read_config`.
    """
    now = _as_json(configs)
    if content['algorithm'] != now['algorithm']:
        raise UsageError(f'--resume: use ./run train_{content["algorithm"]} for this run')
    for group in ('agent', 'environment'):
        before = content[group]
        for name, value in now[group].items():
            if name not in _MAY_CHANGE and value != before.get(name, value):
                was = f'--{name} was {before[name]!r} in this run'
                raise UsageError(f'--resume: {was}, now it is {value!r}')


def reopen(path: str, content: Mapping[str, Any], configs: Mapping[str, Any]) -> dict[str, Any]:
    """Notes in `config.json` of a run that it is resumed.

    Args:
        path: The directory, which is locked.
        content: The content of the file so far, which is unchanged: see `check_unchanged`.
        configs: The configurations of the session that begins.

    Returns:
        The new content.
    """
    sessions = [*content['sessions'], _session()]
    content = {'format': migrations.CONFIG_FORMAT, **_as_json(configs), 'sessions': sessions}
    files.write_json(os.path.join(path, 'config.json'), content)
    return content


def read_config(path: str) -> dict[str, Any]:
    """The content of a run's `config.json`.

    Raises:
        UsageError: It is missing, damaged, or of another version.
    """
    _require_run(path)
    file = os.path.join(path, 'config.json')
    try:
        content = migrations.config(files.read_json(file, _MOST_BYTES))
    except migrations.TooOldError as error:
        evaluate = f'./run evaluate --run_dir={shlex.quote(path)}'
        raise UsageError(f'--resume: {path} {error}: {evaluate}') from None
    except UsageError as error:
        raise UsageError(f'--resume: {file}: {error}') from None
    return content


def settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a resumed run takes over from its `config.json`, as a preset."""
    merged = {**content['agent'], **content['environment'], **content['run']}
    own = {'run_dir', 'resume'}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in merged.items()
        if name not in own
    }


def model_directory(path: str, model: str = 'auto') -> str:
    """The directory of a run's model: `best`, `final`, or `auto`, the first of these there is.

    Raises:
        UsageError: There is none.
    """
    if not os.path.isdir(path):
        raise UsageError(f'--run_dir: there is no directory {path}')
    for name in ['best', 'final'] if model == 'auto' else [model]:
        directory = os.path.join(path, 'model', name)
        if os.path.isdir(directory):
            return directory
    raise UsageError(f'{path} has no {"saved" if model == "auto" else model} model')


def _as_json(configs: Mapping[str, Any]) -> dict[str, Any]:
    """The configurations as JSON gives them back: tuples become lists."""
    content = {name: dataclasses.asdict(config) for name, config in configs.items()}
    content['algorithm'] = configs['agent'].algorithm
    return json.loads(json.dumps(content))


def _session() -> dict[str, Any]:
    return {
        'started': time.strftime('%Y-%m-%d %H:%M:%S'),
        'command': [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        'git_commit': _git_commit(),
        'versions': {'python': platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not installed'
    return versions


def _git_commit() -> str:
    """The commit of the code, with `-dirty` for uncommitted changes; '' outside a checkout."""
    try:
        return subprocess.run(
            ['git', 'describe', '--always', '--dirty', '--abbrev=40', '--match', ''],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ''
