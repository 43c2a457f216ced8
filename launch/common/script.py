"""Runs a command: reads its flags, prints its help, and tells a user's mistake in one line."""

import functools
import io
import os
import signal
import sys
from collections.abc import Callable

from absl import app, flags

from envs.errors import UsageError
from launch.common import config_flags, help_screen

_LONGEST = 2000  # Characters of an error.


def start(main: Callable[[], object], name: str = '') -> None:
    """Parses the command line and calls `main`; `./run` calls the script `name`.

    Unknown flags, values that make no sense and stray arguments print one line and exit with 2,
    as does a `UsageError` of `main`. Ctrl-C exits with 130 as shells expect it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # A terminal may know no Greek letters.
            stream.reconfigure(errors='backslashreplace')
    parse = functools.partial(_parse, name=name)
    try:
        app.run(lambda argv: _guarded(main), argv=sys.argv, flags_parser=parse)
    except BrokenPipeError:  # The reader of our output has gone, as in `... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def fail(message: str) -> None:
    """Prints a user's error as one line and exits with code 2."""
    line = ' '.join(message.split())[:_LONGEST]
    # It may quote a file, whose text must not steer the terminal.
    line = ''.join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    print(f'error: {line}', file=sys.stderr)
    sys.exit(2)


def exit_if_stopped(signal_name: str) -> None:
    """Exits with 128 plus the number of the signal, as shells do, so that scripts know to resume.

    Args:
        signal_name: Name of the signal that stopped the training; empty if none did.
    """
    if signal_name:
        sys.exit(128 + signal.Signals[signal_name])


def _guarded(main: Callable[[], object]) -> None:
    try:
        main()
        sys.stdout.flush()
    except UsageError as error:
        fail(str(error))
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(130)


def _parse(argv: list[str], name: str) -> list[str]:
    if any(argument in ('--help', '-help', '-h', '--helpfull') for argument in argv[1:]):
        print(help_screen.screen(name), flush=True)
        sys.exit(0)
    try:
        rest = flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        now = config_flags.present_name(error.flagname)
        fail(f'--{error.flagname} is now --{now}' if now else str(error))
    except flags.Error as error:
        fail(str(error))
    if len(rest) > 1:
        fail(f'unexpected argument {rest[1]!r}; flags are written --name=value')
    return rest
