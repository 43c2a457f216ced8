"""Models from others: nothing of them runs, nothing fills the memory, and the line says why."""

import io
import json
import os
import zipfile

import gymnasium
import h5py
import keras
import numpy as np
import pytest

from agents.networks import policy_value
from agents.networks.heads import GaussianHead
from agents.storage import model_checks, saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError

BOX = gymnasium.spaces.Box
SPACES = {'mlp': BOX(-1, 1, (4,), np.float32), 'picture': BOX(0, 255, (36, 36, 2), np.uint8)}
ENV_CONFIG = EnvConfig('CartPole-v1', frame_stack=1, action_repeat=1)


def build(name='mlp', **options):
    return policy_value.build(name, SPACES['mlp' if name == 'mlp' else 'picture'], 2, 1, **options)


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    directory = tmp_path_factory.mktemp('model')
    saved_policy.save(str(directory), build(), ENV_CONFIG, steps=12)
    return directory


@pytest.fixture
def saved(good, tmp_path):
    for name in os.listdir(good):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    return tmp_path


def refusal_of(directory, check=model_checks.check_network):
    with pytest.raises(UsageError) as refusal:
        check(str(directory))
    assert str(directory) in str(refusal.value) and '\n' not in str(refusal.value)
    return str(refusal.value)


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(directory, entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(directory / 'model.keras', 'w', method) as archive:
        for name, content in entries if isinstance(entries, list) else entries.items():
            archive.writestr(name, content)


def change(directory, edit):
    """Changes the description of the network in the archive."""
    entries = entries_of(directory / 'model.keras')
    config = json.loads(entries['config.json'])
    config = edit(config) or config
    write(directory, {**entries, 'config.json': json.dumps(config)})


def layer(config, kind='Dense'):
    return next(one for one in config['config']['layers'] if one['class_name'] == kind)


@pytest.mark.parametrize('name', policy_value.NETWORKS)
@pytest.mark.parametrize('units', [0, 8])
@pytest.mark.parametrize('activation', ['relu', 'elu'])
def test_every_network_of_ours_is_accepted(tmp_path, name, units, activation):
    fed = bool(units)
    network = build(name, activation=activation, lstm_units=units, feed_last_action_reward=fed)
    saved_policy.save(str(tmp_path), network, ENV_CONFIG)
    model_checks.check_network(str(tmp_path))
    config = json.loads(entries_of(tmp_path / 'model.keras')['config.json'])
    counted = model_checks._count_weights(config['config']['layers'])
    assert counted == network.count_params()


@pytest.mark.parametrize('deviations', [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize('name, units', [('mlp', 0), ('mlp', 8), ('a3c', 8)])
def test_every_network_for_real_actions_is_accepted(tmp_path, name, units, deviations):
    options = {'normalize_observations': name == 'mlp', 'hidden_units': (5, 6, 7)}
    head = GaussianHead(-1.5, ([-1.0], [8.0]) if units else (), *deviations)
    fed = bool(units)
    network = build(name, gaussian=head, lstm_units=units, feed_last_action_reward=fed, **options)
    saved_policy.save(str(tmp_path), network, ENV_CONFIG)
    model_checks.check_network(str(tmp_path))
    config = json.loads(entries_of(tmp_path / 'model.keras')['config.json'])
    assert model_checks._count_weights(config['config']['layers']) == network.count_params()
    loaded = saved_policy.load(str(tmp_path)).network
    assert [w.tolist() for w in loaded.get_weights()] == [w.tolist() for w in network.get_weights()]


@pytest.mark.parametrize(
    'key, value, words',
    [('axis', 1, 'of no size'), ('beta_initializer', {'class_name': 'x'}, 'unknown kind')],
)
def test_a_strange_normalisation_is_refused(tmp_path, key, value, words):
    saved_policy.save(str(tmp_path), build(normalize_observations=True), ENV_CONFIG)

    def edit(config):
        layer(config, 'BatchNormalization')['config'][key] = value

    change(tmp_path, edit)
    assert words in refusal_of(tmp_path)


# ---- the archive ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    'extra', ['../../outside', '/tmp/outside', 'assets/evil.py', 'model.weights.npz', 'variables/a']
)
def test_an_archive_with_more_in_it_is_refused(saved, extra):
    write(saved, {**entries_of(saved / 'model.keras'), extra: b'x'})
    assert extra in refusal_of(saved)


def test_an_entry_that_stands_there_twice_is_refused(saved):
    """Readers differ in which of them they take."""
    entries = list(entries_of(saved / 'model.keras').items())
    with pytest.warns(UserWarning, match='Duplicate name'):
        write(saved, [*entries, ('config.json', '{}')])
    assert 'once each' in refusal_of(saved)


@pytest.mark.parametrize('name', ['config.json', 'model.weights.h5', 'metadata.json'])
def test_an_archive_that_lacks_an_entry_is_refused(saved, name):
    entries = entries_of(saved / 'model.keras')
    del entries[name]
    write(saved, entries)
    assert name in refusal_of(saved)


def test_a_zip_bomb_is_refused(saved):
    bomb = {**entries_of(saved / 'model.keras'), 'model.weights.h5': bytes(10**8)}
    write(saved, bomb, zipfile.ZIP_DEFLATED)
    assert os.path.getsize(saved / 'model.keras') < 10**6
    assert 'is compressed' in refusal_of(saved)


def test_an_endless_description_is_refused(saved):
    write(saved, {**entries_of(saved / 'model.keras'), 'config.json': b' ' * 2**21})
    assert 'config.json is too large' in refusal_of(saved)


@pytest.mark.parametrize('kind', ['pipe', 'folder', 'zeros'])
def test_what_is_no_ordinary_file_is_refused(saved, kind):
    """A folder of this name is a model, too, for Keras; reading a pipe would never end."""
    for name, check in (
        ('model.keras', model_checks.check_network),
        ('recipe.json', model_checks.read_recipe),
    ):
        (saved / name).unlink()
        if kind == 'pipe':
            os.mkfifo(saved / name)
        elif kind == 'folder':
            (saved / name).mkdir()
        else:
            (saved / name).symlink_to('/dev/zero')
        assert 'is not an ordinary file' in refusal_of(saved, check)


# ---- the description -----------------------------------------------------------------------

FUNCTION = {
    'module': 'os', 'class_name': 'function', 'config': 'system', 'registered_name': 'system',
}  # fmt: skip


def loads_unsafely(config):
    """Calls Keras' own functions by a Lambda layer, as in CVE-2025-8747 and CVE-2025-9906."""
    enable = {**FUNCTION, 'module': 'keras.config', 'config': 'enable_unsafe_deserialization'}
    layer(config).update(class_name='Lambda', config={'name': 'x', 'function': enable})


def without_a_module(config):
    """Keras would take it for a model of Keras 2, whose reader has no safe mode."""
    del layer(config)['module']


EDITS = {
    'CVE-2025-1550, any function': (
        lambda config: layer(config)['config'].update(activation=FUNCTION),
        'activation has a part of the unknown kind os.function',
    ),
    'CVE-2025-8747': (loads_unsafely, 'unknown kind keras.layers.Lambda'),
    'a class of a module': (
        lambda config: layer(config).update(module='subprocess', class_name='Popen'),
        'unknown kind subprocess.Popen',
    ),
    'a registered class': (
        lambda config: layer(config).update(registered_name='evil>Dense'),
        "registered part 'evil>Dense'",
    ),
    'a registered model': (
        lambda config: config.update(registered_name='evil>Model'),
        "registered model 'evil>Model'",
    ),
    'a layer that reads a file': (
        lambda config: layer(config).update(class_name='TFSMLayer'),
        'unknown kind keras.layers.TFSMLayer',
    ),
    'a model in a model': (
        lambda config: config['config']['layers'].append({**config, 'config': {}}),
        'unknown kind keras.src.models.functional.Functional',
    ),
    'no module': (without_a_module, 'unknown kind None.Dense'),
    'another model': (lambda config: config.update(class_name='Sequential'), 'no functional model'),
    'no model': (lambda config: [config], 'no functional model'),
    'no layers': (lambda config: config.update(config={}), 'describes no layers'),
    'a lambda': (
        lambda config: layer(config)['config'].update(
            kernel_initializer={'class_name': '__lambda__', 'config': {'value': 'x'}}
        ),
        'unknown kind None.__lambda__',
    ),
    'an unknown activation': (
        lambda config: layer(config)['config'].update(activation='evil>f'),
        "unknown activation 'evil>f'",
    ),
    'a layer that fills the memory': (
        lambda config: layer(config)['config'].update(units=10**9),
        'model.weights.h5 must have',
    ),
    'a build that fills the memory': (
        lambda config: layer(config)['build_config'].update(input_shape=[None, 10**9]),
        'model.weights.h5 must have',
    ),
    'a negative size': (
        lambda config: layer(config)['config'].update(units=-(10**9)),
        'has a Dense of no size',
    ),
    'a number of many digits': (
        lambda config: layer(config)['config'].update(units=10**30),
        'has the number 1000000000000000000000000000000 as units',
    ),
    'no size': (lambda config: layer(config)['config'].pop('units') and None, 'units'),
}


@pytest.mark.parametrize('edit, message', EDITS.values(), ids=EDITS)
def test_a_foreign_network_is_refused(saved, edit, message):
    change(saved, edit)
    assert message in refusal_of(saved)
    assert message in refusal_of(saved, saved_policy.load)


def test_a_lambda_layer_is_refused_before_keras_sees_it(saved, monkeypatch):
    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(lambda x: x * 2)(inputs)
    keras.Model(inputs, (outputs, outputs)).save(saved / 'model.keras')
    monkeypatch.setattr(keras.saving, 'load_model', lambda *_, **__: pytest.fail('loaded'))
    assert 'unknown kind keras.layers.Lambda' in refusal_of(saved, saved_policy.load)


# ---- the weights ---------------------------------------------------------------------------


def test_weights_that_are_promised_but_not_there_are_refused(saved):
    """HDF5 fills up what was never written: a small file that becomes gigabytes when it is read."""
    entries = entries_of(saved / 'model.keras')
    buffer = io.BytesIO(entries['model.weights.h5'])
    with h5py.File(buffer, 'a') as file:
        file.create_dataset('bomb', (10**9,), 'float32', chunks=(10**6,), compression='gzip')
    write(saved, {**entries, 'model.weights.h5': buffer.getvalue()})
    assert 'promises 4,000' in refusal_of(saved)


def test_weights_in_other_files_are_not_followed(saved, tmp_path):
    entries = entries_of(saved / 'model.keras')
    buffer = io.BytesIO(entries['model.weights.h5'])
    with h5py.File(buffer, 'a') as file:
        for name in list(file['layers']):
            del file['layers'][name]
            file['layers'][name] = h5py.ExternalLink('/etc/passwd', '/')
    write(saved, {**entries, 'model.weights.h5': buffer.getvalue()})
    refusal_of(saved, saved_policy.load)


def test_weights_in_another_file_are_refused(saved):
    """CVE-2026-1669: the file would be read as if it were weights."""
    entries = entries_of(saved / 'model.keras')
    buffer = io.BytesIO(entries['model.weights.h5'])
    with h5py.File(buffer, 'a') as file:
        file.create_dataset('x', (4,), 'uint8', external=[('/etc/passwd', 0, 4)])
    write(saved, {**entries, 'model.weights.h5': buffer.getvalue()})
    assert 'wants numbers of other files' in refusal_of(saved)


def test_weights_of_another_network_are_refused(saved, tmp_path):
    other = tmp_path / 'other'
    saved_policy.save(str(other), build(lstm_units=8), ENV_CONFIG)
    weights = entries_of(other / 'model.keras')['model.weights.h5']
    write(saved, {**entries_of(saved / 'model.keras'), 'model.weights.h5': weights})
    refusal_of(saved, saved_policy.load)


# ---- the recipe ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    'edit, message',
    [
        ({'format': None}, 'is of format None'),
        ({'format': 99}, 'is of format 99; this version reads 1 to 1'),
        ({'format': True}, 'is of format True'),
        ({'format': 1.0}, 'is of format 1.0'),
        ({'environment': None}, 'has no options of EnvConfig'),
        ({'environment': ['game']}, 'has no options of EnvConfig'),
        ({'environment': {'game': 'CartPole-v1'}}, 'lacks the options: action_repeat'),
        ({'more': {'a': 1}}, 'has more than names and values'),
        ({'more': [1]}, 'has more than names and values'),
    ],
    ids=str,
)
def test_a_foreign_recipe_is_refused(saved, edit, message):
    path = saved / 'recipe.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    assert message in refusal_of(saved, model_checks.read_recipe)


OPTIONS = [
    ({'cheat': 1}, 'has unknown options: cheat'),
    ({'game': 3}, '--game cannot be 3'),
    ({'game': None}, '--game cannot be None'),
    ({'game': 'x' * 5000}, '--game cannot be'),
    ({'levels': 'abc'}, "--levels cannot be 'abc'"),
    ({'levels': [['a']]}, '--levels cannot be'),
    ({'levels': ['']}, '--levels must not have an empty name'),
    ({'action_repeat': '4'}, "--action_repeat cannot be '4'"),
    ({'action_repeat': 0}, '--action_repeat must be at least 1'),
    ({'action_repeat': True}, '--action_repeat cannot be True'),
    ({'action_repeat': 4.0}, '--action_repeat cannot be 4.0'),
    ({'action_repeat': 10**9}, '--action_repeat must be at most 1000'),
    ({'screen_size': 10**9}, '--screen_size must be at most 1024'),
    ({'frame_stack': 10**9}, '--frame_stack must be at most 64'),
    ({'noop_max': 10**30}, '--noop_max cannot be'),
    ({'max_pool': 1}, '--max_pool cannot be 1'),
    ({'crop': [1, 2]}, '--crop must be four numbers'),
    ({'crop': {'top': 1}}, '--crop cannot be'),
    ({'reward_scale': 10**400}, '--reward_scale cannot be'),
    ({'reward_transform': 'exec'}, '--reward_transform must be one of'),
    ({'reward_transform': []}, '--reward_transform must be one of'),
]


@pytest.mark.parametrize('options, message', OPTIONS, ids=lambda value: str(value)[:30])
def test_a_foreign_option_is_refused(saved, options, message):
    path = saved / 'recipe.json'
    recipe = json.loads(path.read_text())
    recipe['environment'].update(options)
    path.write_text(json.dumps(recipe))
    assert message in refusal_of(saved, model_checks.read_recipe)


@pytest.mark.parametrize(
    'options, message',
    [
        ({'game': 'os:system-v0'}, "unknown game 'os:system-v0'"),
        ({'game': '../../etc'}, "unknown game '../../etc'"),
        ({'game': 'Cart\0Pole'}, r"unknown game 'Cart\x00Pole'"),
        ({'game': 'Airstriker-Genesis', 'levels': ('../../x',)}, "has no level '../../x'"),
        ({'game': 'Airstriker-Genesis', 'levels': ('/etc/passwd',)}, 'has no level'),
        ({'game': 'Airstriker-Genesis', 'actions': '../x'}, "has no action set '../x'"),
        ({'reward': '../x'}, "has no reward '../x'"),
    ],
    ids=str,
)
def test_names_of_a_recipe_are_names_and_no_paths_or_modules(options, message):
    with pytest.raises(UsageError) as refusal:
        model_checks.to_play(EnvConfig(**{'game': 'CartPole-v1', **options}))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    'content',
    [b'{"format": NaN}', b'[' * 99_999, b'{"format": ' + b'9' * 9999, b'\xff\xfe{', b' ' * 2**21],
    ids=['NaN', 'deep', 'digits', 'encoding', 'large'],
)
def test_what_is_no_sound_json_is_refused(saved, content):
    (saved / 'recipe.json').write_bytes(content)
    assert 'recipe.json: is' in refusal_of(saved, model_checks.read_recipe)
