"""What every launch script does around its work: flags in, user errors out as one line."""

import functools
import io
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable

from absl import app, flags

from envs.errors import UsageError
from launch.common import config_flags

_WIDTH, _INDENT = 80, 30  # Columns of `--help`.
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
    """Prints the one line of a user's error and exits with code 2."""
    line = ' '.join(message.split())[:_LONGEST]
    # What a file says may be in it, but must not steer the terminal.
    line = ''.join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    print(f'error: {line}', file=sys.stderr)
    sys.exit(2)


def exit_if_stopped(signal_name: str) -> None:
    """Exits as shells tell of a signal, 128 and its number, so that scripts know what to resume.

    Args:
        signal_name: What stopped the training, or ''.
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
        print(_help(name), flush=True)
        sys.exit(0)
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        fail(str(error))
    if len(rest) > 1:
        fail(f'unexpected argument {rest[1]!r}; flags are written --name=value')
    return rest


def _help(name: str) -> str:
    """The script's docstring and its flags with defaults, by topic."""
    docstring = sys.modules['__main__'].__doc__ or ''
    program = name or os.path.splitext(os.path.basename(sys.argv[0]))[0]
    lines = [docstring.strip(), '', f'Usage: ./run {program} [--name=value ...]']
    topics = [topic for group in config_flags.defined for topic in group.topics]
    for title, names in [*topics, ('Others.', _own_flags())]:
        if names:
            lines += ['', title, *(line for name in names for line in _describe(name))]
    return '\n'.join(lines)


def _own_flags() -> Iterable[str]:
    """Names of the flags that belong to no configuration and not to absl."""
    grouped = {name for group in config_flags.defined for name in group.names}
    return [
        flag.name
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        if module == sys.argv[0] or module.startswith('launch.')
        for flag in defined
        if flag.name not in grouped
    ]


def _describe(name: str) -> list[str]:
    """`  --name=default   help`, wrapped."""
    flag = flags.FLAGS[name]
    default = ','.join(map(str, flag.default)) if isinstance(flag.default, tuple) else flag.default
    left = f'--[no]{name}' if flag.boolean else f'--{name}={default}'
    text = ' '.join((flag.help or '').split())
    if flag.boolean:
        text += f' Default: {"yes" if flag.default else "no"}.'
    lines = textwrap.wrap(text, _WIDTH - _INDENT)
    first = f'  {left}'
    if len(first) > _INDENT - 2:
        return [first, *(' ' * _INDENT + line for line in lines)]
    return [f'{first:<{_INDENT}}{lines[0]}', *(' ' * _INDENT + line for line in lines[1:])]
