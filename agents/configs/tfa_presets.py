"""Settings that work for the algorithms on TF-Agents, by algorithm and game.

The family of a game, in `presets`, says how to see the game; these presets say the rest.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from envs.config import EnvConfig

Preset = Mapping[str, Any]

# Rewards as they are: a critic that regresses on values takes any scale that Adam can follow.
_CONTROL = {'reward_scale': 1.0, 'action_repeat': 1, 'frame_stack': 1}

_DQN_VECTORS = {**_CONTROL, 'network': 'mlp', 'learning_starts': 1_000}

# For each algorithm: settings for all games, `*`, then for a family, then for single games.
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
    'dqn': {
        'classic_control': _DQN_VECTORS,
        'CartPole-v1': {
            'total_steps': 60_000,
            # With values up to 100, most errors at the end of an episode exceed the Huber loss's
            # threshold of 1 and hardly count: values then grow beyond all possible returns.
            'reward_scale': 0.02,
            'learning_rate': 1e-3,
            'lr_schedule': 'linear',
            'batch_size': 128,
            'train_period': 2,
            'target_period': 100,
            'double': True,
            'exploration_steps': 10_000,
            'eval_period': 20_000,
        },
        'doom_basic': {
            'network': 'a3c',
            'total_steps': 100_000,
            'num_envs': 4,
            'learning_starts': 2_000,
            'learning_rate': 5e-4,
            'target_period': 250,
            'exploration_steps': 40_000,
            'eval_period': 20_000,
            'checkpoint_period': 20_000,
        },
        'atari': {
            'total_steps': 10_000_000,
            'num_envs': 8,
            'learning_starts': 50_000,
            'target_period': 2_500,
            'exploration_end': 0.01,
            'exploration_steps': 250_000,
        },
    },
    'reinforce': {
        'classic_control': {**_CONTROL, 'network': 'mlp', 'reward_scale': 0.1},
        'CartPole-v1': {'total_steps': 300_000, 'eval_period': 50_000},
        'doom_basic': {'network': 'a3c', 'num_envs': 4, 'episodes_per_update': 16},
    },
}


def for_game(seen: Preset, family: str, game: str, algorithm: str) -> Preset:
    """Returns the preset of an algorithm for a game.

    Args:
        seen: Preset of the family; only its options of the environment are used.
        family: Name of the family; nothing is added for `none`.
        game: Id of the game.
        algorithm: One of the keys of `PRESETS`.
    """
    fields = {field.name for field in dataclasses.fields(EnvConfig)}
    view = {key: value for key, value in seen.items() if key in fields}
    own = PRESETS[algorithm] if family != 'none' else {}
    return {**view, **own.get('*', {}), **own.get(family, {}), **own.get(game, {})}
