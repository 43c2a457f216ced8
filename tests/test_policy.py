"""Saved policies: they come back, and what is no policy is refused in one line."""

import json
import os
import zipfile

import gymnasium
import keras
import numpy as np
import pytest

from agents import networks, policy
from envs.config import EnvConfig
from envs.errors import UsageError

ENV_CONFIG = EnvConfig('Airstriker-Genesis', ('Level1', 'Level2'), sticky_actions=0.25)
SPACE = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)


@pytest.fixture
def saved(tmp_path):
    network = networks.build('a3c', SPACE, 6, seed=1)
    policy.save(str(tmp_path), network, ENV_CONFIG, steps=12, mean_score=3.5)
    return tmp_path, network


def refusal_of(directory):
    with pytest.raises(UsageError) as refusal:
        policy.load(str(directory))
    assert '\n' not in str(refusal.value)
    return str(refusal.value)


def test_a_policy_comes_back(saved):
    directory, network = saved
    loaded = policy.load(str(directory))
    assert loaded.env_config == ENV_CONFIG
    assert (loaded.recipe['steps'], loaded.recipe['mean_score']) == (12, 3.5)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 84, 84, 4)).astype(np.uint8)
    for ours, theirs in zip(network(pictures), loaded.network(pictures), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_saving_again_replaces_and_leaves_two_files(saved):
    directory, _ = saved
    other = networks.build('a3c', SPACE, 6, seed=2)
    policy.save(str(directory), other, ENV_CONFIG, steps=13)
    assert sorted(os.listdir(directory)) == ['model.keras', 'recipe.json']
    loaded = policy.load(str(directory))
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


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda recipe: [recipe], 'format None'),
        (lambda recipe: {**recipe, 'format': 99}, 'format 99; this version reads 1'),
        (lambda recipe: {'format': 1}, 'environment'),
        (lambda recipe: {'format': 1, 'environment': {'cheat': 1}}, 'unknown options: cheat'),
        (lambda recipe: {'format': 1, 'environment': ['game']}, ''),
        (lambda recipe: {'format': 1, 'environment': {'action_repeat': '4'}}, '--action_repeat'),
        (lambda recipe: {'format': 1, 'environment': {'action_repeat': 0}}, '--action_repeat'),
        (lambda recipe: {'format': 1, 'environment': {'levels': 'abc', 'game': 3}}, '--game'),
    ],
)
def test_a_foreign_recipe_is_refused(saved, change, message):
    directory, _ = saved
    path = directory / 'recipe.json'
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    assert message in refusal_of(directory)


def test_safe_mode_refuses_code(saved):
    directory, _ = saved
    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(lambda x: x * 2)(inputs)
    keras.Model(inputs, (outputs, outputs)).save(directory / 'model.keras')
    assert 'Lambda' in refusal_of(directory)


def test_a_model_without_values_is_refused(saved):
    directory, _ = saved
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(directory / 'model.keras')
    assert '(logits, values)' in refusal_of(directory)
