"""Defaults of DDPG, TD3, DQN and REINFORCE, and the values that their configurations refuse."""

import dataclasses

import pytest

from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from envs.errors import UsageError


def test_the_defaults_of_ddpg_are_those_that_are_taught():
    config = DDPGConfig()
    taught = {
        'replay_capacity': 100_000, 'batch_size': 128, 'discount': 0.99, 'tau': 1e-3,
        'actor_learning_rate': 1e-4, 'critic_learning_rate': 1e-3, 'ou_theta': 0.15,
        'ou_sigma': 0.2, 'hidden_units': (400, 300), 'num_envs': 1, 'train_period': 1,
    }  # fmt: skip
    assert {name: getattr(config, name) for name in taught} == taught


def test_the_defaults_of_td3_are_those_of_the_zoo():
    config = TD3Config()
    zoo = {
        'replay_capacity': 1_000_000, 'batch_size': 256, 'discount': 0.99, 'tau': 5e-3,
        'actor_learning_rate': 1e-3, 'critic_learning_rate': 1e-3, 'exploration_noise': 0.1,
        'target_noise': 0.2, 'target_noise_clip': 0.5, 'policy_delay': 2,
        'learning_starts': 10_000, 'hidden_units': (400, 300),
    }  # fmt: skip
    assert {name: getattr(config, name) for name in zoo} == zoo


@pytest.mark.parametrize('config_class', [DDPGConfig, TD3Config])
@pytest.mark.parametrize(
    'name, value',
    [
        ('total_steps', 0), ('num_envs', 0), ('batch_size', -1), ('train_period', 0),
        ('replay_capacity', 100), ('replay_capacity', 20), ('learning_starts', -1), ('seed', -1),
        ('discount', 1.5), ('hidden_units', (5,)), ('hidden_units', (5, 0)),
        ('hidden_units', 'big'), ('actor_learning_rate', 0.0), ('critic_learning_rate', -1.0),
        ('tau', 0.0), ('tau', 1.1), ('tau', float('nan')),
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_refused(config_class, name, value):
    with pytest.raises(UsageError, match=f'^--{name} '):
        config_class(**{name: value})


@pytest.mark.parametrize(
    'config_class, name, value',
    [
        (DDPGConfig, 'ou_theta', 1.5), (DDPGConfig, 'ou_sigma', -0.1),
        (TD3Config, 'policy_delay', 0), (TD3Config, 'exploration_noise', -0.1),
        (TD3Config, 'target_noise', -1.0), (TD3Config, 'target_noise_clip', -1.0),
    ],
)  # fmt: skip
def test_so_are_those_of_one_algorithm(config_class, name, value):
    with pytest.raises(UsageError, match=f'^--{name} '):
        config_class(**{name: value})


@pytest.mark.parametrize(
    'config_class, name, value',
    [
        (DQNConfig, 'target_period', 0), (DQNConfig, 'exploration_start', 1.5),
        (DQNConfig, 'exploration_end', -0.1), (DQNConfig, 'exploration_steps', -1),
        (DQNConfig, 'learning_rate', 0.0), (DQNConfig, 'max_grad_norm', -1.0),
        (DQNConfig, 'hidden_units', (5, 0)), (DQNConfig, 'discount', 1.5),
        (DQNConfig, 'hidden_units', (7,)),  # Of mlp alone
        (ReinforceConfig, 'episodes_per_update', 0), (ReinforceConfig, 'num_envs', 0),
        (ReinforceConfig, 'learning_rate', -1.0), (ReinforceConfig, 'value_cost', -0.1),
        (ReinforceConfig, 'discount', 2.0), (ReinforceConfig, 'seed', -1),
    ],
)  # fmt: skip
def test_so_are_those_of_dqn_and_reinforce(config_class, name, value):
    with pytest.raises(UsageError, match=f'^--{name} '):
        config_class(**{name: value})


def test_a_memory_holds_a_batch_and_some_steps_of_each_environment():
    with pytest.raises(UsageError, match='640 for 20'):
        DDPGConfig(num_envs=20, replay_capacity=639)
    assert DDPGConfig(num_envs=20, replay_capacity=640).replay_capacity == 640


def test_every_field_has_help():
    for config_class in (DDPGConfig, TD3Config, DQNConfig, ReinforceConfig):
        for field in dataclasses.fields(config_class):
            assert field.metadata['help'].endswith('.'), field.name
