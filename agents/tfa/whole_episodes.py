"""Whole episodes, as REINFORCE learns from them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step, trajectory


class Episodes(NamedTuple):
    """The n steps of whole episodes, one episode after the other."""

    observations: np.ndarray  # [n, ...]
    actions: np.ndarray  # int32[n]
    rewards: np.ndarray  # float32[n]; with a baseline, cut ones include γ V(s_last)
    ends: np.ndarray  # bool[n], whether it was the last step of its episode


def as_experience(episodes: Episodes) -> trajectory.Trajectory:
    """The episodes as TF-Agents' agent learns from them: one row, `[1, n, ...]`.

    Not as a row for each, filled up to the length of the longest: `normalize_returns` would count
    what fills them. And `discount` is never 0: at the end of an episode TF-Agents sees to that.
    """
    ones = tf.ones_like(episodes.rewards)
    middle = tf.fill(tf.shape(ones), time_step.StepType.MID)
    experience = trajectory.Trajectory(
        step_type=middle,
        observation=episodes.observations,
        action=episodes.actions,
        policy_info=(),
        next_step_type=tf.where(episodes.ends, time_step.StepType.LAST, middle),
        reward=episodes.rewards,
        discount=ones,
    )
    return tf.nest.map_structure(lambda x: tf.convert_to_tensor(x)[None], experience)


def returns_of(episodes: Episodes, discount: float) -> np.ndarray:
    """R_t = r_t + γ R_{t+1}, and R_t = r_t at the end of an episode: `float32[n]`."""
    returns = np.empty_like(episodes.rewards)
    following = 0.0
    for t in reversed(range(len(returns))):
        following = episodes.rewards[t] + (0.0 if episodes.ends[t] else discount * following)
        returns[t] = following
    return returns
