"""Checks whether this machine can train; each check says what it found and what to do about it."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from envs.config import EnvConfig
from envs.make import make_vec_env
from envs.vector import orphans

_GAMES = {
    'stable-retro': 'HillHopper-Genesis',
    'ViZDoom': 'VizdoomBasic-v1',
    'ALE': 'ALE/Pong-v5',
    'gymnasium': 'CartPole-v1',
}
_DISK_BYTES = 2 * 10**9  # A long run with its checkpoints
_SHARED_BYTES = 64 * 10**6  # ViZDoom's engines have 2 MB each there.
_SET_UP_AGAIN = 'remove .venv, and any ./run command will set it up again'


class Check(NamedTuple):
    """Result of a check, with advice if something is wrong."""

    name: str
    found: str
    advice: str  # '' if nothing is wrong


def checks(folder: str = '.', clean: bool = False) -> Iterator[Check]:
    """Runs all checks, one after the other.

    Args:
        folder: The folder that runs are written to.
        clean: Whether to remove the remains of dead runs.
    """
    yield _python()
    yield _packages()
    for name, game in _GAMES.items():
        yield _emulator(name, game)
    yield _codec()
    yield _shared_memory()
    yield _disk(folder)
    yield _leftovers(folder, clean)


def _python() -> Check:
    found = '.'.join(map(str, sys.version_info[:3]))
    fits = (3, 10) <= sys.version_info[:2] <= (3, 13)
    return Check('Python', found, '' if fits else 'Python 3.10 to 3.13 is needed')


def _packages() -> Check:
    """Checks the packages of requirements.txt that this version of Python needs."""
    requirements = Path(__file__).parent.parent / 'requirements.txt'
    wrong, count = [], 0
    for line in requirements.read_text().splitlines():
        if not line.partition('#')[0].strip():
            continue
        required = Requirement(line.partition('#')[0].strip())
        if required.marker is not None and not required.marker.evaluate():
            continue
        count += 1
        try:
            found = importlib.metadata.version(required.name)
        except importlib.metadata.PackageNotFoundError:
            found = 'missing'
        if found == 'missing' or not required.specifier.contains(found, prereleases=True):
            wrong.append(f'{required.name} {found}, not {required.specifier}')
    text = ', '.join(wrong) or f'{count}, as required'
    return Check('packages', text, _SET_UP_AGAIN if wrong else '')


def _emulator(name: str, game: str) -> Check:
    """Plays a game for a moment, as a training run would."""
    config = EnvConfig(game, frame_stack=1, action_repeat=1)
    try:
        envs = make_vec_env(config, range(1))
        try:
            envs.reset(seed=0)
            for _ in range(3):
                envs.step(envs.action_space.sample())
        finally:
            envs.close()
    except Exception as error:
        return Check(name, ' '.join(str(error).split('\n')[0].split()), _SET_UP_AGAIN)
    return Check(name, f'plays {game}', '')


def _codec() -> Check:
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
        encoders = subprocess.run(
            [program, '-hide_banner', '-encoders'], capture_output=True, text=True, check=True
        ).stdout
    except Exception as error:
        return Check('video', str(error).split('\n')[0], _SET_UP_AGAIN)
    known = 'libx264' in encoders
    advice = '' if known else f'{program} has no encoder libx264: unset IMAGEIO_FFMPEG_EXE'
    return Check('video', 'ffmpeg with H.264' if known else 'ffmpeg without H.264', advice)


def _shared_memory() -> Check:
    if not os.path.isdir('/dev/shm'):
        return Check('shared memory', 'no /dev/shm', 'ViZDoom needs it: mount a tmpfs there')
    free = shutil.disk_usage('/dev/shm').free
    advice = 'ViZDoom needs more: docker run --shm-size=1g' if free < _SHARED_BYTES else ''
    return Check('shared memory', f'{free / 1e6:,.0f} MB free in /dev/shm', advice)


def _disk(folder: str) -> Check:
    free, writable = shutil.disk_usage(folder).free, os.access(folder, os.W_OK)
    found = f'{free / 1e9:,.1f} GB free in {os.path.abspath(folder)}'
    if not writable:
        return Check('disk', f'cannot write into {os.path.abspath(folder)}', 'choose a --run_dir')
    advice = (
        '' if free >= _DISK_BYTES else 'a long run wants 2 GB: make room, or choose a --run_dir'
    )
    return Check('disk', found, advice)


def _leftovers(folder: str, clean: bool) -> Check:
    """Looks for workers and engines without a learner, their shared memory, and partial files."""
    found = orphans.clean(folder) if clean else orphans.find(folder)
    parts = [f'process {pid}' for pid in found.processes]
    parts += [*found.shared_memory, *found.partial]
    text = ', '.join(parts) or 'none'
    if clean or not parts:
        return Check('leftovers', f'removed: {text}' if clean else text, '')
    return Check('leftovers', text, './run doctor --clean removes them')
