"""The Adam of TF-Agents' agents against Keras's, and gradients that are not finite."""

import keras
import numpy as np
import pytest

from agents.learning import optimizers
from agents.tfa.optimizer import Keras3Adam


def models():
    made = []
    for size in (3, 2):
        inputs = keras.Input((2,))
        kernel = keras.initializers.RandomUniform(seed=size)
        made.append(
            keras.Model(inputs, keras.layers.Dense(size, kernel_initializer=kernel)(inputs))
        )
    return made


def gradients(variables, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=variable.shape).astype(np.float32) for variable in variables]


def raw(made):
    return [variable.value for model in made for variable in model.trainable_variables]


@pytest.mark.parametrize('order', [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_it_is_adam_in_whatever_order_the_gradients_come(order):
    made, same = models(), models()
    updates, adam = Keras3Adam(made, 1e-2), optimizers.Adam(1e-2, epsilon=1e-8)
    wanted = [variable for model in same for variable in model.trainable_variables]
    for step in range(3):
        pairs = list(zip(gradients(wanted, step), raw(made), strict=True))
        updates.apply_gradients([pairs[place] for place in order])
        adam.apply(gradients(wanted, step), wanted)
        norm = np.sqrt(sum((g**2).sum() for g, _ in pairs))
        np.testing.assert_allclose(updates.norm, norm, rtol=1e-6)
    for variable, other in zip(raw(made), wanted, strict=True):
        np.testing.assert_array_equal(variable, other)


@pytest.mark.parametrize('number', [np.nan, np.inf])
def test_gradients_that_are_not_finite_change_nothing(number):
    made = models()
    updates, variables = Keras3Adam(made, 1e-2), raw(made)
    updates.apply_gradients(zip(gradients(variables), variables, strict=True))
    before = [v.numpy() for v in variables + updates.variables[1:-1]]
    bad = gradients(variables)
    bad[1][0] = number
    updates.apply_gradients(zip(bad, variables, strict=True))
    assert not np.isfinite(updates.norm)
    after = [v.numpy() for v in variables + updates.variables[1:-1]]
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    names = [v.name for v in variables + updates.variables[1:-1]]
    assert [n for n, c in zip(names, changed, strict=True) if c and 'iteration' not in n] == []


def test_the_learning_rate_is_scaled_from_the_first_one():
    made = models()
    updates = Keras3Adam(made, 1e-3)
    for factor, rate in ((0.5, 5e-4), (0.25, 2.5e-4)):
        updates.scale_learning_rate(factor)
        assert updates.learning_rate == rate
    variables = raw(made)
    before = [v.numpy() for v in variables]
    updates.apply_gradients(zip(gradients(variables), variables, strict=True))
    steps = [np.abs(v.numpy() - b).max() for v, b in zip(variables, before, strict=True)]
    np.testing.assert_allclose(steps, 2.5e-4, rtol=1e-3)  # Of Adam's first one, whatever d is.
