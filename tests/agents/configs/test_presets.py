"""Presets name real options with valid values, and `auto` finds the family of a game."""

import dataclasses

import pytest

from agents.configs import presets
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import RunConfig
from envs.backends import registry
from envs.config import EnvConfig
from envs.errors import UsageError

CLASSES = (A2CConfig, A3CConfig, EnvConfig, RunConfig)


def config_fields(config_class):
    return {field.name for field in dataclasses.fields(config_class)}


@pytest.mark.parametrize('name', presets.PRESETS)
def test_a_preset_fills_configurations(name):
    preset = presets.PRESETS[name]
    assert set(preset) <= set().union(*map(config_fields, CLASSES))
    for config_class in CLASSES:
        own = {key: value for key, value in preset.items() if key in config_fields(config_class)}
        config_class(**own)


def test_no_option_belongs_to_two_configurations():
    for algorithm in CLASSES[:2]:
        classes = (algorithm, *CLASSES[2:])
        names = [field.name for config in classes for field in dataclasses.fields(config)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    'game, family',
    [
        ('Airstriker-Genesis', 'retro_lives'),
        ('SonicTheHedgehog-Genesis-v0', 'platform'),
        ('HillHopper-Genesis', 'hill_hopper'),
        ('SonicBlast-Sms-v0', 'retro_lives'),
        ('VizdoomBasic-v1', 'doom_basic'),
        ('VizdoomTakeCover-v1', 'doom'),
        ('ALE/Pong-v5', 'atari'),
        ('CartPole-v1', 'classic_control'),
        ('Pendulum-v1', 'pendulum'),
        ('HalfCheetah-v5', 'mujoco'),
    ],
)
def test_auto_is_the_family_of_the_game(game, family):
    spec = registry.find(game)
    assert presets.family_of(spec) == presets.name_of('auto', spec) == family
    assert presets.for_game('auto', spec) == presets.PRESETS[family]


def test_a_named_preset_stands_for_itself():
    assert presets.for_game('atari', registry.find('CartPole-v1')) == presets.PRESETS['atari']
    assert presets.for_game('none', registry.find('CartPole-v1')) == {}


def test_actor_critic_learns_with_one_step_and_sees_as_the_family_does():
    preset = presets.for_game('actor_critic', registry.find('CartPole-v1'))
    assert (preset['num_envs'], preset['unroll_length']) == (1, 1)
    assert (preset['network'], preset['frame_stack']) == ('mlp', 1)
    assert preset['total_steps'] == presets.PRESETS['classic_control']['total_steps']


def test_the_paper_says_how_to_learn_and_the_family_how_to_see():
    preset = presets.for_game('a3c_paper', registry.find('VizdoomBasic-v1'))
    assert (preset['network'], preset['optimizer']) == ('a3c', 'rmsprop')
    assert preset['crop'] == presets.PRESETS['doom_basic']['crop']


def test_an_unknown_game_is_refused_before_a_preset_is_chosen():
    with pytest.raises(UsageError, match="unknown game 'CartPol-v1'.*CartPole-v1"):
        registry.find('CartPol-v1')


def test_an_unknown_preset_is_refused_with_the_list():
    with pytest.raises(
        UsageError,
        match="unknown preset 'sonic'; there are: auto, retro, retro_lives, platform, hill_hopper",
    ):
        presets.for_game('sonic', registry.find('CartPole-v1'))
