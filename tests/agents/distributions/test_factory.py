"""The distribution that an action space, a training and a recipe ask for."""

import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces

from agents.configs import policy_kinds
from agents.configs.actor_critic import A2CConfig
from agents.distributions import factory
from agents.distributions.gsde import StateDependentExploration
from agents.networks import policy_value
from agents.networks.heads import GaussianHead
from envs.errors import UsageError

SPACES = {
    'categorical': spaces.Discrete(5),
    'multi_categorical': spaces.MultiDiscrete([3, 2, 4]),
    'bernoulli': spaces.MultiBinary(4),
}
BOX = spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 6.0]))
GSDE = {
    'policy': policy_kinds.STATE_DEPENDENT_EXPLORATION,
    'num_features': 3,
    'noise_period': 4,
}


def test_for_space_knows_the_sizes():
    sizes = {
        name: (type(d).__name__, d.num_logits, d.event_shape)
        for name, d in ((name, factory.for_space(space)) for name, space in SPACES.items())
    }
    assert sizes == {
        'categorical': ('Categorical', 5, ()),
        'multi_categorical': ('MultiCategorical', 9, (3,)),
        'bernoulli': ('Bernoulli', 4, (4,)),
    }


@pytest.mark.parametrize(
    'refused, words',
    [
        (spaces.Box(-1.0, 1.0, [4, 4]), 'one row'),
        (spaces.Box(0, 255, [3], np.uint8), 'real numbers'),
        (spaces.Discrete(3, start=1), 'counted from 0'),
        (spaces.MultiDiscrete([2, 2], start=[0, 1]), 'counted from 0'),
        (spaces.MultiDiscrete([[2, 2]]), 'one row'),
        (spaces.MultiBinary([2, 2]), 'one row'),
        (spaces.Tuple([spaces.Discrete(2)]), 'no policy'),
    ],
)
def test_for_space_refuses_other_spaces_in_one_line(refused, words):
    with pytest.raises(UsageError, match=words) as error:
        factory.for_space(refused)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_for_space_knows_the_ranges_of_real_numbers(dtype):
    low, high = np.array([-1.0, 0.0, 2.0], dtype), np.array([1.0, 8.0, np.inf], dtype)
    space = spaces.Box(low, high, dtype=dtype)
    distribution = factory.for_space(space)
    assert distribution.event_shape == (3,) and distribution.event_dtype == tf.float32
    assert distribution.bounds == ((-1.0, 0.0, 2.0), (1.0, 8.0, np.inf))
    assert not distribution.is_bounded


@pytest.mark.parametrize(
    'kind, space, told',
    [
        ('deterministic', spaces.Discrete(3), 'train_a2c, train_a3c and train_dqn'),
        ('deterministic', spaces.Box(-np.inf, np.inf, (2,)), 'bounded'),
        ('deterministic', spaces.Box(-1.0, 1.0, (2, 2)), 'a row'),
        ('greedy', BOX, 'one of n actions'),
        ('greedy', spaces.Discrete(3, start=1), 'one of n actions'),
    ],
)
def test_what_does_not_fit_is_refused(kind, space, told):
    with pytest.raises(UsageError, match=told):
        factory.for_recipe({'policy': kind}, space)


@pytest.mark.parametrize('kind', policy_kinds.ALL)
def test_a_distribution_is_made_again_from_what_it_tells_the_recipe(kind):
    recipe = GSDE if kind == GSDE['policy'] else {'policy': kind} if kind else {}
    space = spaces.Discrete(2) if kind in ('', 'greedy') else BOX
    distribution = factory.for_recipe(recipe, space)
    assert distribution.kind == kind and distribution.about() == recipe
    again = factory.for_recipe(distribution.about(), space)
    assert type(again) is type(distribution)
    assert (again.num_logits, again.noise_period) == (
        distribution.num_logits,
        distribution.noise_period,
    )


def test_kinds_without_chance_are_those_whose_samples_are_their_modes():
    seed = tf.constant([1, 2])
    for kind in policy_kinds.ALL:
        recipe, space = {**GSDE, 'policy': kind}, BOX if kind != 'greedy' else spaces.Discrete(2)
        distribution = factory.for_recipe(recipe, space)
        logits = tf.fill([4, distribution.num_logits], 0.5)
        same = np.array_equal(distribution.sample(logits, seed), distribution.mode(logits))
        assert same == (kind in policy_kinds.WITHOUT_CHANCE)


@pytest.mark.parametrize('noise_period, expected', [(0, 6), (3, 3)])
def test_a_training_with_gsde_takes_the_features_of_the_network(noise_period, expected):
    head = GaussianHead(noise_of_features=True)
    vectors = spaces.Box(-1.0, 1.0, (5,))
    num_logits = factory.for_space(BOX).num_logits
    network = policy_value.build('mlp', vectors, num_logits, 0, hidden_units=(8, 7), gaussian=head)
    asked = {'state_dependent_exploration': True, 'noise_period': noise_period}
    config = A2CConfig(network='mlp', unroll_length=6, **asked)
    distribution = factory.for_training(config, BOX, network)
    assert distribution.num_logits == network.outputs[0].shape[-1] == 2 + 7 + 7 * 2
    assert distribution.noise_period == expected
    assert isinstance(distribution, StateDependentExploration)
    plain = factory.for_training(A2CConfig(network='mlp'), BOX, network)
    assert type(plain) is type(factory.for_space(BOX))


@pytest.mark.parametrize(
    'space, told', [(spaces.Discrete(2), 'no real numbers'), (spaces.Dict(), 'no policy for')]
)
def test_gsde_is_refused_where_actions_are_no_real_numbers(space, told):
    with pytest.raises(UsageError, match=told):
        factory.for_recipe(GSDE, space)
