"""What the robots of MuJoCo need besides gymnasium: silence, and pictures without a display."""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator

from gymnasium.envs.registration import EnvSpec

from envs.errors import UsageError

_log = logging.getLogger(__name__)

# For `gymnasium.make`: the camera that follows the robot, of those models that have one. Unasked,
# gymnasium 1.4 takes one that stands where the robot began.
OPTIONS = {'camera_name': 'track'}
# Of the models that gymnasium brings along; there is nothing that their user could do.
_NOISE = 'settotalmass'


def is_robot(spec: EnvSpec) -> bool:
    """Whether it is simulated by MuJoCo."""
    return str(spec.entry_point).startswith('gymnasium.envs.mujoco.')


def prepare(game_id: str) -> None:
    """Leads the warnings of MuJoCo to the log: its own way is a file where the user is.

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
    """Within it a robot can be drawn, without a display too.

    Raises:
        UsageError: It cannot be drawn here.
    """
    # Not before: with this variable MuJoCo itself cannot be imported where a library is missing.
    if not os.environ.get('DISPLAY'):
        os.environ.setdefault('MUJOCO_GL', 'egl')
    try:
        yield
    except Exception as error:  # Whatever OpenGL and its many parts raise.
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise UsageError(
            f'{game_id} cannot be drawn: {reason}; a machine without a display needs EGL: '
            'sudo apt install libegl1 libgl1'
        ) from error
