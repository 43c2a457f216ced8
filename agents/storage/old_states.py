"""Training states and dumps of format 1, which had no number: how they become those of format 2.

Each function tells which versions lacked what, and gives it the meaning that it had there. The
versions are named after the commits that have a fixture: see tests/fixtures/README.md.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Tree = dict[str, Any]

_LOSSES = 'total_loss', 'policy_loss', 'value_loss', 'entropy'
_METRICS = (
    'policy_loss', 'value_loss', 'entropy', 'explained_variance', 'value_magnitude', 'grad_norm',
)  # fmt: skip
_OF_VALUES = 'value_loss', 'explained_variance', 'value_magnitude'
_NO_ALARM = {'raised': False, 'recent': []}
_NOTHING_WATCHED = {
    'calm': True,
    'has_good_state': False,
    'guard': {
        'first_magnitude': None,
        'alarms': {name: _NO_ALARM for name in ('entropy', 'one_action', 'values')},
    },
    'skipped': {'total': 0, 'num_updates': 0, 'in_a_row': 0, 'last': []},
    'num_rollbacks': 0,
}


def state(tree: Tree) -> Tree:
    """The state of a run in format 2; the argument stays as it is."""
    tree = _without_unknown_numbers(_with_guards(tree))
    agent = tree['agent']
    if 'runners' in agent:
        agent = _of_groups(agent)
    if 'envs' in agent:  # Those of an agent on TF-Agents; A2C and A3C have theirs in the runners.
        agent = {**agent, 'envs': _environments(agent['envs'])}
    return {**tree, 'agent': agent}


def dump(tree: Tree) -> Tree:
    """The dump of a skipped update in format 2; the argument stays as it is.

    A batch called its `batch_fraction` `share`. Before 5984a52 an action space of real numbers was
    kept without its bounds.
    """
    if 'batches' in tree:  # Of A2C or A3C
        tree = {**tree, 'batches': [_batch(**batch) for batch in tree['batches']]}
    if tree.get('actions', ['', []])[0] != 'Box' or len(tree['actions']) > 2:
        return tree
    kind, shape = tree['actions']
    return {**tree, 'actions': [kind, shape, np.full(shape, -np.inf), np.full(shape, np.inf)]}


def _batch(share: float, **batch: Any) -> Tree:
    return {**batch, 'batch_fraction': share}


def _with_guards(tree: Tree) -> Tree:
    """6732916 had no guards and counted no restarts; for an hour guards noted no good state."""
    watch = {'has_good_state': False, **tree.get('watch', _NOTHING_WATCHED)}
    return {'restarts': 0, **tree, 'watch': watch}


def _without_unknown_numbers(tree: Tree) -> Tree:
    """6732916 told five numbers of an update; others than today's make no mean with those to come.

    Before 5984a52 REINFORCE without a baseline told of values, which were all 0.
    """
    agent, logger = tree['agent'], tree['logger']

    def is_known(update: list[float]) -> bool:
        if 'runners' in agent:  # A2C or A3C
            return len(update) == len(_METRICS)
        if 'memory' in agent or len(update) != len(_METRICS):  # Not REINFORCE, or no values
            return True
        metrics = dict(zip(_METRICS, update, strict=True))
        return any(metrics[name] for name in _OF_VALUES)

    updates = [update for update in logger['updates'] if is_known(update)]
    return {**tree, 'logger': {**logger, 'updates': updates}}


def _of_groups(agent: Tree) -> Tree:
    """6732916 had no rollbacks, 1126fe3 no normalisation; A2C and A3C named no fields of parts."""
    agent = {'rate_factor': 1.0, 'normalizer': {}, **agent}
    agent['runners'] = [_runner(runner) for runner in agent['runners']]
    if 'next' in agent:
        agent['next'] = [_group_gradients(*part) for part in agent['next']]
    if 'updates' in agent:
        agent['updates'] = [_worker_update(*update) for update in agent['updates']]
    return agent


def _runner(runner: Tree) -> Tree:
    """6732916 did not follow actions and returns, 1126fe3 did not normalise rewards."""
    num_envs = len(runner['lengths'])
    conduct = {
        'first_actions': np.zeros((), np.int32),  # Of no step yet, whatever the shape of actions.
        'repeats': np.zeros(num_envs, np.int64),
        'returns': np.zeros(num_envs),
        'largest_return': 0.0,
    }
    statistics = {'returns': np.zeros(num_envs)}
    runner = {'conduct': conduct, 'statistics': statistics, **runner}
    return {**runner, 'envs': _environments(runner['envs'])}


def _group_gradients(
    gradients: list[Any],
    num_steps: int,
    episodes: list[Any],
    max_abs_return: float = 0.0,
    moments: Tree | None = None,
) -> Tree:
    """6732916 did not follow returns, 1126fe3 did not normalise."""
    arrays, losses, *rest = gradients
    names = 'batch_fraction', 'targets', 'values'
    return {
        'gradients': {
            'gradients': arrays,
            'losses': dict(zip(_LOSSES, losses, strict=True)),
            **dict(zip(names, rest, strict=True)),
        },
        'num_steps': num_steps,
        'episodes': episodes,
        'max_abs_return': max_abs_return,
        'moments': {
            name: dict(zip(('size', 'mean', 'variance'), own, strict=True))
            for name, own in (moments or {}).items()
        },
    }


def _worker_update(num_steps: int, metrics: list[float], episodes: list[Any]) -> Tree:
    """A3C named no fields of the updates that nobody had asked for yet."""
    named = dict(zip(_METRICS, metrics, strict=True))
    return {'num_steps': num_steps, 'metrics': named, 'episodes': episodes}


def _environments(snapshots: list[Tree]) -> list[Tree]:
    return [_at_the_bottom(snapshot, _game) for snapshot in snapshots]


def _at_the_bottom(snapshot: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Changes the snapshot of the game, which stands under those of its wrappers."""
    if 'env' in snapshot:
        return {**snapshot, 'env': _at_the_bottom(snapshot['env'], change)}
    return change(snapshot)


def _game(snapshot: Tree) -> Tree:
    """6732916 held no buttons of consoles for a turbo, 1126fe3 watched no variables of ViZDoom."""
    if {'state', 'variables', 'screen'} <= snapshot.keys():  # Of `RetroGame`
        return {'held': 0, **snapshot}
    if {'episode_seed', 'screen'} <= snapshot.keys():  # Of `VizdoomGame`
        return {'watched': [], **snapshot}
    return snapshot
