"""Saved policies: they come back, and what is no policy is refused in one line."""

import os
import zipfile

import gymnasium
import keras
import numpy as np
import pytest

from agents.networks import policy_value
from agents.storage import saved_policy
from envs import observations
from envs.config import EnvConfig
from envs.errors import UsageError

ENV_CONFIG = EnvConfig('Airstriker-Genesis', ('Level1', 'Level2'), sticky_actions=0.25)
SPACE = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)


@pytest.fixture
def saved(tmp_path):
    network = policy_value.build('a3c', SPACE, 6, seed=1)
    saved_policy.save(str(tmp_path), network, ENV_CONFIG, steps=12, mean_score=3.5)
    return tmp_path, network


def refusal_of(directory):
    with pytest.raises(UsageError) as refusal:
        saved_policy.load(str(directory))
    assert '\n' not in str(refusal.value)
    return str(refusal.value)


def test_a_policy_comes_back(saved):
    directory, network = saved
    loaded = saved_policy.load(str(directory))
    assert loaded.env_config == ENV_CONFIG
    assert (loaded.recipe['steps'], loaded.recipe['mean_score']) == (12, 3.5)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 84, 84, 4)).astype(np.uint8)
    for ours, theirs in zip(network(pictures), loaded.network(pictures), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_saving_again_replaces_and_leaves_two_files(saved):
    directory, _ = saved
    other = policy_value.build('a3c', SPACE, 6, seed=2)
    saved_policy.save(str(directory), other, ENV_CONFIG, steps=13)
    assert sorted(os.listdir(directory)) == ['model.keras', 'recipe.json']
    loaded = saved_policy.load(str(directory))
    assert loaded.recipe['steps'] == 13
    np.testing.assert_array_equal(loaded.network.get_weights()[0], other.get_weights()[0])


def test_the_model_needs_nothing_but_keras(saved):
    directory, _ = saved
    with zipfile.ZipFile(directory / 'model.keras') as archive:
        text = archive.read('config.json').decode()
    assert 'joypad' not in text and 'agents.' not in text


@pytest.mark.parametrize('name', ['recipe.json', 'model.keras'])
def test_a_missing_file_is_named(saved, name):
    directory, _ = saved
    (directory / name).unlink()
    assert name in refusal_of(directory)


@pytest.mark.parametrize('name', ['recipe.json', 'model.keras'])
@pytest.mark.parametrize('content', [b'', b'garbage', b'[1, 2'])
def test_a_damaged_file_is_refused(saved, name, content):
    directory, _ = saved
    (directory / name).write_bytes(content)
    assert str(directory) in refusal_of(directory)


def test_a_truncated_model_is_refused(saved):
    directory, _ = saved
    model = directory / 'model.keras'
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    assert str(directory) in refusal_of(directory)


def test_a_model_without_values_is_refused(saved):
    directory, _ = saved
    inputs = keras.Input((4,))
    logits = keras.layers.Dense(2, kernel_initializer='orthogonal')(inputs)
    keras.Model(inputs, logits).save(directory / 'model.keras')
    assert '(logits, values)' in refusal_of(directory)


def test_a_model_whose_layers_would_fill_the_memory_is_refused(saved):
    """It needs no weights for that: each layer joins its input with itself and so doubles it."""
    directory, _ = saved
    inputs = x = keras.Input((4,))
    for _ in range(30):
        x = keras.layers.Concatenate()([x, x])
    keras.Model(inputs, (inputs, x)).save(directory / 'model.keras')
    assert 'a layer makes too many numbers of an observation' in refusal_of(directory)


def model_of(num_inputs, *outputs, names=()):
    """A network of one-dimensional inputs, whose outputs have these sizes; 0 for a number."""
    names = [*names, *[None] * (num_inputs - len(names))]
    inputs = [keras.Input((4,), name=name) for name in names]
    made = [
        keras.layers.Dense(size or 1, kernel_initializer='orthogonal')(inputs[0])
        for size in outputs
    ]
    made = [
        x if size else keras.layers.Reshape(())(x) for x, size in zip(made, outputs, strict=True)
    ]
    return keras.Model(inputs, made)


NAMES = ('observations', 'variables')
BOTH = gymnasium.spaces.Dict(screen=SPACE, variables=gymnasium.spaces.Box(-1.0, 1.0, (4,)))
MEMORIES = [{}, {'lstm_units': 5}, {'lstm_units': 5, 'feed_last_action_reward': True}]


@pytest.mark.parametrize('memory', MEMORIES, ids=['plain', 'lstm', 'fed'])
def test_a_policy_with_variables_comes_back_and_fits_its_game_alone(tmp_path, memory):
    network = policy_value.build('a3c', BOTH, 2, seed=1, **memory)
    saved_policy.save(str(tmp_path), network, ENV_CONFIG)
    loaded = saved_policy.load(str(tmp_path)).network
    assert policy_value.num_observations(loaded) == 2
    saved_policy.check_fit(loaded, observations.shapes(BOTH), 2)
    for wrong in ([SPACE.shape], [SPACE.shape, (3,)], [(4,), SPACE.shape], [(4,)]):
        with pytest.raises(UsageError, match='the model is not for this game'):
            saved_policy.check_fit(loaded, wrong, 2)
    plain = policy_value.build('a3c', SPACE, 2, seed=1, **memory)
    with pytest.raises(UsageError, match=r'but the game needs \(84, 84, 4\), \(4,\)'):
        saved_policy.check_fit(plain, observations.shapes(BOTH), 2)


@pytest.mark.parametrize('names, taken', [(NAMES, True), ((), False), (NAMES[::-1], False)])
def test_variables_are_told_from_a_memory_by_their_name(tmp_path, names, taken):
    saved_policy.save(str(tmp_path), model_of(2, 2, 0, names=names), ENV_CONFIG)
    if taken:
        assert len(saved_policy.load(str(tmp_path)).network.inputs) == 2
    else:
        assert '(logits, values)' in refusal_of(tmp_path)


@pytest.mark.parametrize(
    'network, fits',
    [
        (model_of(1, 2, 0), True),
        (model_of(1, 3, 0), False),
        (model_of(1, 2, 1), False),
        (model_of(3, 2, 0, 4, 4), True),
        (model_of(3, 2, 0, 5, 5), False),
        (model_of(5, 2, 0, 4, 4), False),
    ],
    ids=['right', 'logits', 'values', 'memory', 'other memory', 'last action'],
)
def test_whether_a_network_fits_a_game(network, fits):
    if fits:
        saved_policy.check_fit(network, [(4,)], 2)
    else:
        with pytest.raises(UsageError, match=r'the game needs \(4,\)'):
            saved_policy.check_fit(network, [(4,)], 2)
    with pytest.raises(UsageError, match='the model is not for this game'):
        saved_policy.check_fit(network, [(84, 84, 4)], 2)


def test_a_network_that_is_fed_real_actions_fits_by_their_number():
    inputs = [keras.Input((size,)) for size in (4, 5, 5, 3, 1)]
    outputs = [keras.layers.Dense(size)(inputs[0]) for size in (6, 1, 5, 5)]
    outputs[1] = keras.layers.Reshape(())(outputs[1])
    network = keras.Model(inputs, outputs)
    saved_policy.check_fit(network, [(4,)], 6, num_codes=3)
    with pytest.raises(UsageError, match='the model is not for this game'):
        saved_policy.check_fit(network, [(4,)], 6)
