"""Turns observations of any gymnasium environment into a vector, a picture, or both."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces

from envs.errors import UsageError

_FLAT = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
_MOST_NUMBERS = 2**20  # Limit for a vector; a Discrete part has a number for each of its values.


class View(NamedTuple):
    """The parts of an observation that the agent sees; those of the vector are None without one."""

    space: spaces.Box
    see: Callable[[Any], np.ndarray]
    vector_space: spaces.Box | None = None
    see_vector: Callable[[Any], np.ndarray] | None = None
    names: tuple[str, ...] = ()  # Names of the parts of the vector


class _Part(NamedTuple):
    """A space without parts of its own, its place in the observation, and its name there."""

    name: str
    space: spaces.Space[Any]
    path: tuple[Any, ...]

    def of(self, observation: Any) -> Any:
        for key in self.path:
            observation = observation[key]
        return observation


def view(game_id: str, space: spaces.Space[Any]) -> View:
    """Determines how observations of a space are shown to the agent.

    - One `uint8` picture becomes gray, `uint8[H, W]`.
    - Everything else becomes one vector, `float32[D]`: Box flattened, Discrete and MultiDiscrete
      one-hot, MultiBinary as 0 and 1, the parts of Dict and Tuple one after the other.
    - With both there is a picture and a vector beside it.

    Raises:
        UsageError: There is more than one picture, or something that is neither.
    """
    parts = list(_parts(space))
    for part in parts:
        if not isinstance(part.space, _FLAT):
            where = f' ({part.name})' if part.name else ''
            raise UsageError(
                f'{game_id}: observations of the kind {part.space}{where} are not supported'
            )
    pictures = [part for part in parts if _is_picture(part.space)]
    numbers = [part for part in parts if not _is_picture(part.space)]
    if len(pictures) > 1:
        names = ', '.join(part.name for part in pictures)
        raise UsageError(f'{game_id}: several pictures ({names}) are not supported')
    if not pictures and not numbers:
        raise UsageError(f'{game_id}: there is nothing in observations of the kind {space}')
    if not pictures:
        return View(*_vector(game_id, numbers))
    picture = _picture(game_id, pictures[0])
    if not numbers:
        return View(*picture)
    return View(*picture, *_vector(game_id, numbers), tuple(map(_title, numbers)))


def _parts(space: spaces.Space[Any], path: tuple[Any, ...] = ()) -> Iterator[_Part]:
    """Yields the parts of Dict and Tuple spaces at any depth; otherwise the space itself."""
    if isinstance(space, spaces.Dict):
        for key, inner in space.spaces.items():
            yield from _parts(inner, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for number, inner in enumerate(space.spaces):
            yield from _parts(inner, (*path, number))
    else:
        yield _Part('.'.join(map(str, path)), space, path)


def _is_picture(space: spaces.Space[Any]) -> bool:
    return space.dtype == np.uint8 and isinstance(space, spaces.Box) and len(space.shape) in (2, 3)


def _picture(game_id: str, part: _Part) -> tuple[spaces.Box, Callable[[Any], np.ndarray]]:
    shape = part.space.shape or ()
    if shape[2:] not in ((), (1,), (3,)):
        raise UsageError(f'{game_id}: pictures of the shape {shape} are not supported')
    return spaces.Box(0, 255, shape[:2], np.uint8), lambda seen: _gray(part.of(seen))


def _gray(picture: np.ndarray) -> np.ndarray:
    """Converts a picture `uint8[H, W]`, `[H, W, 1]` or `[H, W, 3]` to gray, `uint8[H, W]`."""
    if picture.ndim == 3 and picture.shape[2] == 3:
        import cv2  # Only few environments need it.

        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return picture.reshape(picture.shape[:2])


def _vector(game_id: str, parts: list[_Part]) -> tuple[spaces.Box, Callable[[Any], np.ndarray]]:
    """Returns the space of all parts together, and the function that makes the vector."""
    count = sum(_count(part.space) for part in parts)
    if count > _MOST_NUMBERS:
        raise UsageError(f'{game_id}: {count:,} numbers are too many for an observation')
    flat = [gymnasium.spaces.flatten_space(part.space) for part in parts]
    low, high = (
        np.concatenate([getattr(one, name) for one in flat], dtype=np.float32, casting='unsafe')
        for name in ('low', 'high')
    )
    space = spaces.Box(low, high, dtype=np.float32)
    if len(parts) == 1:
        return space, lambda seen: _numbers(parts[0], seen)
    return space, lambda seen: np.concatenate([_numbers(part, seen) for part in parts])


def _numbers(part: _Part, observation: Any) -> np.ndarray:
    """Returns the numbers of a part, `float32[D]`, possibly the environment's own array."""
    value = part.of(observation)
    if not isinstance(part.space, spaces.Box):
        value = spaces.flatten(part.space, value)
    return np.asarray(value, np.float32).ravel()


def _count(space: spaces.Space[Any]) -> int:
    """Returns how many numbers a part becomes, as an integer of any size."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return int(sum(map(int, space.nvec.ravel())))
    return math.prod(space.shape or ())


def _title(part: _Part) -> str:
    """Returns the name of a part, with its number of numbers if there is more than one."""
    count = _count(part.space)
    return part.name if count == 1 else f'{part.name} ({count})'
