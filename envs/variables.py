"""Game variables, such as health and ammunition, as numbers that a network can learn from."""

from collections.abc import Sequence

import gymnasium
import numpy as np

_LIMIT = 10.0  # No number of 64 bits becomes so large.


def compress(numbers: Sequence[float]) -> np.ndarray:
    """Numbers of any size as `float32[D]` of about one.

        f(x) = sign(x) log(1 + |x|) / log(101)

    0, 3, 50, 100, 10000 become 0, 0.3, 0.85, 1, 2: lives, health and scores alike, without a table
    of what each game counts. Two small numbers stay further apart than two large ones. But for
    the divisor this is symlog of Hafner et al. (2023), https://arxiv.org/abs/2301.04104.
    """
    exact = np.asarray(numbers, np.float64)
    return (np.sign(exact) * np.log1p(np.abs(exact)) / np.log(101.0)).astype(np.float32)


def space(count: int) -> gymnasium.spaces.Box:
    """Of so many compressed numbers."""
    return gymnasium.spaces.Box(-_LIMIT, _LIMIT, (count,), np.float32)
