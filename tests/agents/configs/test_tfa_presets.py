"""Presets of the algorithms on TF-Agents: they see a game as all do, and learn in their own way."""

import dataclasses

import pytest

from agents.configs import presets
from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.configs.run import RunConfig
from agents.configs.tfa_presets import PRESETS
from envs.backends import registry
from envs.config import EnvConfig

CONFIGS = {
    'ddpg': DDPGConfig, 'td3': TD3Config, 'dqn': DQNConfig, 'reinforce': ReinforceConfig,
}  # fmt: skip
CART_POLE, PENDULUM = registry.find('CartPole-v1'), registry.find('Pendulum-v1')
REAL = ('ddpg', 'td3')


@pytest.mark.parametrize('algorithm', REAL)
@pytest.mark.parametrize('game', ['Pendulum-v1', 'MountainCarContinuous-v0'])
def test_a_preset_sees_the_game_but_learns_in_its_own_way(algorithm, game):
    preset = presets.for_game('auto', registry.find(game), algorithm)
    assert (preset['frame_stack'], preset['action_repeat']) == (1, 1)
    assert preset.get('reward_scale', 1.0) == 1.0 and 'num_envs' not in preset
    assert preset.get('total_steps') == (20_000 if game == 'Pendulum-v1' else None)
    assert_valid(algorithm, preset)


def assert_valid(algorithm, preset):
    """Every setting is one of this algorithm, of the environment or of the run, and is taken."""
    known = set()
    for config_class in (CONFIGS[algorithm], EnvConfig, RunConfig):
        names = {field.name for field in dataclasses.fields(config_class)}
        config_class(**{name: value for name, value in preset.items() if name in names})
        known |= names
    assert set(preset) <= known


@pytest.mark.parametrize(
    'algorithm, name', [(algorithm, name) for algorithm in PRESETS for name in PRESETS[algorithm]]
)
def test_all_of_them_are_settings_of_their_algorithm(algorithm, name):
    if name in presets.PRESETS:
        assert_valid(algorithm, presets.for_game(name, CART_POLE, algorithm))
    elif name != '*':
        assert_valid(algorithm, presets.for_game('auto', registry.find(name), algorithm))
    assert_valid(algorithm, PRESETS[algorithm][name])


def test_no_preset_is_none_of_ours():
    assert presets.for_game('none', PENDULUM, 'td3') == {}


def test_actor_critics_have_theirs_still():
    assert 'gae_lambda' in presets.for_game('auto', PENDULUM, 'a2c')
    assert presets.for_game('auto', PENDULUM) == presets.for_game('auto', PENDULUM, 'a3c')


def test_there_is_one_for_each_algorithm_here():
    assert set(CONFIGS) == set(PRESETS)
