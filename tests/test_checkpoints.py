"""Checkpoints: what is saved comes back, and what is damaged is passed over."""

import logging
import os
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra import numpy as array_strategies

from agents import checkpoints

arrays = array_strategies.arrays(
    strategies.sampled_from([np.uint8, np.int32, np.int64, np.float32, np.float64, np.bool_]),
    array_strategies.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=4),
)
leaves = strategies.one_of(
    arrays,
    strategies.none(),
    strategies.booleans(),
    strategies.integers(-(2**130), 2**130),  # The generators of NumPy have 128 bits.
    strategies.floats(),
    strategies.text(),
)
keys = strategies.one_of(strategies.text(max_size=5), strategies.sampled_from(['array', 'dict']))
trees = strategies.recursive(
    leaves,
    lambda inner: strategies.one_of(
        strategies.lists(inner, max_size=4), strategies.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


def assert_equal(a, b):
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


@hypothesis.settings(deadline=None, max_examples=60, database=None)
@hypothesis.given(trees)
def test_trees_come_back(tmp_path_factory, tree):
    path = checkpoints.save(str(tmp_path_factory.mktemp('checkpoints')), 1, tree)
    assert_equal(checkpoints.load(path), tree)


def test_numbers_of_numpy_and_tuples_become_plain():
    tree = {'a': np.float32(0.1), 'b': np.int64(2**62), 'c': np.bool_(True), 'd': (1, np.str_('x'))}
    encoded = checkpoints._encode(tree, [])
    assert encoded == {'dict': {'a': float(np.float32(0.1)), 'b': 2**62, 'c': True, 'd': [1, 'x']}}


@pytest.mark.parametrize(
    'tree, error',
    [
        ({1: 'a key that is no string'}, TypeError),
        ({'code': print}, TypeError),
        ({'bytes': b'abc'}, TypeError),
        (np.array([print]), ValueError),
    ],
)
def test_what_would_not_come_back_is_refused(tmp_path, tree, error):
    with pytest.raises(error):
        checkpoints.save(str(tmp_path), 1, tree)
    assert checkpoints.paths(str(tmp_path)) == []


def test_the_last_three_are_kept(tmp_path):
    for step in (5, 10, 1_000_000_000, 20, 30):
        checkpoints.save(str(tmp_path), step, {'step': step})
    names = [os.path.basename(path) for path in checkpoints.paths(str(tmp_path))]
    # The one of step 1,000,000,000 lies ahead: it must not displace what is written now.
    assert names == [
        'step-1000000000.zip', 'step-000000030.zip', 'step-000000020.zip', 'step-000000010.zip',
    ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_there_may_be_none(tmp_path):
    assert checkpoints.load_latest(str(tmp_path / 'nowhere')) is None
    assert checkpoints.load_latest(str(tmp_path)) is None


def test_only_whole_files_of_ours_count(tmp_path):
    checkpoints.save(str(tmp_path), 1, {'step': 1})
    for name in ('partial', 'step-000000009.zip.partial', 'step-x.zip', 'xstep-2.zip', 'notes.txt'):
        (tmp_path / name).write_bytes(b'half a checkpoint')
    assert checkpoints.load_latest(str(tmp_path)) == {'step': 1}
    assert len(checkpoints.paths(str(tmp_path))) == 1


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_empty(path):
    path.write_bytes(b'')


def damage_flip_a_byte_of_an_array(path):
    content = bytearray(path.read_bytes())
    position = content.find(np.arange(1000.0).tobytes()) + 4321
    content[position] ^= 1
    path.write_bytes(bytes(content))


def damage_lose_an_array(path):
    with zipfile.ZipFile(path) as archive:
        tree = archive.read('tree.json')
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('tree.json', tree)


def damage_replace_by_a_directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    'damage',
    [
        damage_truncate,
        damage_empty,
        damage_flip_a_byte_of_an_array,
        damage_lose_an_array,
        damage_replace_by_a_directory,
    ],
)
def test_a_damaged_file_is_passed_over_with_a_warning(tmp_path, caplog, damage):
    for step in (1, 2):
        checkpoints.save(str(tmp_path), step, {'step': step, 'array': np.arange(1000.0)})
    damage(tmp_path / 'step-000000002.zip')
    with caplog.at_level(logging.WARNING):
        assert checkpoints.load_latest(str(tmp_path))['step'] == 1
    assert 'step-000000002.zip cannot be read' in caplog.text


@pytest.fixture
def small(tmp_path):
    """A checkpoint and its tree; with all kinds of entries it has about two thousand bytes."""
    rng = np.random.default_rng(0)
    tree = {
        'floats': rng.normal(size=9),
        'bytes': rng.integers(0, 256, 50, np.uint8),
        'list': [1, 0.5, None, True, 'text', 2**100],
        'empty': np.zeros((0, 3), np.float32),
    }
    return tmp_path / os.path.basename(checkpoints.save(str(tmp_path), 1, tree)), tree


def loads_only(path, tree):
    """Reads nothing, or what was written; whether it does."""
    try:
        found = checkpoints.load(str(path))
    except Exception:
        return False
    assert_equal(found, tree)
    return True


def test_no_byte_can_change_unnoticed(small):
    path, tree = small
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in range(len(content)):
        for mask in (1, 255, int(rng.integers(2, 255))):
            changed = bytearray(content)
            changed[position] ^= mask
            path.write_bytes(changed)
            loads_only(path, tree)
    path.write_bytes(content)
    assert loads_only(path, tree)


def test_no_torn_file_is_read(small):
    path, tree = small
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        whole = loads_only(path, tree)  # What the comment is cut off from is whole.
        assert not whole or length >= content.index(b'sha256:')
        path.write_bytes(content[:length] + bytes(len(content) - length))
        loads_only(path, tree)


def test_a_file_without_a_hash_is_of_an_older_version(small):
    path, tree = small
    with zipfile.ZipFile(path, 'a') as archive:
        archive.comment = b''
    assert loads_only(path, tree)


def test_the_best_one_is_kept_apart_and_read_last(tmp_path):
    directory = str(tmp_path)
    assert checkpoints.load_best(directory) is None
    checkpoints.save_best(directory, {'step': 1})
    for step in range(2, 8):
        checkpoints.save(directory, step, {'step': step})
    assert checkpoints.load_best(directory) == {'step': 1}
    assert checkpoints.load_latest(directory) == {'step': 7}
    assert len(os.listdir(tmp_path)) == 4
    for path in checkpoints.paths(directory):
        with open(path, 'r+b') as file:
            file.write(b'xxxx')
    assert checkpoints.load_latest(directory) == {'step': 1}


def test_no_pickle_is_read(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'executed'),)

    path = checkpoints.save(str(tmp_path), 1, {'array': np.zeros(3)})
    with zipfile.ZipFile(path) as archive:
        tree = archive.read('tree.json')
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('tree.json', tree)
        with archive.open('0.npy', 'w') as file:
            np.save(file, np.array([Evil()], object), allow_pickle=True)
    assert checkpoints.load_latest(str(tmp_path)) is None
    assert not (tmp_path / 'executed').exists()
