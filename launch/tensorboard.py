"""Watch runs in TensorBoard, from this machine only unless --host says otherwise."""

import contextlib
import os
import signal
import socket
import sys

from absl import flags, logging

from agents import quiet_tensorflow
from envs.errors import UsageError
from envs.fields import require
from launch.common import script

_RUNS = flags.DEFINE_string('runs', 'runs', 'Directory of one run or of several.')
_PORT = flags.DEFINE_integer('port', 6006, 'TCP port; 0 takes a free one.')
_HOST = flags.DEFINE_string(
    'host', 'localhost', 'Address to listen on; 0.0.0.0 lets every machine read your runs.'
)
_LOCAL = ('localhost', '127.0.0.1', '::1')


def main() -> None:
    """Serves TensorBoard until a signal ends it."""
    require(os.path.isdir(_RUNS.value), f'--runs: there is no directory {_RUNS.value}')
    require(0 <= _PORT.value < 65536, f'--port must be in 0 to 65535, not {_PORT.value}')
    _check_host(_HOST.value)
    quiet_tensorflow.load()
    from tensorboard import default, program

    runs, host, port = _RUNS.value, _HOST.value, _PORT.value
    del flags.FLAGS.port, flags.FLAGS.host  # TensorBoard defines its own.
    server = program.TensorBoard(default.get_plugins())
    logging.set_verbosity(logging.ERROR)
    # The fast loader is experimental and announces itself.
    server.configure(logdir=runs, host=host, port=port, load_fast='false')
    try:
        url = server.launch()
    except program.TensorBoardServerException as error:
        raise UsageError(f'--port: {error}') from None
    if host not in _LOCAL:
        warning = f'warning: there is no password: whoever reaches {host} can read {runs}'
        print(warning, file=sys.stderr, flush=True)
    print(f'TensorBoard of {runs}: {url} (Ctrl-C ends it)', flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _check_host(host: str) -> None:
    """Raises `UsageError` unless this machine can listen there; TensorBoard would just exit."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host or '?', 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise UsageError(f'--host: cannot listen on {host!r}: {reason}') from None


if __name__ == '__main__':
    script.start(main)
