"""Agent steps per second of A3C over its number of workers, beside A2C.

    .venv/bin/python -m research.benchmarks.scaling --game=VizdoomBasic-v1

Each worker has one environment. All take turns, as in `throughput`.
"""

import statistics

from absl import flags

from launch.common import script
from research.benchmarks import referee

_GAME = flags.DEFINE_string('game', 'VizdoomBasic-v1', 'Game with pictures.')
_NETWORK = flags.DEFINE_enum('network', 'a3c', ['nature', 'a3c'], 'Of policy and value.')
_UNROLL_LENGTH = flags.DEFINE_integer('unroll_length', 20, 'Steps per update, T.', lower_bound=1)
_WORKERS = flags.DEFINE_list('workers', ['1', '2', '4', '8', '16'], 'Numbers of workers.')
_ROUNDS = flags.DEFINE_integer('rounds', 5, 'Turns of each.', lower_bound=1)
_SECONDS = flags.DEFINE_float('seconds', 4.0, 'Length of a turn.', lower_bound=0.1)


def main() -> None:
    """Measures and prints a table."""
    common = {
        'game': _GAME.value,
        'network': _NETWORK.value,
        'unroll_length': _UNROLL_LENGTH.value,
        'num_groups': 2,
    }
    numbers = [int(text) for text in _WORKERS.value]
    entries = [
        *(('a3c', {'num_envs': n, 'num_workers': n, 'locked': True}) for n in numbers),
        *(('a3c', {'num_envs': n, 'num_workers': n, 'locked': False}) for n in numbers[-2:]),
        *(('a2c', {'num_envs': n}) for n in numbers[-2:]),
    ]
    contestants = referee.take_turns(
        [(kind, {**common, **own}) for kind, own in entries], _ROUNDS.value, _SECONDS.value
    )
    print('| Agent | Environments | Steps/s | Learner, core-ms per step | Learner MB |')
    print('| --- | --- | --- | --- | --- |')
    for (kind, own), one in zip(entries, contestants, strict=True):
        name = kind.upper() + ('' if own.get('locked', True) else ', lock-free')
        rates = one.rates()
        middle = f'{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})'
        learner = 1e3 * one.cost('learner_cpu_seconds')
        megabytes = one.median('learner_mb')
        print(f'| {name} | {own["num_envs"]} | {middle} | {learner:.2f} | {megabytes:.0f} |')


if __name__ == '__main__':
    script.start(main)
