"""Observations as they travel: one array, or a dict of arrays, its parts.

Games show a picture, a vector, or `{'screen': uint8[H, W, C], 'variables': float32[D]}`, a picture
and numbers beside it. What is done to each part alike is here, so that nobody else need ask which.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

Observation = Any  # np.ndarray or dict[str, np.ndarray]


def for_each(function: Callable[..., Any], observation: Observation, *others: Observation) -> Any:
    """What the function makes of each part, with the same parts of the others."""
    if isinstance(observation, dict):
        return {
            name: function(part, *(other[name] for other in others))
            for name, part in observation.items()
        }
    return function(observation, *others)


def put(target: Observation, index: Any, source: Observation) -> None:
    """`target[index] = source`."""
    if isinstance(target, dict):
        for name, part in target.items():
            part[index] = source[name]
    else:
        target[index] = source


def copy(observation: Observation) -> Observation:
    """New arrays."""
    return for_each(np.array, observation)


def at(observations: Observation, index: Any) -> Observation:
    """A copy of `observations[index]`."""
    return for_each(lambda part: part[index].copy(), observations)


def empty(observations: Observation, *shape: int) -> Observation:
    """Arrays `[*shape, ...]` for as many observations as `[N, ...]` are one of."""
    return for_each(lambda part: np.empty(shape + part.shape[1:], part.dtype), observations)


def spaces_of(space: gymnasium.Space[Any]) -> Any:
    """The space of each part, or the one space."""
    return dict(space.spaces) if isinstance(space, gymnasium.spaces.Dict) else space


def shapes(space: gymnasium.Space[Any]) -> list[tuple[int, ...]]:
    """The shape of each part, in the order in which networks take them."""
    parts = spaces_of(space)
    if isinstance(parts, dict):
        return [tuple(parts[name].shape or ()) for name in sorted(parts)]
    return [tuple(space.shape or ())]
