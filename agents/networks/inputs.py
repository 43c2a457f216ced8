"""Normalisation of a network's input by running statistics; see `learning.normalization`."""

import keras

from agents.learning.normalization import EPSILON, LAYER, MOST
from envs.errors import UsageError


def normalized(observations: keras.KerasTensor) -> keras.KerasTensor:
    """Shifts, scales and clips vectors `[B, D]` by built-in layers.

    Raises:
        UsageError: The observations are not vectors.
    """
    if len(observations.shape) != 2:
        raise UsageError(
            '--normalize_observations is for vectors; pictures are divided by 255 as they are'
        )
    layers = keras.layers
    # It is made for statistics of batches; here `Normalizer` assigns its mean and its variance.
    x = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name=LAYER)(
        observations
    )
    x = layers.Rescaling(1.0 / MOST, name='shrink')(x)
    x = layers.Activation('hard_tanh', name='clip')(x)
    return layers.Rescaling(MOST, name='unshrink')(x)
