"""What every launch script does around its work: flags in, user errors out as one line."""

import os
import sys
from collections.abc import Callable

from absl import app, flags

from envs.errors import UsageError

flags.disclaim_key_flags()


def start(main: Callable[[], None]) -> None:
    """Parses the command line and calls `main`.

    Unknown flags, values that make no sense and stray arguments print one line and exit with 2,
    as does a `UsageError` of `main`.
    """
    app.run(lambda argv: _guarded(main), argv=sys.argv, flags_parser=_parse)


def fail(message: str) -> None:
    """Prints the one line of a user's error and exits with code 2."""
    print(f'error: {" ".join(message.split())}', file=sys.stderr)
    sys.exit(2)


def _guarded(main: Callable[[], None]) -> None:
    try:
        main()
    except UsageError as error:
        fail(str(error))
    except BrokenPipeError:  # The reader of our output has gone, as in `... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(argv: list[str]) -> list[str]:
    if any(argument in ('--help', '-h', '--helpfull') for argument in argv[1:]):
        app.define_help_flags()
        detailed = '--helpfull' in argv
        _usage(detailed)
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        fail(str(error))
    if len(rest) > 1:
        fail(f'unexpected argument {rest[1]!r}; flags are written --name=value')
    return rest


def _usage(detailed: bool) -> None:
    """Prints the module's docstring and its flags, and exits with 0."""
    app.usage(writeto_stdout=True, shorthelp=not detailed, exitcode=0)
