"""The input of a network that is normalised by running statistics: see `normalization`."""

import keras

from agents.learning.normalization import EPSILON, LAYER, MOST
from envs.errors import UsageError


def normalized(observations: keras.KerasTensor) -> keras.KerasTensor:
    """Vectors `[B, D]`, shifted, scaled and clipped by built-in layers.

    Raises:
        UsageError: They are not vectors.
    """
    if len(observations.shape) != 2:
        raise UsageError(
            '--normalize_observations is for vectors; pictures are divided by 255 as they are'
        )
    layers = keras.layers
    # Made for batches; here `normalization.Normalizer` assigns its mean and its variance.
    x = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name=LAYER)(
        observations
    )
    x = layers.Rescaling(1.0 / MOST, name='shrink')(x)
    x = layers.Activation('hard_tanh', name='clip')(x)
    return layers.Rescaling(MOST, name='unshrink')(x)
