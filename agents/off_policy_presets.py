"""Settings that work, by algorithm and game, of the algorithms with a replay memory.

The family of a game, in `presets`, says how to see it; these say the rest.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from envs.config import EnvConfig

Preset = Mapping[str, Any]

# Rewards as they are: a critic that regresses on values takes any scale that Adam can follow.
_CONTROL = {'reward_scale': 1.0, 'action_repeat': 1, 'frame_stack': 1}

# By algorithm: for all games, `*`, and beyond that for single ones.
PRESETS: dict[str, dict[str, Preset]] = {
    'ddpg': {
        '*': _CONTROL,
        'Pendulum-v1': {'total_steps': 20_000, 'eval_period': 5_000},
    },
    # RL Baselines3 Zoo.
    'td3': {
        '*': _CONTROL,
        'Pendulum-v1': {
            'total_steps': 20_000,
            'eval_period': 5_000,
            'discount': 0.98,
            'replay_capacity': 200_000,
        },
    },
}


def for_game(seen: Preset, name: str, game: str, algorithm: str) -> Preset:
    """The preset of an algorithm for a game.

    Args:
        seen: Of the family of the game; what it says of the environment is taken.
        name: Of the preset that was asked for; nothing is added to that of `none`.
        game: Its id.
        algorithm: One of `PRESETS`.
    """
    fields = {field.name for field in dataclasses.fields(EnvConfig)}
    view = {key: value for key, value in seen.items() if key in fields}
    own = PRESETS[algorithm] if name != 'none' else {}
    return {**view, **own.get('*', {}), **own.get(game, {})}
