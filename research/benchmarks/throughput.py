"""Agent steps per second of A2C: what the machine allows, what we reach, what the peer reaches.

    ./run bench --game=Airstriker-Genesis --num_envs=16

Emulation, inference and training are measured alone. Their core-seconds per agent step, a, b and
c, give the ideal, `cores / (a + b + c)`: every core busy with nothing else. A2C against it is the
efficiency. All contestants live in processes of their own and take turns, several rounds, so that
what else the machine does meets them alike; medians over the rounds count.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
from typing import Any

from absl import flags

from envs.backends import registry
from envs.config import EnvConfig
from envs.fields import require
from launch.common import script
from research.benchmarks import referee
from research.benchmarks.referee import Contestant

_GAME = flags.DEFINE_string('game', 'Airstriker-Genesis', 'Game with pictures.')
_NUM_ENVS = flags.DEFINE_integer('num_envs', 16, 'Environments, N.', lower_bound=1)
_NUM_GROUPS = flags.DEFINE_integer('num_groups', 2, 'Groups of environments.', lower_bound=1)
_UNROLL_LENGTH = flags.DEFINE_integer('unroll_length', 5, 'Steps per update, T.', lower_bound=1)
_NETWORK = flags.DEFINE_enum('network', 'nature', ['nature', 'a3c'], 'Of policy and value.')
_NUM_WORKERS = flags.DEFINE_integer(
    'num_workers', 8, 'Workers of A3C, which share the environments.', lower_bound=1
)
_ENVS_PER_PROCESS = flags.DEFINE_integer(
    'envs_per_process', 0, 'Environments in a worker process; 0: as fits the cores.', lower_bound=0
)
_ROUNDS = flags.DEFINE_integer('rounds', 5, 'Turns of each contestant.', lower_bound=1)
_SECONDS = flags.DEFINE_float('seconds', 5.0, 'Length of a turn.', lower_bound=0.1)
_PEER = flags.DEFINE_boolean('peer', True, 'Measure Stable-Baselines3, too.')
_JSON = flags.DEFINE_string('json', '', 'File to write the result to; empty: none.')

_REAL = ('a2c', 'a2c_overlap', 'a3c')
_OURS = ('emulation', 'inference', 'training', *_REAL)
_PEERS = ('sb3', 'sb3_our_envs')
_PACKAGES = (
    'tensorflow',
    'keras',
    'stable-retro',
    'vizdoom',
    'ale-py',
    'torch',
    'stable-baselines3',
)


def summary(contestants: list[Contestant]) -> dict[str, Any]:
    """The numbers of the report."""
    by_kind = {one.kind: one for one in contestants}
    cores = len(os.sched_getaffinity(0))
    costs = {
        'emulation': cores * by_kind['emulation'].cost('wall_seconds'),
        'inference': by_kind['inference'].cost('wall_seconds'),
        'training': by_kind['training'].cost('wall_seconds'),
    }
    ideal = cores / sum(costs.values())
    ours = by_kind['a2c']
    rates = {kind: by_kind[kind].rates() for kind in (*_REAL, *_PEERS) if kind in by_kind}
    medians = {kind: statistics.median(values) for kind, values in rates.items()}
    return {
        'core_milliseconds_per_step': {name: 1e3 * cost for name, cost in costs.items()},
        'ideal_steps_per_second': ideal,
        'steps_per_second': rates,
        'efficiency': medians['a2c'] / ideal,
        'ratios': {kind: medians['a2c'] / medians[kind] for kind in medians if kind != 'a2c'},
        'a2c_core_milliseconds_per_step': {
            'all': 1e3 * cores * ours.cost('wall_seconds'),
            'learner': 1e3 * ours.cost('learner_cpu_seconds'),
            'workers': 1e3 * ours.cost('workers_cpu_seconds'),
        },
        'learner_mb': ours.median('learner_mb'),
        'largest_worker_mb': ours.median('largest_worker_mb'),
    }


def machine() -> dict[str, Any]:
    """The machine that it was measured on."""
    with open('/proc/cpuinfo') as file:
        model = next((line for line in file if line.startswith('model name')), ': ?')
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        'date': datetime.date.today().isoformat(),
        'cpu': model.partition(':')[2].strip(),
        'cores': len(os.sched_getaffinity(0)),
        'python': platform.python_version(),
        **versions,
    }


def _show(result: dict[str, Any]) -> None:
    costs, real = result['core_milliseconds_per_step'], result['a2c_core_milliseconds_per_step']
    print('\nCore-milliseconds per agent step, each alone:')
    for name, cost in costs.items():
        print(f'  {name:<12}{cost:8.3f}')
    print(f'  {"together":<12}{sum(costs.values()):8.3f}')
    print('A2C:')
    print(f'  {"learner":<12}{real["learner"]:8.3f}')
    print(f'  {"workers":<12}{real["workers"]:8.3f}')
    print(f'  {"idle":<12}{real["all"] - real["learner"] - real["workers"]:8.3f}')
    print(f'  {"together":<12}{real["all"]:8.3f}')
    print('\nAgent steps per second, median (least to most):')
    print(f'  {"ideal":<14}{result["ideal_steps_per_second"]:6.0f}')
    for kind, rates in result['steps_per_second'].items():
        spread = f'({min(rates):.0f} to {max(rates):.0f})'
        ratio = f'  A2C is {result["ratios"][kind]:.2f} times it' if kind != 'a2c' else ''
        print(f'  {kind:<14}{statistics.median(rates):6.0f}  {spread}{ratio}')
    print(f'\nEfficiency {result["efficiency"]:.2f}')
    megabytes = result['learner_mb'], result['largest_worker_mb']
    print('Memory: learner {:.0f} MB, largest worker {:.0f} MB'.format(*megabytes))


def main() -> None:
    """Measures, shows and writes."""
    require(_NUM_ENVS.value % _NUM_GROUPS.value == 0, '--num_groups must divide --num_envs')
    dealt = _NUM_ENVS.value % _NUM_WORKERS.value == 0
    require(dealt, '--num_workers must divide --num_envs')
    spec = registry.find(_GAME.value)
    spec.check(EnvConfig(game=_GAME.value))
    has_pictures = spec.backend != 'gymnasium'
    require(has_pictures, f'--game: {_GAME.value} has no pictures')
    folder = os.path.dirname(os.path.abspath(_JSON.value))
    require(os.access(folder, os.W_OK), f'--json: cannot write into {folder}')
    options = {
        'game': _GAME.value,
        'num_envs': _NUM_ENVS.value,
        'num_groups': _NUM_GROUPS.value,
        'unroll_length': _UNROLL_LENGTH.value,
        'network': _NETWORK.value,
        'num_workers': _NUM_WORKERS.value,
        'envs_per_process': _ENVS_PER_PROCESS.value,
    }
    kinds = _OURS + (_PEERS if _PEER.value else ())
    entries = [(kind, options) for kind in kinds]
    contestants = referee.take_turns(entries, _ROUNDS.value, _SECONDS.value)
    result = {'machine': machine(), **options, 'rounds': _ROUNDS.value, **summary(contestants)}
    _show(result)
    if _JSON.value:
        with open(_JSON.value, 'w') as file:
            json.dump(result, file, indent=2)


if __name__ == '__main__':
    script.start(main, 'bench')
