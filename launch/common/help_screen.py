"""The screen of `--help`: every flag once, by topic, what a person sets first at the top."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from absl import flags

from launch.common import config_flags

_WIDTH, _INDENT = 80, 30  # Columns.


class Topic(NamedTuple):
    """Flags that are told together."""

    title: str
    names: Sequence[str]


# Trainings begin with this topic and end with those. Between them stand the topics of the
# configurations, with the flags that are named in none of these: first the algorithm, then the
# environment, then the run.
FIRST = Topic(
    'What is played, for how long, and where the run is written.',
    ('game', 'levels', 'preset', 'total_steps', 'seed', 'episodes', 'run_dir', 'resume'),
)
LAST = (
    Topic(
        'How often the run logs, saves, evaluates and films.',
        (
            'log_period',
            'checkpoint_period',
            'checkpoint_minutes',
            'eval_period',
            'eval_episodes',
            'video_period',
        ),
    ),
    Topic(
        'What to do when the policy or the critic collapses.',
        ('on_collapse', 'entropy_floor', 'rollback_lr_factor'),
    ),
    Topic(
        'Processes and memory.',
        (
            'num_groups',
            'pin_cores',
            'envs_per_process',
            'hang_seconds',
            'max_restarts',
            'worker_memory_mb',
        ),
    ),
)


def screen(name: str = '') -> str:
    """The docstring of the script, how to start it, and its flags with defaults, by topic.

    Args:
        name: The script is started by `./run NAME`; empty: see `_command`.
    """
    docstring = sys.modules['__main__'].__doc__ or ''
    lines = [docstring.strip(), '', f'Usage: {_command(name)} [--name=value ...]']
    for title, names in topics(config_flags.defined, _own_flags()):
        lines += ['', title, *(line for name in names for line in _describe(name))]
    return '\n'.join(lines)


def topics(groups: Sequence[config_flags.ConfigFlags[Any]], own: Iterable[str]) -> list[Topic]:
    """Every flag once, in the order of the screen.

    Args:
        groups: The flags of each configuration. It is a training if one is an algorithm's.
        own: The flags that belong to the script itself.
    """
    is_training = any(group.algorithm for group in groups)
    groups = sorted(groups, key=lambda group: not group.algorithm)  # It keeps the order otherwise.
    of_classes = [
        Topic(*topic)
        for group in groups  # An algorithm's own flags stand before those that it shares.
        for topic in (reversed(group.topics) if group.algorithm else group.topics)
    ]
    of_script = Topic('Flags of this command.', list(own))
    known = {name for topic in (of_script, *of_classes) for name in topic.names}
    first, last = ([FIRST], LAST) if is_training else ([], ())
    placed = {name for topic in (*first, *last) for name in topic.names}
    middle = [
        Topic(title, [name for name in names if name not in placed])
        for title, names in (of_script, *of_classes)
    ]
    ends = [
        [Topic(title, [name for name in names if name in known]) for title, names in some]
        for some in (first, last)
    ]
    return [topic for topic in (*ends[0], *middle, *ends[1]) if topic.names]


def _command(name: str) -> str:
    """Words that start this script; without a name, those that fit the module that runs."""
    spec = sys.modules['__main__'].__spec__
    module = spec.name.removesuffix('.__main__') if spec else ''
    if name or not module or module.startswith('launch.'):
        file = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        return f'./run {name or file}'
    return f'.venv/bin/python -m {module}'


def _own_flags() -> Iterable[str]:
    """Names of the flags that belong to no configuration and not to absl."""
    grouped = {name for group in config_flags.defined for name in group.names}
    return [
        flag.name
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        if module == sys.argv[0] or module.startswith(('launch.', 'research.'))
        for flag in defined
        if flag.name not in grouped
    ]


def _describe(name: str) -> list[str]:
    """Lines `  --name=default   help`, wrapped."""
    flag = flags.FLAGS[name]
    default = '' if flag.default is None else flag.default
    if isinstance(default, list | tuple):
        default = ','.join(map(str, default))
    left = f'--[no]{name}' if flag.boolean else f'--{name}={default}'
    text = ' '.join((flag.help or '').split())
    if flag.boolean:
        text += f' Default: {"yes" if flag.default else "no"}.'
    lines = textwrap.wrap(text, _WIDTH - _INDENT)
    first = f'  {left}'
    if len(first) > _INDENT - 2:
        return [first, *(' ' * _INDENT + line for line in lines)]
    return [f'{first:<{_INDENT}}{lines[0]}', *(' ' * _INDENT + line for line in lines[1:])]
