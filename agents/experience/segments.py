"""Storage of the replay memory: numbered slots, which are kept in segments of some megabytes.

A slot holds a picture and the step that led to it. Slots are numbered for ever: the next one has
the number `end`, and only the last `capacity` are held. A segment is never written again once it
is full, so a checkpoint can name the segments that an earlier one has saved, and write the others
while learning goes on.
"""

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from agents.storage.checkpoints import Sealed
from envs.game import Snapshot

_SEGMENT_BYTES = 2**24


class _Segment(NamedTuple):
    """L slots in a row."""

    pictures: np.ndarray  # [L, ...]
    steps: np.ndarray  # [L]


class Segments:
    """The last `capacity` slots.

    Args:
        capacity: Number of slots that are held.
        picture_shape: Shape of a picture.
        picture_dtype: Its dtype.
        step_dtype: Dtype of a step, with named fields.

    Attributes:
        end: Number of the next slot.
        length: Slots in a segment, L.
    """

    def __init__(
        self,
        capacity: int,
        picture_shape: tuple[int, ...],
        picture_dtype: Any,
        step_dtype: np.dtype[Any],
    ) -> None:
        self._capacity = capacity
        self._picture_shape, self._picture_dtype = picture_shape, picture_dtype
        self._step_dtype = step_dtype
        picture_bytes = int(np.prod(picture_shape)) * np.dtype(picture_dtype).itemsize
        length = min(capacity, _SEGMENT_BYTES // (picture_bytes + step_dtype.itemsize))
        self.length = max(length, 1)
        self.end = 0
        self._segments: deque[_Segment] = deque()
        self._sealed: deque[Sealed] = deque()  # All full segments, to be saved.
        self._first_segment = 0  # Number of the oldest segment that is kept.

    @property
    def size(self) -> int:
        """Number of slots that are held."""
        return min(self.end - self._first_segment * self.length, self._capacity)

    @property
    def oldest(self) -> int:
        """Number of the oldest slot that is held."""
        return self.end - self.size

    def append(self, picture: np.ndarray, step: tuple[Any, ...]) -> int:
        """Fills the next slot and returns its number; the oldest segments make room."""
        number, row = divmod(self.end, self.length)
        if number == self._first_segment + len(self._segments):
            self._segments.append(self._new_segment(self.length))
        segment = self._segments[-1]
        segment.pictures[row] = picture
        segment.steps[row] = step
        self.end += 1
        if row + 1 == self.length:
            self._sealed.append(Sealed(segment._asdict()))
        if self.end - self._capacity >= (self._first_segment + 1) * self.length:
            self._segments.popleft()
            self._sealed.popleft()
            self._first_segment += 1
        return self.end - 1

    def picture(self, number: int) -> np.ndarray:
        """Returns a view of one picture."""
        segment, row = divmod(int(number), self.length)
        return self._segments[segment - self._first_segment].pictures[row]

    def pictures(self, numbers: np.ndarray) -> np.ndarray:
        """Returns a copy of the pictures of slots `[B]`."""
        return self._gathered('pictures', numbers)

    def steps(self, numbers: np.ndarray) -> np.ndarray:
        """Returns a copy of the steps of slots `[B]`."""
        return self._gathered('steps', numbers)

    def _gathered(self, field: str, numbers: np.ndarray) -> np.ndarray:
        which, rows = np.divmod(numbers, self.length)
        arrays = [getattr(segment, field) for segment in self._segments]
        result = np.empty((len(rows), *arrays[0].shape[1:]), arrays[0].dtype)
        for number in np.unique(which):
            chosen = which == number
            result[chosen] = arrays[number - self._first_segment][rows[chosen]]
        return result

    def _new_segment(self, length: int) -> _Segment:
        return _Segment(
            np.zeros((length, *self._picture_shape), self._picture_dtype),
            np.zeros(length, self._step_dtype),
        )

    def state(self) -> Snapshot:
        """Returns everything that is held; later calls of `append` do not change it."""
        rows = self.end % self.length
        last = self._segments[-1] if rows else self._new_segment(0)
        return {
            'end': self.end,
            'segments': list(self._sealed),
            'pictures': last.pictures[:rows].copy(),
            'steps': last.steps[:rows].copy(),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken.

        A segment that could not be read is forgotten together with everything that is older.
        """
        self.end = int(state['end'])
        missing = [i for i, sealed in enumerate(state['segments']) if sealed.tree is None]
        self._sealed = deque(state['segments'][max(missing, default=-1) + 1 :])
        self._segments = deque(_Segment(**sealed.tree) for sealed in self._sealed)
        number, rows = divmod(self.end, self.length)
        self._first_segment = number - len(self._segments)
        if rows:
            last = self._new_segment(self.length)
            last.pictures[:rows], last.steps[:rows] = state['pictures'], state['steps']
            self._segments.append(last)
