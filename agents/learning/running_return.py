"""The running discounted return, by which rewards are normalised and critics are judged."""

import numpy as np


class RunningReturn:
    """The running discounted return of each of N environments.

        G_t = r_t + γ G_{t-1}

    An episode begins with G_{-1} = 0. The sum is discounted like a return, but backwards in time,
    so that it is known at once.

    Args:
        num_envs: N.
        discount: γ.

    Attributes:
        values: `float64[N]`, G_t after the last step. Each update makes a new array.
    """

    def __init__(self, num_envs: int, discount: float) -> None:
        self._discount = discount
        self.values = np.zeros(num_envs)

    def update(self, rewards: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Adds a step and returns the new values.

        Args:
            rewards: `[N]`, r_t.
            starts: `bool[N]`, whether an episode began with this step.
        """
        self.values = np.where(starts, 0.0, self._discount * self.values) + rewards
        return self.values
