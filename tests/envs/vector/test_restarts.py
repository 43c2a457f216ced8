"""The number of failures within an hour that is too many, over all that count together."""

import threading

import pytest

from envs.errors import UsageError
from envs.vector import restarts
from envs.vector.restarts import RestartBudget


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(restarts.time, 'monotonic', lambda: now[0])
    return now


def test_only_those_of_the_last_hour_count(clock):
    counts = RestartBudget(3)
    for _ in range(20):
        counts.note_failure('it died')
        clock[0] += 1300.0  # Never more than three within an hour.
    assert counts.total == 20 and not counts.excess
    counts.note_failure('it died')
    with pytest.raises(UsageError, match='^--max_restarts: .* more than 3 times .*: it hangs$'):
        counts.note_failure('it hangs')
    assert counts.total == 21


def test_none_may_be_allowed():
    with pytest.raises(UsageError, match='more than 0 times'):
        RestartBudget(0).note_failure('it died')


def test_what_did_not_fail_is_counted_and_allowed():
    counts = RestartBudget(0)
    counts.note()
    assert counts.total == 1 and not counts.excess


def test_who_ends_the_run_later_may_be_told_only(clock):
    counts = RestartBudget(1, defer=True)
    counts.note_failure('first')
    assert counts.excess == ''
    counts.note_failure('second')
    clock[0] += 7200.0
    counts.note_failure('third')
    assert counts.excess.endswith('second') and counts.total == 3


def test_threads_count_together():
    counts = RestartBudget(10_000)
    threads = [
        threading.Thread(target=lambda: [counts.note_failure('') for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.total == 2000
