"""Metrics: scalars that an update reports about itself."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

# Columns of a run's table: updates skipped so far, alarms raised now, rollbacks so far.
GUARD_COUNTS = ('skipped_updates', 'collapse_alarms', 'rollbacks')


class Metrics(Protocol):
    """Scalars of one update, a named tuple; if one is not finite, the update was not made."""

    @property
    def value_magnitude(self) -> float:
        """Mean of |V(s_t)|, or |Q(s_t, a)|, when acting."""

    @property
    def is_finite(self) -> bool:
        """True if none of them is NaN or infinite."""

    def _asdict(self) -> dict[str, Any]: ...

    def __iter__(self) -> Iterator[Any]: ...  # noqa: D105


class TrainMetrics(NamedTuple):
    """Metrics of an actor-critic that learns from rollouts."""

    policy_loss: float
    value_loss: float
    entropy: float
    explained_variance: float
    value_magnitude: float  # Mean of |V(s_t)| when acting
    grad_norm: float

    @property
    def is_finite(self) -> bool:
        """True if none of them is NaN or infinite."""
        return all_finite(self)


def all_finite(numbers: Iterable[float]) -> bool:
    """True if none of the numbers is NaN or infinite."""
    return all(map(math.isfinite, numbers))
