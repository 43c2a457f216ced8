"""Whether two runs are the same: their tables and their last training states."""

import csv

import numpy as np

from agents.runs.logger import MACHINE_METRICS
from agents.storage import checkpoints


def table(run_dir, name):
    """Rows of a table without the columns that tell of the machine."""
    with open(run_dir / f'{name}.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key not in MACHINE_METRICS} for row in rows]


def last_state(run_dir):
    """The last checkpoint without the time that the run took."""
    tree = checkpoints.load(checkpoints.paths(str(run_dir / 'checkpoints'))[0])
    del tree['logger']['wall_seconds']
    return tree


def first_difference(a, b, path=''):
    """Where two trees differ, or ''; save states hold addresses of the process they are from."""
    if path.endswith('/env/state'):
        return ''
    if isinstance(a, checkpoints.Sealed):
        a, b = a.tree, getattr(b, 'tree', b)
    if type(a) is not type(b):
        return f'{path}: {type(a)} and {type(b)}'
    if isinstance(a, np.ndarray):
        same = (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        return '' if same else path
    if isinstance(a, (dict, list)):
        keys, other = (list(x) if isinstance(x, dict) else list(range(len(x))) for x in (a, b))
        found = (first_difference(a[key], b[key], f'{path}/{key}') for key in keys)
        return f'{path}: {keys} and {other}' if keys != other else next(filter(None, found), '')
    return '' if a == b else f'{path}: {a} and {b}'


def difference_of_runs(a, b):
    """What the first difference is, or ''."""
    for name in ('metrics', 'episodes', 'evaluations'):
        if table(a, name) != table(b, name):
            return f'{name}.csv'
    return first_difference(last_state(a), last_state(b))
