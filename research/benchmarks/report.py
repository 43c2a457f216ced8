"""Makes the tables and the plot of RESULTS.md from what `./run bench --json=...` wrote.

    .venv/bin/python -m research.benchmarks.report

The tables go between the two marks in RESULTS.md; the rest of it is written by hand.
"""

import json
import pathlib
import statistics
from typing import Any

FOLDER = pathlib.Path(__file__).parent
_BEGIN, _END = '<!-- tables: report.py -->', '<!-- end of tables -->'
_COLUMNS = (
    'Game', 'Network', 'N', 'a', 'b', 'c', 'Ideal', 'A2C', 'Efficiency', 'Overlap', 'A3C', 'SB3',
    'Ratio', 'SB3, our environments', 'Ratio', 'Learner MB', 'Worker MB',
)  # fmt: skip
_NAMES = {'a2c': 'A2C', 'a3c': 'A3C', 'sb3': 'Stable-Baselines3'}


def load() -> list[dict[str, Any]]:
    """All results, by game, network and N."""
    results = [json.loads(path.read_text()) for path in (FOLDER / 'results').glob('*.json')]
    return sorted(results, key=lambda r: (r['game'], r['network'], r['num_envs']))


def table(results: list[dict[str, Any]]) -> str:
    """A row per result."""
    lines = [_row(_COLUMNS), _row(['---'] * len(_COLUMNS))]
    return '\n'.join(lines + [_row(_cells(result)) for result in results])


def _cells(result: dict[str, Any]) -> list[str]:
    costs = result['core_milliseconds_per_step'].values()
    peers = []
    for kind in ('sb3', 'sb3_our_envs'):
        known = kind in result['ratios']
        peers += [_rate(result, kind), f'{result["ratios"][kind]:.2f}'] if known else ['', '']
    return [
        result['game'],
        result['network'],
        str(result['num_envs']),
        *(f'{cost:.2f}' for cost in costs),
        f'{result["ideal_steps_per_second"]:.0f}',
        _rate(result, 'a2c'),
        f'{result["efficiency"]:.2f}',
        *(
            _rate(result, kind) if kind in result['ratios'] else ''
            for kind in ('a2c_overlap', 'a3c')
        ),
        *peers,
        f'{result["learner_mb"]:.0f}',
        f'{result["largest_worker_mb"]:.0f}',
    ]


def _rate(result: dict[str, Any], kind: str) -> str:
    rates = result['steps_per_second'][kind]
    return f'{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})'


def _row(cells: Any) -> str:
    return f'| {" | ".join(cells)} |'


def plot(results: list[dict[str, Any]], path: pathlib.Path) -> None:
    """Steps per second over N, a picture per game; the network is `nature`."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    results = [result for result in results if result['network'] == 'nature']
    games = sorted({result['game'] for result in results})
    figure, axes = pyplot.subplots(
        1, len(games), figsize=(3.6 * len(games), 3.4), layout='constrained', squeeze=False
    )
    for axis, game in zip(axes[0], games, strict=True):
        own = [result for result in results if result['game'] == game]
        numbers = [result['num_envs'] for result in own]
        ideals = [result['ideal_steps_per_second'] for result in own]
        axis.plot(numbers, ideals, 'kx--', label='ideal')
        for kind, name in _NAMES.items():
            known = [result for result in own if kind in result['steps_per_second']]
            rates = [result['steps_per_second'][kind] for result in known]
            middles = [statistics.median(turns) for turns in rates]
            spread = [
                [m - min(turns) for m, turns in zip(middles, rates, strict=True)],
                [max(turns) - m for m, turns in zip(middles, rates, strict=True)],
            ]
            counts = [result['num_envs'] for result in known]
            axis.errorbar(counts, middles, spread, marker='o', capsize=3, label=name)
        axis.set(title=game, xlabel='environments', ylim=(0, None))
        axis.set_xticks(numbers)
    axes[0][0].set_ylabel('agent steps per second')
    axes[0][0].legend(frameon=False, loc='lower left')
    figure.savefig(path, dpi=130)


def main() -> None:
    """Writes tables and plot."""
    results = load()
    document = FOLDER / 'RESULTS.md'
    before, _, rest = document.read_text().partition(_BEGIN)
    document.write_text(f'{before}{_BEGIN}\n\n{table(results)}\n\n{_END}{rest.partition(_END)[2]}')
    plot(results, FOLDER / 'throughput.png')


if __name__ == '__main__':
    main()
