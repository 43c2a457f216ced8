"""The directory of a run: made, refused or reopened, and the record of how the run was started."""

import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from typing import Any

from envs.errors import UsageError

_PACKAGES = (
    'tensorflow', 'keras', 'numpy', 'gymnasium', 'stable-retro', 'vizdoom', 'ale-py',
    'opencv-python-headless',
)  # fmt: skip


def default_path(agent: str, game: str) -> str:
    """`runs/<agent>-<game>-<time>`."""
    return os.path.join(
        'runs', f'{agent}-{game.replace("/", "-")}-{time.strftime("%Y%m%d-%H%M%S")}'
    )


def check(path: str, resume: bool) -> None:
    """Raises `UsageError` if the directory cannot become that of a run, without touching it."""
    holds_run = os.path.exists(os.path.join(path, 'config.json'))
    if resume and not holds_run:
        raise UsageError(f'--resume: {path} holds no run')
    if holds_run and not resume:
        raise UsageError(f'{path} already holds a run; choose another --run_dir, or add --resume')
    ancestor = os.path.abspath(path)
    while not os.path.exists(ancestor):
        ancestor = os.path.dirname(ancestor)
    if not os.path.isdir(ancestor):
        raise UsageError(f'--run_dir: {ancestor} is not a directory')
    if not os.access(ancestor, os.W_OK | os.X_OK):
        raise UsageError(f'--run_dir: cannot write to {ancestor}')


def prepare(path: str, resume: bool) -> None:
    """Makes the directory of a new run, or finds that of a run to resume.

    Raises:
        UsageError: It cannot be written, holds a run already, or holds none to resume.
    """
    check(path, resume)
    try:
        os.makedirs(path, exist_ok=True)
        probe = os.path.join(path, '.writable')
        with open(probe, 'w'):
            pass
        os.remove(probe)
    except OSError as error:
        raise UsageError(f'--run_dir: cannot write to {path}: {error.strerror}') from None


def write_config(path: str, **configs: Any) -> dict[str, Any]:
    """Writes `config.json`: the resolved configuration, versions, commit and command line."""
    content = {
        **{name: dataclasses.asdict(config) for name, config in configs.items()},
        'versions': {'python': platform.python_version(), **_versions()},
        'git_commit': _git_commit(),
        'command': [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        'started': time.strftime('%Y-%m-%d %H:%M:%S'),
    }
    with open(os.path.join(path, 'config.json'), 'w') as file:
        json.dump(content, file, indent=2)
    return content


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
