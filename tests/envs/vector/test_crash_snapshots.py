"""The last snapshot of an environment: whole, or none, whatever happens to its writer."""

import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.vector import crash_snapshots, transport
from envs.vector.crash_snapshots import LastSnapshot

SLOT = crash_snapshots._SLOT_BYTES


@pytest.fixture
def file():
    number = transport.anonymous_file()
    yield number
    os.close(number)


def state(i, size=1000):
    return {'time': i, 'ram': np.full(size, i, np.uint8), 'none': None}


def time_of(file, env=0):
    """Time in the snapshot that a successor of the worker finds, or None."""
    saved = LastSnapshot(file, env).take()
    if saved is None:
        return None
    assert saved.age >= 0.0 and (saved.snapshot['ram'] == saved.snapshot['time']).all()
    return saved.snapshot['time']


def test_the_last_one_is_found_once(file):
    assert time_of(file) is None
    writer = LastSnapshot(file, 0)
    for i in range(5):
        writer.save(state(i))
    assert time_of(file) == 4 and time_of(file) is None
    writer.save(state(7))
    assert time_of(file) == 7


def test_each_environment_has_its_own(file):
    writers = [LastSnapshot(file, env) for env in range(20)]
    for env, writer in enumerate(writers):
        writer.save(state(env))
        writer.save(state(env + 100, size=3_000_000))
    writers[3].clear()
    found = [time_of(file, env) for env in range(20)]
    assert found == [None if env == 3 else env + 100 for env in range(20)]


def test_it_takes_two_snapshots_of_memory(file):
    writer = LastSnapshot(file, 9)
    for i in range(10):
        writer.save(state(i, size=1_000_000))
    assert os.fstat(file).st_blocks * 512 < 2_100_000


class Killed(Exception):
    pass


@settings(max_examples=60, deadline=None)
@given(saves=st.integers(1, 3), budget=st.integers(0, 400), piece=st.integers(1, 97))
def test_who_is_killed_while_it_writes_leaves_the_one_before(saves, budget, piece):
    """Writes a few bytes at a time, and no more after so many of the last save."""
    file, pwrite = transport.anonymous_file(), os.pwrite
    left = [10**9]

    def torn(number, content, position):
        count = min(piece, left[0], len(content))
        left[0] -= count
        if not count:
            raise Killed
        return pwrite(number, content[:count], position)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crash_snapshots.os, 'pwrite', torn)
        writer = LastSnapshot(file, 0)
        for i in range(saves):
            writer.save(state(i, size=50))
        left[0] = budget
        killed = False
        try:
            writer.save(state(saves, size=50))
        except Killed:
            killed = True
    try:
        # In the middle of the header, nothing is whole.
        assert time_of(file) in ((saves - 1, None) if killed else (saves,))
    finally:
        os.close(file)


BODY = len(pickle.dumps(state(1), pickle.HIGHEST_PROTOCOL))
HEADER = crash_snapshots._RECORD_BYTES


@settings(max_examples=100, deadline=None)
@given(
    part=st.sampled_from(['header', 'slot', 'other']),
    offset=st.integers(0),
    flip=st.integers(1, 255),
)
def test_no_damaged_one_is_used(part, offset, flip):
    file = transport.anonymous_file()
    try:
        writer = LastSnapshot(file, 0)
        for i in range(2):  # The second one is in the first slot.
            writer.save(state(i))
        start, size = {'header': (0, HEADER), 'slot': (SLOT, BODY), 'other': (2 * SLOT, BODY)}[part]
        position = start + offset % size
        [byte] = os.pread(file, 1, position)
        os.pwrite(file, bytes([byte ^ flip]), position)
        assert time_of(file) == (1 if part == 'other' else None)
    finally:
        os.close(file)


@pytest.mark.parametrize('size', [0, 1, 20, 500])
def test_a_file_that_was_cut_has_none(file, size):
    LastSnapshot(file, 0).save(state(1))
    os.truncate(file, 2 * SLOT + size)  # The first one is in the second slot.
    assert time_of(file) is None
