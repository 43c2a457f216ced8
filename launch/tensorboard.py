"""Watch runs in TensorBoard, on this machine only."""

import contextlib
import os
import signal

from absl import flags, logging

from envs.config import require
from envs.errors import UsageError
from launch import script

_RUNS = flags.DEFINE_string('runs', 'runs', 'Directory of a run, or of several.')
_PORT = flags.DEFINE_integer('port', 6006, 'TCP port; 0 takes a free one.')


def main() -> None:
    """Serves TensorBoard on localhost until a signal ends it."""
    require(os.path.isdir(_RUNS.value), f'--runs: there is no directory {_RUNS.value}')
    require(0 <= _PORT.value < 65536, f'--port must be in 0 to 65535, not {_PORT.value}')
    from agents import quiet_tensorflow  # noqa: F401, I001  TensorBoard would import it loudly.
    from tensorboard import default, program

    runs, port = _RUNS.value, _PORT.value
    del flags.FLAGS.port  # TensorBoard defines its own.
    server = program.TensorBoard(default.get_plugins())
    logging.set_verbosity(logging.ERROR)
    # The fast loader is experimental and announces itself.
    server.configure(logdir=runs, host='localhost', port=port, load_fast='false')
    try:
        url = server.launch()
    except program.TensorBoardServerException as error:
        raise UsageError(f'--port: {error}') from None
    print(f'TensorBoard of {runs}: {url} (Ctrl-C ends it)', flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


if __name__ == '__main__':
    script.start(main)
