"""Event files as TensorBoard reads them."""

import resource
import shutil

import pytest
import tensorflow as tf

from agents.runs.event_files import EventFiles
from tests.helpers.events import event_steps


def test_what_is_written_again_is_shown_once(tmp_path):
    killed = EventFiles(str(tmp_path))
    for step in (10, 20, 30, 40):
        killed.scalars('', step, {'x': 1.0})
        killed.scalars('part', step, {'x': 1.0})
    killed.flush()
    resumed = EventFiles(str(tmp_path))
    for step in (30, 40, 50):
        resumed.scalars('', step, {'x': 2.0})
    resumed.scalars('part', 50, {'x': 2.0})
    resumed.close()
    assert event_steps(tmp_path) == [10, 20, 30, 40, 50]
    assert event_steps(tmp_path / 'part') == [10, 20, 30, 40, 50]


def test_a_deleted_file_is_followed_by_another(tmp_path):
    files = EventFiles(str(tmp_path / 'run'))
    files.scalars('', 1, {'x': 1.0})
    files.flush()
    shutil.rmtree(tmp_path / 'run')
    files.flush()
    files.scalars('', 2, {'x': 1.0})
    files.close()
    assert event_steps(tmp_path / 'run') == [2]


def test_a_torn_file_is_followed_by_another(tmp_path):
    files = EventFiles(str(tmp_path))
    files.scalars('', 1, {'x': 1.0})
    files.flush()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        for step in range(2, 20):
            files.scalars('', step, {'x': float(step)})
        with pytest.raises(tf.errors.OpError):
            files.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    files.scalars('', 20, {'x': 1.0})
    files.close()
    assert event_steps(tmp_path) == list(range(1, 21))
