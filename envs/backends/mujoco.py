"""Additions to gymnasium for the robots of MuJoCo: silence, and pictures without a display."""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator

from gymnasium.envs.registration import EnvSpec

from envs.errors import UsageError

_log = logging.getLogger(__name__)

# Options for `gymnasium.make`: the camera that follows the robot, if the model has one. By default
# gymnasium 1.4 uses one that stays where the robot began.
OPTIONS = {'camera_name': 'track'}
# A warning about models that come with gymnasium; their user cannot do anything about it.
_NOISE = 'settotalmass'


def is_robot(spec: EnvSpec) -> bool:
    """Returns whether MuJoCo simulates the environment."""
    return str(spec.entry_point).startswith('gymnasium.envs.mujoco.')


def prepare(game_id: str) -> None:
    """Sends MuJoCo's warnings to the log; by default it writes a file into the working directory.

    Raises:
        UsageError: MuJoCo is not installed.
    """
    if importlib.util.find_spec('mujoco') is None:
        raise UsageError(
            f'{game_id} needs MuJoCo: .venv/bin/pip install -r requirements-mujoco.txt'
        )
    import mujoco

    mujoco.set_mju_user_warning(_warn)


def _warn(text: str) -> None:
    if _NOISE not in text:
        _log.warning('MuJoCo: %s', text.strip())


@contextlib.contextmanager
def drawing(game_id: str) -> Iterator[None]:
    """Makes it possible to draw a robot within the block, even without a display.

    Raises:
        UsageError: The robot cannot be drawn on this machine.
    """
    # This must come late: with this variable set, MuJoCo cannot even be imported if a library is
    # missing.
    if not os.environ.get('DISPLAY'):
        os.environ.setdefault('MUJOCO_GL', 'egl')
    try:
        yield
    except Exception as error:  # OpenGL and its many parts raise all kinds of errors.
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise UsageError(
            f'{game_id} cannot be drawn: {reason}; a machine without a display needs EGL: '
            'sudo apt install libegl1 libgl1'
        ) from error
