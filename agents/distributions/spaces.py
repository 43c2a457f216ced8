"""Checks that an action space is of the one kind that an algorithm can act in."""

import gymnasium

from envs.errors import UsageError


def count_actions(action_space: gymnasium.Space, who: str) -> int:
    """Returns n for a space that is one choice among n actions, counted from 0.

    Args:
        action_space: Of one environment.
        who: Name of the algorithm or policy, for the message.

    Raises:
        UsageError: It is another kind of space; the message names the scripts for that one.
    """
    if isinstance(action_space, gymnasium.spaces.Discrete) and action_space.start == 0:
        return int(action_space.n)
    if isinstance(action_space, gymnasium.spaces.Box):
        raise UsageError(
            f'{who} chooses one of n actions, but these are real numbers, '
            f'Box{action_space.shape}: train_ddpg and train_td3 are for such'
        )
    raise UsageError(
        f'{who} chooses one of n actions, but the space is {action_space}: take another '
        '--actions, or train_a2c, which makes several choices at once'
    )


def bounded_box(action_space: gymnasium.Space, who: str) -> gymnasium.spaces.Box:
    """Returns the space itself if it is a row of bounded real numbers, `[k]`.

    Args:
        action_space: Of one environment.
        who: Name of the algorithm or policy, for the message.

    Raises:
        UsageError: It is another kind of space; the message names the scripts for that one.
    """
    if not isinstance(action_space, gymnasium.spaces.Box):
        raise UsageError(
            f'{who} needs actions that are real numbers, but the space is {action_space}: '
            'train_a2c, train_a3c and train_dqn choose among discrete actions'
        )
    if len(action_space.shape) != 1 or not action_space.is_bounded():
        raise UsageError(f'{who} needs a row of bounded actions, not {action_space}')
    return action_space
