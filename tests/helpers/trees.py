"""Comparisons of trees of dicts, lists, arrays and plain values, as checkpoints hold them."""

import numpy as np

from agents.storage import checkpoints


def assert_equal(a, b):
    """Fails unless two trees are equal: types, order of keys, every bit of every array."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            assert_equal(left, right)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()
    else:
        assert a == b or (a != a and b != b)


def first_difference(a, b, path=''):
    """Path of the first difference between the training states of two processes, or ''.

    Save states of emulators are passed over: they hold addresses of the process they are from.
    """
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
