"""Settings that work, by family of games. A preset fills what the command line leaves open.

A preset sets fields of the configurations, by the same code path as the flags. The scores that each
preset reaches are in research/.
"""

import math
from collections.abc import Mapping
from typing import Any

from agents.configs import tfa_presets
from envs.backends.spec import GameSpec
from envs.errors import UsageError
from envs.vector import cores

Preset = Mapping[str, Any]

_RETRO = {
    'total_steps': 500_000,
    'sticky_actions': 0.25,
    'reward_transform': 'sign',
    'optimizer': 'adam',
    'learning_rate': 5e-4,
    'lr_schedule': 'constant',
    'unroll_length': 10,
    'gae_lambda': 0.95,
}
# Platform games with levels, rewarded as in the Retro Contest. Tutorials multiply rewards by 0.01;
# then values are near 50, and their errors leave the policy blind to the picture.
_PLATFORM = {
    **_RETRO,
    'reward': 'contest',
    'reward_scale': 0.001,
    'reward_transform': 'none',
    'entropy_cost': 0.001,
    'turbo_frames': 12,  # A held button jumps again soon after a landing.
}
_DOOM = {
    'optimizer': 'adam',
    'learning_rate': 5e-4,
    'value_cost': 1.0,
    'max_pool': False,
    'reward_scale': 0.01,
}
_ATARI = {
    'total_steps': 10_000_000,
    'noop_max': 30,
    'life_loss_ends_episode': True,
    'reward_transform': 'sign',
}
_VECTORS = {
    'network': 'mlp',
    'action_repeat': 1,
    'frame_stack': 1,
    'num_envs': 8,
    'num_groups': 1,  # Steps this cheap are not worth a second thread.
    'total_steps': 300_000,
    'unroll_length': 16,
    'gae_lambda': 0.95,
    'optimizer': 'adam',
    'learning_rate': 1e-3,
    'entropy_cost': 0.005,
    'reward_scale': 0.1,  # With values near 100 the critic's tanh layers saturate.
}
# As in RL Baselines3 Zoo, A2C with real-valued actions.
_REAL_ACTIONS = {
    'network': 'mlp',
    'action_repeat': 1,
    'frame_stack': 1,
    'num_groups': 1,
    'total_steps': 1_000_000,
    'entropy_cost': 0.0,
    'normalize_observations': True,
    'normalize_rewards': True,
}

