"""The Doom engine behind ViZDoom: a process per game that leaves nothing behind, however it ends.

By default the engine writes `_vizdoom/` and `_vizdoom.ini` into the working directory and lives for
ever if its parent is killed, and the death of its parent leaves three files in shared memory.
"""

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

# This program becomes the engine. The kernel kills it when its parent dies, even by SIGKILL; a
# session of its own protects it from Ctrl-C, which is meant for the learner.
_LAUNCHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
parent, directory, *engine = sys.argv[1:]
if os.getppid() != int(parent):
    sys.exit('The parent died before the engine started.')
os.setsid()
os.chdir(directory)
os.execv(engine[0], engine)
"""
_SHARED_MEMORY = '/dev/shm'
_SHARED_MEMORY_FILES = ('ViZDoomMQCtr', 'ViZDoomMQDoom', 'ViZDoomSM')
_SHARED_MEMORY_BYTES = 16 * 1024**2


class Engine:
    """A running engine that plays episodes tic by tic.

    A tic costs about 0.03 ms and its picture 0.13 ms, but the engine reports rewards only together
    with a picture: for one tic, or for several tics with the picture of the last one.

    Attributes:
        picture: The last picture of the episode so far; the engine draws none at its very end.
        watched: The variables chosen by `watch`, at the moment of the picture.
    """

    def __init__(self, doom: Any) -> None:
        """Starts the engine.

        Args:
            doom: A configured `vizdoom.DoomGame`.

        Raises:
            RuntimeError: The engine cannot be started.
        """
        self._doom = doom
        _start(doom)
        self._variables = {v.name.lower(): v for v in doom.get_available_game_variables()}
        self._watched: list[Any] = []
        self._look()

    def watch(self, names: Sequence[str]) -> None:
        """Chooses variables of the engine, by lower-case name."""
        import vizdoom

        self._watched = [vizdoom.GameVariable.__members__[name.upper()] for name in names]
        self._look()

    def begin(self, seed: int) -> None:
        """Starts the episode of a seed."""
        self._doom.set_seed(seed)
        self._doom.new_episode()
        self._look()

    def play(self, buttons: np.ndarray, num_tics: int = 1) -> tuple[float, bool]:
        """Plays up to `num_tics` tics with these buttons and draws the last one.

        Returns:
            The sum of the rewards, and whether the episode ended.
        """
        reward = self._doom.make_action(buttons, num_tics)
        self._look()
        return reward, self._doom.is_episode_finished()

    def _look(self) -> None:
        """Stores the picture and the watched variables, unless the episode has ended."""
        if (state := self._doom.get_state()) is not None:
            self.picture: np.ndarray = state.screen_buffer
            self.watched = [float(self._doom.get_game_variable(v)) for v in self._watched]

    def replay(self, tics: Sequence[np.ndarray]) -> None:
        """Plays tics whose rewards are known already; only the last one is drawn."""
        for buttons in tics[:-1]:
            self._doom.set_action(buttons)
            self._doom.advance_action(1, False)
        for buttons in tics[-1:]:
            self.play(buttons)

    def variables(self) -> dict[str, float]:
        """Returns the scenario's game variables by lower-case name."""
        return {name: self._doom.get_game_variable(v) for name, v in self._variables.items()}

    @property
    def tic(self) -> int:
        """Time on the map, beginning with the scenario's start time; 0 after the map was left."""
        return self._doom.get_episode_time()

    def close(self) -> None:
        """Ends the engine; it can be called twice."""
        self._doom.close()


def _start(doom: Any) -> None:
    import vizdoom

    _check_machine(vizdoom.exe_path)
    # The engine keeps using the directory after it is deleted, and needs nothing from it later.
    with tempfile.TemporaryDirectory(prefix='joypad-vizdoom-') as directory:
        doom.set_vizdoom_path(_write_launcher(directory, vizdoom.exe_path))
        doom.set_doom_config_path(os.devnull)  # Otherwise it saves its settings when it ends.
        try:
            doom.init()
        except Exception as error:
            raise RuntimeError(f'the ViZDoom engine does not start: {error}') from error
    # Both processes have mapped these files; without names, they vanish with the processes.
    for prefix in _SHARED_MEMORY_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f'{_SHARED_MEMORY}/{prefix}{doom.get_instance_id()}')


def _check_machine(executable: str) -> None:
    """Raises `RuntimeError` where ViZDoom 1.3 would crash the whole Python process.

    ViZDoom dereferences a null pointer if the engine dies before its first message.
    """
    if not os.access(executable, os.X_OK):
        raise RuntimeError(f'{executable} is missing or not a program; install vizdoom again')
    free = shutil.disk_usage(_SHARED_MEMORY).free
    if free < _SHARED_MEMORY_BYTES:
        raise RuntimeError(
            f'ViZDoom needs {_SHARED_MEMORY_BYTES >> 20} MB in {_SHARED_MEMORY}, which has '
            f'{free >> 20} MB left; in Docker, raise --shm-size'
        )


def _write_launcher(directory: str, executable: str) -> str:
    """Writes a program that becomes the engine, a shell script: `#!` takes one short argument."""
    path = os.path.join(directory, 'launcher')
    command = (sys.executable, '-I', '-S', '-c', _LAUNCHER, str(os.getpid()), directory, executable)
    with open(path, 'w') as file:
        file.write(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    os.chmod(path, 0o700)
    if not os.access(path, os.X_OK):
        raise RuntimeError(f'no program can run from {directory}; set TMPDIR to another folder')
    return path
