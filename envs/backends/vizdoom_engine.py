"""The Doom engine behind ViZDoom: a process per game that leaves nothing behind, however it ends.

Left to itself the engine writes `_vizdoom/` and `_vizdoom.ini` into the working directory, lives
for ever if its parent is killed, and its parent's death leaves three files in shared memory.
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

# Becomes the engine. The kernel kills it when its parent dies, even of SIGKILL; a session of its
# own keeps Ctrl-C, which is meant for the learner, away from it.
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

    A tic costs about 0.03 ms and its picture 0.13 ms, but the engine tells rewards only with a
    picture: of a tic, or of several tics with the last one's picture.

    Attributes:
        picture: The last picture of the episode so far. There is none of an episode's very end.
        watched: The variables of that moment, those that `watch` chose.
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
        """Up to so many tics with these buttons, the last one drawn.

        Returns:
            The sum of the rewards, and whether the episode ended.
        """
        reward = self._doom.make_action(buttons, num_tics)
        self._look()
        return reward, self._doom.is_episode_finished()

    def _look(self) -> None:
        """Takes what the agent sees, unless the episode has ended."""
        if (state := self._doom.get_state()) is not None:
            self.picture: np.ndarray = state.screen_buffer
            self.watched = [float(self._doom.get_game_variable(v)) for v in self._watched]

    def replay(self, tics: Sequence[np.ndarray]) -> None:
        """Plays tics whose rewards are known; only the last is drawn."""
        for buttons in tics[:-1]:
            self._doom.set_action(buttons)
            self._doom.advance_action(1, False)
        for buttons in tics[-1:]:
            self.play(buttons)

    def variables(self) -> dict[str, float]:
        """The scenario's game variables by lower-case name."""
        return {name: self._doom.get_game_variable(v) for name, v in self._variables.items()}

    @property
    def tic(self) -> int:
        """The map's time, from the scenario's start time on; 0 when the map has been left."""
        return self._doom.get_episode_time()

    def close(self) -> None:
        """Ends the engine; twice is fine."""
        self._doom.close()


def _start(doom: Any) -> None:
    import vizdoom

    _check_machine(vizdoom.exe_path)
    # The engine keeps its open directory when it is deleted, and wants it for nothing later.
    with tempfile.TemporaryDirectory(prefix='joypad-vizdoom-') as directory:
        doom.set_vizdoom_path(_write_launcher(directory, vizdoom.exe_path))
        doom.set_doom_config_path(os.devnull)  # Or it saves its settings when it ends.
        try:
            doom.init()
        except Exception as error:
            raise RuntimeError(f'the ViZDoom engine does not start: {error}') from error
    # Both processes have mapped these; nameless, they end with the processes.
    for prefix in _SHARED_MEMORY_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f'{_SHARED_MEMORY}/{prefix}{doom.get_instance_id()}')


def _check_machine(executable: str) -> None:
    """Raises where ViZDoom 1.3 would take the whole Python process down with it.

    It reads through a null pointer if the engine dies before its first message.
    """
    if not os.access(executable, os.X_OK):
        raise RuntimeError(f'{executable} is missing or no program; install vizdoom again')
    free = shutil.disk_usage(_SHARED_MEMORY).free
    if free < _SHARED_MEMORY_BYTES:
        raise RuntimeError(
            f'ViZDoom needs {_SHARED_MEMORY_BYTES >> 20} MB in {_SHARED_MEMORY}, which has '
            f'{free >> 20} MB left; in Docker, raise --shm-size'
        )


def _write_launcher(directory: str, executable: str) -> str:
    """A program that becomes the engine; /bin/sh, since a `#!` line takes one short argument."""
    path = os.path.join(directory, 'launcher')
    command = (sys.executable, '-I', '-S', '-c', _LAUNCHER, str(os.getpid()), directory, executable)
    with open(path, 'w') as file:
        file.write(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    os.chmod(path, 0o700)
    if not os.access(path, os.X_OK):
        raise RuntimeError(f'no program can run from {directory}; set TMPDIR to another folder')
    return path
