"""Game variables, such as health and ammunition, as numbers that a network can learn from."""

from collections.abc import Sequence

import gymnasium
import numpy as np

_LIMIT = 10.0  # No 64-bit integer is compressed to more than this.


def compress(numbers: Sequence[float]) -> np.ndarray:
    """Compresses numbers of any size to `float32[D]` of magnitude about 1.

        f(x) = sign(x) log(1 + |x|) / log(101)

    0, 3, 50, 100, 10000 become 0, 0.3, 0.85, 1, 2. This suits lives, health and scores alike,
    without a table of the quantities in each game. Differences between small numbers stay larger
    than those between large ones. Except for the divisor, this is symlog of Hafner et al. (2023),
    https://arxiv.org/abs/2301.04104.
    """
    exact = np.asarray(numbers, np.float64)
    return (np.sign(exact) * np.log1p(np.abs(exact)) / np.log(101.0)).astype(np.float32)


def space(count: int) -> gymnasium.spaces.Box:
    """Returns the space of `count` compressed numbers."""
    return gymnasium.spaces.Box(-_LIMIT, _LIMIT, (count,), np.float32)
