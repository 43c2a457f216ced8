"""Functions compiled into one operation each."""

import concurrent.futures
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from agents.learning.compiled import Compiled


class Pair(NamedTuple):
    total: tf.Tensor
    parts: list


def add(xs, y):
    return Pair(tf.add_n([*xs, y]), [x * 2.0 for x in xs])


def test_takes_and_returns_nested_tensors_and_arrays():
    compiled, rng = Compiled(add), np.random.default_rng(0)
    xs = [rng.random((2, 3), np.float32), tf.constant(rng.random((2, 3), np.float32))]
    y = rng.random((2, 3), np.float32)
    for scale in (1.0, 3.0):  # Nothing of the first call is left in the second.
        result = compiled([scale * x for x in xs], scale * y)
        assert isinstance(result, Pair)
        np.testing.assert_allclose(result.total, scale * (xs[0] + xs[1] + y), rtol=1e-6)
        for part, x in zip(result.parts, xs, strict=True):
            np.testing.assert_allclose(part, 2 * scale * np.asarray(x), rtol=1e-6)
    assert compiled.num_traces == 1


def test_is_traced_once_for_each_set_of_shapes():
    traced = []

    def double(x):
        traced.append(x.shape)
        return 2 * x

    compiled = Compiled(double)
    for _ in range(3):
        for shape in ((2,), (3, 1), ()):
            np.testing.assert_array_equal(compiled(np.ones(shape)), np.full(shape, 2.0))
    assert traced == [(2,), (3, 1), ()]
    assert compiled.num_traces == 3


def test_is_traced_once_for_each_structure():
    compiled = Compiled(lambda xs, y=(): [10.0 * sum(xs), *y])
    one, two = np.ones(2), np.full(2, 2.0)
    for _ in range(2):
        assert len(compiled([one, two])) == len(compiled((one, two))) == 1
        assert len(compiled([one], [two])) == 2
    assert compiled.num_traces == 3


def test_reads_and_writes_variables():
    variable = tf.Variable(1.0)
    step, read = Compiled(lambda x: variable.assign_add(x)), Compiled(lambda: variable.read_value())
    before = read()
    step(np.float32(2.0))
    variable.assign_add(1.0)
    assert (before.numpy(), read().numpy()) == (1.0, 4.0)


def test_another_type_is_refused_and_not_cast():
    compiled = Compiled(lambda x: x + 1)
    compiled(np.zeros(2, np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match='float'):
        compiled(np.zeros(2, np.int32))


def test_an_error_within_names_itself():
    compiled = Compiled(lambda x: tf.debugging.check_numerics(x, 'a number is broken'))
    compiled(np.zeros(2, np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match='a number is broken'):
        compiled(np.full(2, np.nan, np.float32))


def test_many_threads_share_one_trace():
    traced = []

    def square(x):
        traced.append(x.shape)
        return x * x

    compiled = Compiled(square)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda i: compiled(np.float32(i)).numpy(), range(200)))
    assert results == [i * i for i in range(200)]
    assert len(traced) == compiled.num_traces == 1
