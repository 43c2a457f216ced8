"""Cores are dealt out evenly or not at all, and only the calling thread is bound."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.vector import cores

_COUNTS = st.integers(1, 40)


@given(_COUNTS, _COUNTS)
def test_shares_are_equal_and_cover_all(num_cores, total):
    everything = list(range(3, 3 + num_cores))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cores, 'of_process', lambda: everything)
        shares = [cores.share(number, total) for number in range(total)]
    uses = [sum(core in share for share in shares) for core in everything]
    assert len({len(share) for share in shares}) == 1  # Nobody has more than another.
    assert len(set(uses)) == 1  # No core has more users than another.
    if total <= num_cores and num_cores % total == 0:
        assert uses[0] == 1


def test_only_the_calling_thread_is_bound():
    before, seen = cores.of_process(), []

    def bound():
        cores.keep_to(before[-1:])
        seen.extend([cores.of_thread(), cores.of_process()])

    thread = threading.Thread(target=bound)
    thread.start()
    thread.join()
    assert seen == [before[-1:], before] and cores.of_thread() == before


def test_cores_that_are_not_there_change_nothing():
    before = cores.of_thread()
    cores.keep_to([10_000])
    assert cores.of_thread() == before


def test_without_affinity_all_cores_count(monkeypatch):
    monkeypatch.delattr(os, 'sched_getaffinity')
    monkeypatch.delattr(os, 'sched_setaffinity')
    assert cores.of_process() == cores.of_thread() == list(range(os.cpu_count()))
    cores.keep_to([0])
