"""What an update says of itself."""

import math
from typing import NamedTuple

# Of a run: updates so far, alarms now, rollbacks so far.
GUARD_COUNTS = ('skipped_updates', 'collapse_alarms', 'rollbacks')


class TrainMetrics(NamedTuple):
    """Scalars of one update; if one of them is not finite, the update was not made."""

    policy_loss: float
    value_loss: float
    entropy: float
    explained_variance: float
    value_magnitude: float  # Mean of |V(s_t)| when acting
    grad_norm: float

    @property
    def is_finite(self) -> bool:
        """Whether all of them are numbers."""
        return all(map(math.isfinite, self))
