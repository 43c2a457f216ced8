"""The policy head of a network whose actions are real numbers; see `distributions.gaussian`."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from agents.networks.torsos import Layers


class GaussianHead(NamedTuple):
    """Options of the head of a policy with normally distributed actions."""

    initial_log_std: float = 0.0  # log σ of all actions before training
    bounds: Sequence[Sequence[float]] = ()  # Lowest and highest means; none if empty
    state_dependent: bool = False  # True: σ depends on the observation, as the means do
    noise_of_features: bool = False  # True: the head is for gSDE


def gaussian(
    features: keras.KerasTensor, layers: Layers, num_actions: int, head: GaussianHead
) -> keras.KerasTensor:
    """Maps features `[B, F]` to means and log standard deviations, `[B, 2 * num_actions]`.

    With `noise_of_features` the output has the means, the features, and log σ of each feature and
    action, `[B, num_actions + F + F * num_actions]`, as `distributions.gsde` needs them.

    A standard deviation that depends on nothing is the bias of a layer whose input is zero; the
    kernel is zero and stays so, since its gradient is zero.
    """
    means = layers.dense(num_actions, 0.01, 'policy')(features)
    if head.bounds:
        means = _bounded(means, *np.asarray(head.bounds, np.float64))
    if head.state_dependent:
        source = features
    else:
        source = keras.layers.Rescaling(0.0, name='nothing')(means)
    noisy = [features] if head.noise_of_features else []
    num_terms = features.shape[-1] if noisy else 1  # Their variances add up.
    log_stds = keras.layers.Dense(
        num_actions * num_terms,
        kernel_initializer='zeros',
        bias_initializer=keras.initializers.Constant(
            head.initial_log_std - 0.5 * math.log(num_terms)
        ),
        name='log_std',
    )(source)
    return keras.layers.Concatenate(name='gaussian')([means, *noisy, log_stds])


def _bounded(
    means: keras.KerasTensor, lowest: np.ndarray, highest: np.ndarray
) -> keras.KerasTensor:
    """Keeps means in this range by tanh.

    Far beyond the range all actions are the same, since they are clipped, and nothing is learned.
    """
    scales, offsets = ((highest - lowest) / 2.0).tolist(), ((highest + lowest) / 2.0).tolist()
    means = keras.layers.Activation('tanh', name='bound')(means)
    return keras.layers.Rescaling(scales, offsets, name='range')(means)
