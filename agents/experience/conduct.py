"""How the running games are played: with one action only, and for what returns."""

from typing import Any

import gymnasium
import numpy as np

from envs.game import Snapshot


def actions_dtype(action_space: gymnasium.Space) -> Any:
    """float32 where actions are real numbers, else int32."""
    return np.float32 if np.issubdtype(action_space.dtype, np.floating) else np.int32


class Conduct:
    """Follows the episodes of a group of environments, B, step by step.

    The running return of an environment starts anew with each of its episodes:

        G_t = r_t + γ G_{t-1}

    It is discounted as returns are, but backwards in time, so that it is known at once; the largest
    one says how large values can be.

    Args:
        num_envs: B.
        event_shape: Of an action: `()` or `(k,)`.
        discount: γ.
        dtype: Of actions.

    Attributes:
        largest_return: max |G_t| of all steps and environments so far.
    """

    def __init__(
        self, num_envs: int, event_shape: tuple[int, ...], discount: float, dtype: Any = np.int32
    ) -> None:
        self._discount = discount
        self._first_actions = np.zeros((num_envs, *event_shape), dtype)
        self._repeats = np.zeros(num_envs, np.int64)  # Steps with the first action.
        self._returns = np.zeros(num_envs)
        self.largest_return = 0.0

    def note(self, actions: np.ndarray, rewards: np.ndarray, starts: np.ndarray) -> None:
        """Adds a step.

        Args:
            actions: `[B]`, or `[B, k]`.
            rewards: `[B]`, without values for what a limit cut off.
            starts: `bool[B]`, whether an episode began with it; that may be one of a game's lives.
        """
        if not self._repeats.all():
            new = self._repeats == 0
            self._first_actions[new] = actions[new]
        same = actions == self._first_actions
        self._repeats += same if same.ndim == 1 else same.all(axis=-1)
        self._returns = np.where(starts, 0.0, self._discount * self._returns) + rewards
        largest = float(np.abs(self._returns).max())
        if self.largest_return < largest < np.inf:
            self.largest_return = largest

    def num_repeats(self, env: int) -> int:
        """In how many steps of the game its first action was chosen, the first one included."""
        return int(self._repeats[env])

    def forget_actions(self, which: np.ndarray) -> None:
        """Lets new games begin where `which`, `bool[B]`, says so."""
        self._repeats[which] = 0

    def state(self) -> Snapshot:
        """What is remembered of the running games, and the largest return."""
        return {
            'first_actions': self._first_actions.copy(),
            'repeats': self._repeats.copy(),
            'returns': self._returns.copy(),
            'largest_return': self.largest_return,
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._first_actions = state['first_actions'].copy()
        self._repeats, self._returns = state['repeats'].copy(), state['returns'].copy()
        self.largest_return = float(state['largest_return'])
