"""Schedules at their corners and between."""

import pytest

from agents.learning import schedules
from envs.errors import UsageError


def test_linear_goes_from_start_to_end():
    schedule = schedules.linear(7e-4, 1e-4, 1000)
    assert schedule(0) == 7e-4
    assert schedule(250) == pytest.approx(5.5e-4)
    assert schedule(1000) == 1e-4
    assert schedule(10**9) == 1e-4


def test_linear_may_rise():
    assert schedules.linear(0.0, 2.0, 4)(1) == 0.5


def test_schedules_keep_no_state():
    schedule = schedules.linear(1.0, 0.0, 10)
    assert [schedule(step) for step in (9, 3, 9)] == pytest.approx([0.1, 0.7, 0.1])


@pytest.mark.parametrize('num_steps', [0, -1])
def test_linear_needs_steps(num_steps):
    with pytest.raises(ValueError, match='num_steps'):
        schedules.linear(1.0, 0.0, num_steps)


def test_constant():
    schedule = schedules.constant(3e-4)
    assert {schedule(step) for step in (0, 1, 10**9)} == {3e-4}


def test_make_finds_both_by_name():
    assert schedules.make('linear', 1.0, 0.5, 10)(5) == pytest.approx(0.75)
    assert schedules.make('linear', 1.0, num_steps=10)(10) == 0.0
    assert schedules.make('constant', 1.0, 0.5, 10)(5) == 1.0


def test_make_refuses_other_names():
    with pytest.raises(UsageError, match=r"'cosine'.*linear, constant"):
        schedules.make('cosine', 1.0)
