"""Episodes of a group of environments: their statistics, and how they can end.

N is the number of environments.
"""

from typing import Any

import gymnasium
import numpy as np

from agents.experience.actor import Actor, Memory, actions_dtype
from agents.learning.running_return import RunningReturn
from envs import observations as observation_parts
from envs.game import Snapshot
from envs.observations import Observation


def lost_steps(infos: dict[str, Any], num_envs: int) -> np.ndarray:
    """Steps at which a worker failed, `bool[N]`: nobody knows what they would have led to."""
    return infos.get('final_info', {}).get('_worker_error', np.zeros(num_envs, bool))


def truncation_values(
    cut: np.ndarray,
    infos: dict[str, Any],
    actor: Actor,
    observations: Observation,
    memory: Memory,
    discount: float,
) -> np.ndarray:
    """γ V(s_final) where a limit cut the episode, since the game would have gone on; 0 elsewhere.

    Pardo et al. (2018), https://arxiv.org/abs/1712.00378.

    Args:
        cut: `bool[N]`, where a limit cut the episode.
        infos: Returned by the same step of `SubprocVecEnv`.
        actor: Predicts the values.
        observations: `[N, ...]`, returned by the step: where an episode was cut, the first of the
            next one.
        memory: Memory of the actor after the step.
        discount: γ.

    Returns:
        `[N]`.
    """
    final = observation_parts.copy(observations)
    for i in np.flatnonzero(cut):
        observation_parts.put(final, i, infos['final_obs'][i])
    return np.where(cut, discount * actor.value(final, memory), 0.0)


class EpisodeTracker:
    """Follows the running episodes of N environments, step by step.

    An episode may be one of a game's lives. The running return, G_t = r_t + γ G_{t-1}, starts anew
    with every episode; values, lengths and actions are counted over the whole game.

    Args:
        num_envs: N.
        action_space: Action space of one environment.
        discount: γ.

    Attributes:
        max_abs_return: max |G_t| over all steps and environments so far: how large values can be.
            Returns that are not finite do not count.
    """

    def __init__(self, num_envs: int, action_space: gymnasium.Space, discount: float) -> None:
        self._starts = np.ones(num_envs, bool)
        self._value_sums = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        shape, dtype = action_space.shape or (), actions_dtype(action_space)
        self._first_actions = np.zeros((num_envs, *shape), dtype)
        self._repeats = np.zeros(num_envs, np.int64)  # Steps with the first action, itself included
        self._return = RunningReturn(num_envs, discount)
        self.max_abs_return = 0.0

    @property
    def starts(self) -> np.ndarray:
        """Starts of episodes, `bool[N]`: true where one begins with the next step."""
        return self._starts

    def update(
        self,
        values: np.ndarray,
        actions: np.ndarray,
        rewards: np.ndarray,
        ended: np.ndarray,
        infos: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Adds a step of every environment.

        Args:
            values: `[N]`, V(s_t) or Q(s_t, a_t).
            actions: `[N]`, or `[N, k]`.
            rewards: `[N]`, without the values of `truncation_values`.
            ended: `bool[N]`, terminated or truncated.
            infos: Returned by the same step of `SubprocVecEnv`.

        Returns:
            The statistics of the games that ended, with `env`, the number of the environment,
            `value`, the mean over the game's steps, and `first_action_share`, the fraction of its
            steps with the same action as the first one.
        """
        self._count_actions(actions)
        self._track_return(rewards)
        self._starts = ended
        self._value_sums += values
        self._lengths += 1
        final_info, episodes = infos.get('final_info', {}), []
        if 'worker_error' in final_info:
            self._forget(lost_steps(infos, len(ended)))
        if 'episode' in final_info:
            which, statistics = final_info['_episode'], final_info['episode']
            names = [name for name in statistics if not name.startswith('_')]
            for env in np.flatnonzero(which):
                own = {name: statistics[name][env] for name in names}
                episodes.append({'env': int(env), **own, **self._averages(env)})
            self._forget(which)
        return episodes

    def _count_actions(self, actions: np.ndarray) -> None:
        if not self._repeats.all():
            new = self._repeats == 0
            self._first_actions[new] = actions[new]
        same = actions == self._first_actions
        self._repeats += same if same.ndim == 1 else same.all(axis=-1)

    def _track_return(self, rewards: np.ndarray) -> None:
        largest = float(np.abs(self._return.update(rewards, self._starts)).max())
        if self.max_abs_return < largest < np.inf:
            self.max_abs_return = largest

    def _averages(self, env: int) -> dict[str, Any]:
        return {
            'value': self._value_sums[env] / self._lengths[env],
            'first_action_share': int(self._repeats[env]) / self._lengths[env],
        }

    def begin_anew(self) -> None:
        """Lets new games begin in all environments: the next step belongs to none before it."""
        self._starts = np.ones_like(self._starts)
        self._forget(self._starts)

    def _forget(self, which: np.ndarray) -> None:
        """Forgets the games where `which`, `bool[N]`, says so; their returns go by `starts`."""
        self._value_sums[which], self._lengths[which] = 0.0, 0
        self._repeats[which] = 0

    def state(self) -> Snapshot:
        """Returns copies of everything that is known of the running episodes."""
        return {
            'starts': self._starts.copy(),
            'value_sums': self._value_sums.copy(),
            'lengths': self._lengths.copy(),
            'conduct': {  # Checkpoints know it by the name that it had in older versions.
                'first_actions': self._first_actions.copy(),
                'repeats': self._repeats.copy(),
                'returns': self._return.values.copy(),
                'largest_return': self.max_abs_return,
            },
        }

    def set_state(self, state: Snapshot) -> None:
        """Continues where `state` was taken."""
        self._value_sums, self._lengths = state['value_sums'].copy(), state['lengths'].copy()
        self._starts = state['starts'].copy()
        own = state['conduct']
        np.copyto(self._first_actions, own['first_actions'])
        self._repeats, self._return.values = own['repeats'].copy(), own['returns'].copy()
        self.max_abs_return = float(own['largest_return'])
