"""Checkpoints: what is saved comes back, and what is damaged is passed over."""

import logging
import os
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra import numpy as array_strategies

from agents.storage import checkpoints
from tests.helpers.trees import assert_equal

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


def part_names(tmp_path):
    return sorted(path.name for path in tmp_path.glob('part-*.zip'))


def test_what_is_sealed_is_written_once_and_comes_back(tmp_path):
    sealed = [checkpoints.Sealed({'x': np.full(9, i)}) for i in range(3)]
    checkpoints.save(str(tmp_path), 1, {'memory': sealed[:2]})
    [name, other] = [part.name for part in sealed[:2]]
    assert part_names(tmp_path) == sorted([name, other])
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in part_names(tmp_path)}
    path = checkpoints.save(str(tmp_path), 2, {'memory': (sealed[1], {'deep': sealed[2]})})
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in times} == times
    first, second = checkpoints.load(path)['memory']
    assert_equal([first.tree, second['deep'].tree], [sealed[1].tree, sealed[2].tree])
    assert (first.name, second['deep'].name) == (sealed[1].name, sealed[2].name)


def test_parts_live_as_long_as_a_checkpoint_names_them(tmp_path):
    sealed = [checkpoints.Sealed([i]) for i in range(7)]
    (tmp_path / f'part-{"0" * 32}.zip').write_bytes(b'of a checkpoint that never came')
    checkpoints.save_best(str(tmp_path), sealed[0])
    for step in range(1, 7):
        checkpoints.save(str(tmp_path), step, sealed[step])
    kept = sorted(sealed[i].name for i in (0, 4, 5, 6))
    assert part_names(tmp_path) == kept
    assert checkpoints.load_best(str(tmp_path)).tree == [0]


def test_a_part_that_is_gone_is_written_again(tmp_path):
    directory, sealed = tmp_path / 'run', checkpoints.Sealed({'x': np.arange(3)})
    checkpoints.save(str(directory), 1, sealed)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    checkpoints.save(str(directory), 2, sealed)
    assert_equal(checkpoints.load_latest(str(directory)).tree, sealed.tree)


@pytest.mark.parametrize('damage', [damage_truncate, damage_flip_a_byte_of_an_array, None])
def test_without_its_part_a_checkpoint_is_passed_over(tmp_path, caplog, damage):
    checkpoints.save(str(tmp_path), 1, {'step': 1})
    sealed = checkpoints.Sealed(np.arange(1000.0))
    checkpoints.save(str(tmp_path), 2, sealed)
    if damage:
        damage(tmp_path / sealed.name)
    else:
        (tmp_path / sealed.name).unlink()
    assert checkpoints.load_latest(str(tmp_path)) == {'step': 1}
    assert 'step-000000002.zip cannot be read' in caplog.text


@pytest.mark.parametrize('is_best', [False, True])
def test_parts_may_be_left_unread(tmp_path, is_best):
    """A rollback wants the weights and not gigabytes of replay memory."""
    sealed, directory = checkpoints.Sealed(np.arange(1000.0)), str(tmp_path)
    tree = {'x': 1, 'memory': [sealed]}
    if is_best:
        checkpoints.save_best(directory, tree)
    else:
        checkpoints.save(directory, 1, tree)
    (tmp_path / sealed.name).unlink()
    assert checkpoints.load_latest(directory) is None
    found = checkpoints.load_latest(directory, lambda tree: tree['x'] == 1, parts='none')
    assert (found['memory'][0].tree, found['memory'][0].name) == (None, sealed.name)


@pytest.mark.parametrize('name', ['../secret.zip', 'step-000000001.zip', 'part-0.zip', ''])
def test_only_parts_are_read_as_parts(tmp_path, name):
    checkpoints.save(str(tmp_path), 1, {'step': 1})
    sealed = checkpoints.Sealed(1)
    path = checkpoints.save(str(tmp_path), 2, sealed)
    with zipfile.ZipFile(path) as archive:
        tree = archive.read('tree.json').replace(sealed.name.encode(), name.encode())
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('tree.json', tree)
    with pytest.raises(ValueError, match='not the name of a part'):
        checkpoints.load(path)