PRESETS: dict[str, Preset] = {
    'retro': _RETRO,
    # A lost life costs nothing in most scores: it teaches to stay alive only if it is an end.
    'retro_lives': {**_RETRO, 'life_loss_ends_episode': True},
    'platform': {**_PLATFORM, 'levels': ('train',)},
    # The first act, in minutes.
    'hill_hopper': {
        **_PLATFORM,
        'levels': ('MeadowZone.Act1',),
        'max_episode_steps': 1_000,  # Three times what it takes.
        'total_steps': 200_000,
        'lr_schedule': 'linear',
        'eval_period': 50_000,
        'checkpoint_period': 50_000,
    },
    'doom': _DOOM,
    # The monster is 4 pixels wide: cropping as the well-known A3C tutorial does enlarges it. The
    # entropy bonus keeps the agent shooting until the critic has found what a monster looks like.
    'doom_basic': {
        **_DOOM,
        'total_steps': 80_000,
        'lr_schedule': 'constant',
        'entropy_cost': 0.02,
        'entropy_schedule': 'linear',
        'crop': (10, 10, 30, 30),
        'eval_period': 20_000,
        'checkpoint_period': 20_000,
    },
    # The well-known Doom tutorial of A3C: no action repeat, an LSTM instead of a stack of frames.
    # Juliani (2016), "Simple Reinforcement Learning with Tensorflow, part 8".
    'doom_a3c': {
        **_DOOM,
        'total_steps': 1_000_000,
        'num_workers': len(cores.of_process()),
        'envs_per_worker': 1,
        'action_repeat': 1,
        'frame_stack': 1,
        'crop': (10, 10, 30, 30),
        'network': 'a3c',
        'activation': 'elu',
        'lstm_units': 256,
        'unroll_length': 30,
        'learning_rate': 1e-4,
        'lr_schedule': 'constant',
        'value_cost': 0.5,
        'entropy_cost': 0.01,
        'loss_reduction': 'sum',
        'max_grad_norm': 40.0,
    },
    'atari': _ATARI,
    'classic_control': _VECTORS,
    # The effect of a torque shows only after a swing: within the zoo's 8 steps only a critic that
    # knows it already could tell. Small batches, a larger γ and λ, and Adam need two thirds of the
    # zoo's steps; unbounded means would soon go far beyond the strongest torque, where nothing is
    # learned.
    'pendulum': {
        **_REAL_ACTIONS,
        'num_envs': 2,
        'unroll_length': 16,
        'discount': 0.95,
        'gae_lambda': 0.95,
        'optimizer': 'adam',
        'learning_rate': 1e-3,
        'bounded_means': True,
    },
    # RL Baselines3 Zoo tuned these for A2C on the robots of PyBullet (hyperparams/a2c.yml). Its
    # settings for MuJoCo, Stable-Baselines3's defaults in one environment, are a quarter as
    # fast and learned less.
    'mujoco': {
        **_REAL_ACTIONS,
        'num_envs': 4,
        'unroll_length': 8,
        'gae_lambda': 0.9,
        'learning_rate': 9.6e-4,
        'rmsprop_epsilon': 1e-10,  # Inside the root; PyTorch has 1e-5 outside.
        'state_dependent_exploration': True,
        'initial_log_std': math.log(8.0) - 2.0,  # The zoo has -2 for each of 64 features.
        'value_cost': 0.8,  # Twice the zoo's, since our loss is half the squared error.
    },
    # The one-step TD actor-critic of the textbooks (Sutton and Barto, 2018, section 13.5).
    'actor_critic': {
        'num_envs': 1,
        'num_workers': 1,
        'envs_per_worker': 1,
        'unroll_length': 1,
        'optimizer': 'adam',
        'lr_schedule': 'constant',
    },
    # Mnih et al. (2016), section 8; sums and the clip at 40 as in its reproductions.
    'a3c_paper': {
        'network': 'a3c',
        'unroll_length': 5,
        'gae_lambda': 1.0,
        'optimizer': 'rmsprop',
        'learning_rate': 7e-4,
        'lr_schedule': 'linear',
        'value_cost': 0.5,
        'entropy_cost': 0.01,
        'entropy_schedule': 'constant',
        'loss_reduction': 'sum',
        'max_grad_norm': 40.0,
    },
    'none': {},
}
_WAYS_TO_LEARN = ('actor_critic', 'a3c_paper')  # The family says how to see the game.
_OF_GAMES = {  # Games with a preset of their own, which stands in for that of their family.
    'HillHopper-Genesis': 'hill_hopper',
    'VizdoomBasic-v1': 'doom_basic',
    'Pendulum-v1': 'pendulum',
}


def for_game(name: str, spec: GameSpec, algorithm: str = '') -> Preset:
    """Returns the preset of a name; `auto` stands for the family of the game.

    `actor_critic` and `a3c_paper` say how to learn, so they are joined with the family. For the
    algorithms in `tfa_presets` the family says only how to see the game.

    Raises:
        UsageError: There is no such preset, or it is for other algorithms.
    """
    if algorithm in tfa_presets.PRESETS:
        if name in _WAYS_TO_LEARN:
            raise UsageError(f'--preset={name} says how A2C and A3C learn; try auto')
        kind = name_of(name, spec)
        return tfa_presets.for_game(PRESETS[kind], kind, spec.id, algorithm)
    if name in _WAYS_TO_LEARN:
        return {**PRESETS[family_of(spec)], **PRESETS[name]}
    return PRESETS[name_of(name, spec)]


def name_of(name: str, spec: GameSpec) -> str:
    """Returns the name of a preset; for `auto` that of the game's family.

    Raises:
        UsageError: There is no such preset.
    """
    if name == 'auto':
        return family_of(spec)
    if name not in PRESETS:
        raise UsageError(f'unknown preset {name!r}; there are: auto, {", ".join(PRESETS)}')
    return name


def family_of(spec: GameSpec) -> str:
    """The name of the preset that `auto` stands for."""
    return _OF_GAMES.get(spec.id, spec.family)
