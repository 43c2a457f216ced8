"""What stands at the end of a network whose actions are real numbers: see `gaussian`."""

from typing import NamedTuple

import keras

from agents.torsos import Layers


class GaussianHead(NamedTuple):
    """Of a policy with normally distributed actions."""

    initial_log_std: float = 0.0  # log σ of all actions at first
    state_dependent: bool = False  # Whether σ depends on what is observed, as means do.


def gaussian(
    features: keras.KerasTensor, layers: Layers, num_actions: int, head: GaussianHead
) -> keras.KerasTensor:
    """Means and log standard deviations, `[B, 2 num_actions]`, of features `[B, F]`.

    A standard deviation that depends on nothing is the bias of a layer that is fed zeros; its
    kernel is zero and stays so, since its gradient is.
    """
    means = layers.dense(num_actions, 0.01, 'policy')(features)
    if head.state_dependent:
        source = features
    else:
        source = keras.layers.Rescaling(0.0, name='nothing')(means)
    log_stds = keras.layers.Dense(
        num_actions,
        kernel_initializer='zeros',
        bias_initializer=keras.initializers.Constant(head.initial_log_std),
        name='log_std',
    )(source)
    return keras.layers.Concatenate(name='gaussian')([means, log_stds])
