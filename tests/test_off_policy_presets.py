import dataclasses

import pytest

from agents import presets
from agents.configs import RunConfig
from agents.off_policy_configs import DDPGConfig, TD3Config
from agents.off_policy_presets import PRESETS
from envs.config import EnvConfig

CONFIGS = {'ddpg': DDPGConfig, 'td3': TD3Config}


@pytest.mark.parametrize('algorithm', CONFIGS)
@pytest.mark.parametrize('game', ['Pendulum-v1', 'MountainCarContinuous-v0'])
def test_a_preset_sees_the_game_but_learns_in_its_own_way(algorithm, game):
    preset = presets.for_game('auto', game, algorithm)
    fields = [
        {field.name for field in dataclasses.fields(one)}
        for one in (CONFIGS[algorithm], EnvConfig, RunConfig)
    ]
    assert set(preset) <= set.union(*fields)
    assert (preset['frame_stack'], preset['action_repeat']) == (1, 1)
    assert preset.get('reward_scale', 1.0) == 1.0 and 'num_envs' not in preset
    assert preset.get('total_steps') == (20_000 if game == 'Pendulum-v1' else None)
    for config_class, names in zip((CONFIGS[algorithm], EnvConfig, RunConfig), fields, strict=True):
        config_class(**{name: value for name, value in preset.items() if name in names})


def test_no_preset_is_none_of_ours():
    assert presets.for_game('none', 'Pendulum-v1', 'td3') == {}


def test_actor_critics_have_theirs_still():
    assert 'gae_lambda' in presets.for_game('auto', 'Pendulum-v1', 'a2c')
    assert presets.for_game('auto', 'Pendulum-v1') == presets.for_game('auto', 'Pendulum-v1', 'a3c')


def test_there_is_one_for_each_algorithm_here():
    assert set(CONFIGS) <= set(PRESETS)
