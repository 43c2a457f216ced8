"""Configurations refuse nonsense with one line that names the flag."""

import dataclasses
import math

import pytest

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import EvaluationConfig, RunConfig
from envs.errors import UsageError

CLASSES = (A2CConfig, A3CConfig, RunConfig)
NAN = math.nan


@pytest.mark.parametrize('config_class', CLASSES)
def test_defaults_are_valid_and_frozen(config_class):
    config = config_class()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, dataclasses.fields(config)[0].name, 1)


@pytest.mark.parametrize('config_class', (*CLASSES, EvaluationConfig))
def test_every_field_has_a_help_that_is_a_sentence(config_class):
    for field in dataclasses.fields(config_class):
        assert field.metadata['help'].strip().endswith('.'), field.name


@pytest.mark.parametrize(
    'name, value',
    [
        *[(name, 0) for name in ('num_envs', 'total_steps', 'unroll_length', 'learning_rate')],
        *[(name, -1) for name in ('num_envs', 'total_steps', 'unroll_length', 'seed')],
        *[
            (field.name, bad)
            for field in dataclasses.fields(A2CConfig)
            if isinstance(field.default, float)
            for bad in (NAN, math.inf, -20.5)
        ],
        ('rmsprop_epsilon', 0.0),
        ('discount', 1.01),
        ('gae_lambda', 1.01),
        ('num_envs', 2.5),
        ('lstm_units', -1),
        ('noise_period', -1),
        ('noise_period', 5),  # There is no such noise.
        ('initial_log_std', 20.5),
        ('hidden_units', ()),
        ('hidden_units', (64, 0)),
        ('activation', 'tanh'),
        ('loss_reduction', 'max'),
        ('num_envs', True),
        ('optimizer', 'sgd'),
        ('lr_schedule', 'cosine'),
        ('network', 'transformer'),
    ],
)
def test_a2c_refuses(name, value):
    with pytest.raises(UsageError, match=f'^--{name} .*') as refusal:
        A2CConfig(**{name: value})
    assert '\n' not in str(refusal.value)


@pytest.mark.parametrize('name', ['num_workers', 'envs_per_worker', 'unroll_length'])
def test_a3c_refuses(name):
    with pytest.raises(UsageError, match=f'^--{name} must be positive, not 0'):
        A3CConfig(**{name: 0})


def test_what_is_fed_to_an_lstm_needs_one():
    with pytest.raises(UsageError, match='--lstm_units=0 has none'):
        A2CConfig(feed_last_action_reward=True)
    assert A2CConfig(feed_last_action_reward=True, lstm_units=8).lstm_units == 8


@pytest.mark.parametrize(
    'name, value',
    [('discount', 0.0), ('discount', 1.0), ('discount', 1), ('max_grad_norm', 0.0), ('seed', 0)],
)
def test_a2c_takes_the_ends_of_a_range(name, value):
    assert getattr(A2CConfig(**{name: value}), name) == value


@pytest.mark.parametrize(
    'values, message',
    [
        ({'log_period': 0}, '--log_period must be positive'),
        ({'eval_episodes': 0}, '--eval_episodes must be positive'),
        ({'checkpoint_period': -1}, '--checkpoint_period must be 0 or more'),
        ({'eval_period': -1}, '--eval_period must be 0 or more'),
        ({'resume': True}, '--resume needs --run_dir'),
        ({'video_period': 10, 'eval_period': 0}, '--video_period films evaluations'),
    ],
)
def test_a_run_refuses(values, message):
    with pytest.raises(UsageError, match=message):
        RunConfig(**values)


@pytest.mark.parametrize(
    'values, message',
    [
        ({'run_dir': ''}, '--run_dir'),
        ({'episodes': 0}, '--episodes must be positive'),
        ({'seed': -1}, '--seed must be 0 or more'),
        ({'model': 'worst'}, '--model must be one of auto, best, final'),
        ({'video': 'film.avi'}, '--video must end in .mp4'),
        ({'video': 'mp4'}, '--video must end in .mp4'),
    ],
)
def test_an_evaluation_refuses(values, message):
    with pytest.raises(UsageError, match=message):
        EvaluationConfig(**{'run_dir': 'run', **values})


def test_networks_are_those_that_there_are():
    from agents.networks import policy_value

    choices = next(f for f in dataclasses.fields(A2CConfig) if f.name == 'network').type
    assert choices.__args__ == policy_value.NETWORKS
