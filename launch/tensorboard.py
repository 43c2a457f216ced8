"""Watch runs in TensorBoard, on this machine only."""

import os
import sys

from absl import flags

from envs.config import require
from launch import script

_RUNS = flags.DEFINE_string('runs', 'runs', 'Directory of a run, or of several.')
_PORT = flags.DEFINE_integer('port', 6006, 'TCP port; 0 takes a free one.')


def main() -> None:
    """Becomes TensorBoard, listening on localhost."""
    require(os.path.isdir(_RUNS.value), f'--runs: there is no directory {_RUNS.value}')
    require(0 <= _PORT.value < 65536, f'--port must be in 0 to 65535, not {_PORT.value}')
    command = ['-m', 'tensorboard.main', '--host', 'localhost', '--port', str(_PORT.value)]
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    os.execv(sys.executable, [sys.executable, *command, '--logdir', _RUNS.value])


if __name__ == '__main__':
    script.start(main)
