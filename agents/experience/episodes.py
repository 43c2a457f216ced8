"""Statistics of the episodes that end, for the tables of a run."""

from typing import Any

import gymnasium
import numpy as np

from agents.experience.conduct import Conduct, actions_dtype
from envs.game import Snapshot


def lost_steps(infos: dict[str, Any], num_envs: int) -> np.ndarray:
    """Where a worker failed, `bool[N]`: nobody knows what the step would have led to."""
    return infos.get('final_info', {}).get('_worker_error', np.zeros(num_envs, bool))


class EpisodeNotes:
    """Follows the episodes of N environments.

    Args:
        num_envs: N.
        action_space: Of one environment.
        discount: γ.
    """

    def __init__(self, num_envs: int, action_space: gymnasium.Space, discount: float) -> None:
        self._value_sums = np.zeros(num_envs)  # Of the running episodes.
        self._lengths = np.zeros(num_envs, np.int64)
        self._starts = np.ones(num_envs, bool)
        shape, dtype = action_space.shape or (), actions_dtype(action_space)
        self._conduct = Conduct(num_envs, shape, discount, dtype)

    @property
    def largest_return(self) -> float:
        """The largest running return so far: see `Conduct`."""
        return self._conduct.largest_return

    @property
    def starts(self) -> np.ndarray:
        """Whether an episode begins with the next step, `bool[N]`."""
        return self._starts

    def note(
        self,
        values: np.ndarray,
        actions: np.ndarray,
        rewards: np.ndarray,
        ended: np.ndarray,
        infos: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Adds a step of every environment.

        Args:
            values: V(s_t), or Q(s_t, a_t), `[N]`.
            actions: `[N, ...]`.
            rewards: `[N]`.
            ended: `bool[N]`, terminated or truncated.
            infos: What `SubprocVecEnv` told beside it.

        Returns:
            The statistics of the episodes that ended, with `env`, the number of the environment,
            the mean `value` of its steps, and its `first_action_share`.
        """
        self._conduct.note(actions, rewards, self._starts)
        self._starts = ended
        self._value_sums += values
        self._lengths += 1
        final_info, episodes = infos.get('final_info', {}), []
        if 'worker_error' in final_info:
            self._forget(lost_steps(infos, len(ended)))
        if 'episode' in final_info:
            which, all_statistics = final_info['_episode'], final_info['episode']
            for i in np.flatnonzero(which):
                statistics = {
                    key: values[i]
                    for key, values in all_statistics.items()
                    if not key.startswith('_')
                }
                statistics['value'] = self._value_sums[i] / self._lengths[i]
                statistics['first_action_share'] = self._conduct.num_repeats(i) / self._lengths[i]
                episodes.append({'env': int(i), **statistics})
            self._forget(which)
        return episodes

    def begin_anew(self) -> None:
        """What follows in each environment belongs to no step before it."""
        self._starts = np.ones_like(self._starts)
        self._forget(self._starts)

    def _forget(self, which: np.ndarray) -> None:
        self._value_sums[which], self._lengths[which] = 0.0, 0
        self._conduct.forget_actions(which)

    def state(self) -> Snapshot:
        """What is remembered of the running episodes."""
        return {
            'starts': self._starts.copy(),
            'value_sums': self._value_sums.copy(),
            'lengths': self._lengths.copy(),
            'conduct': self._conduct.state(),
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._value_sums, self._lengths = state['value_sums'].copy(), state['lengths'].copy()
        self._starts = state['starts'].copy()
        if 'conduct' in state:  # Older versions did not look at it.
            self._conduct.set_state(state['conduct'])
