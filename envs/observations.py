"""Operations on observations, each of which is one array or a dict of arrays, its parts.

A game shows a picture, a vector, or a picture together with numbers:
`{'screen': uint8[H, W, C], 'variables': float32[D]}`. Operations that treat all parts alike are
here, so that no other module has to distinguish the cases.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

Observation = Any  # np.ndarray or dict[str, np.ndarray]


def for_each(function: Callable[..., Any], observation: Observation, *others: Observation) -> Any:
    """Calls the function with each part and the same parts of `others`; returns the results."""
    if isinstance(observation, dict):
        return {
            name: function(part, *(other[name] for other in others))
            for name, part in observation.items()
        }
    return function(observation, *others)


def put(target: Observation, index: Any, source: Observation) -> None:
    """Assigns `target[index] = source`, part by part."""
    if isinstance(target, dict):
        for name, part in target.items():
            part[index] = source[name]
    else:
        target[index] = source


def copy(observation: Observation) -> Observation:
    """Copies an observation into new arrays."""
    return for_each(np.array, observation)


def at(observations: Observation, index: Any) -> Observation:
    """Copies `observations[index]`."""
    return for_each(lambda part: part[index].copy(), observations)


def empty(observations: Observation, *shape: int) -> Observation:
    """Makes empty arrays `[*shape, ...]` for observations like those in `[N, ...]`."""
    return for_each(lambda part: np.empty(shape + part.shape[1:], part.dtype), observations)


def spaces_of(space: gymnasium.Space[Any]) -> Any:
    """Returns the space of each part, by name, or the space itself if it has no parts."""
    return dict(space.spaces) if isinstance(space, gymnasium.spaces.Dict) else space


def shapes(space: gymnasium.Space[Any]) -> list[tuple[int, ...]]:
    """Returns the shape of each part, in the order in which networks take them."""
    parts = spaces_of(space)
    if isinstance(parts, dict):
        return [tuple(parts[name].shape or ()) for name in sorted(parts)]
    return [tuple(space.shape or ())]
