"""Checks of the files of a model, made before Keras and TensorFlow see any of them.

People pass models on to others. Loading one must not run any code that comes with it, nor fill the
memory of the machine. So everything that a file may hold is listed here, and the rest is refused.
"""

import dataclasses
import io
import math
import os
import zipfile
from typing import Any

from agents.configs import policy_kinds
from agents.storage import migrations
from envs import files
from envs.backends import registry
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.fields import from_options

_JSON_BYTES = 2**20
_MODEL_BYTES = 2**30
# Files in model.keras, which is a zip archive.
_ENTRIES = {'metadata.json', 'config.json', 'model.weights.h5'}
# Largest number in the description of a network; Keras identifies objects by their addresses.
_MOST_NUMBER = 2**63
_NETWORK = ('keras.src.models.functional', 'Functional')
# Module and class of everything that `networks` builds with, and of how Keras describes tensors.
_PARTS = {
    (None, '__keras_tensor__'),
    ('keras', 'DTypePolicy'),
    *(
        ('keras.initializers', name)
        for name in ('Constant', 'Ones', 'Orthogonal', 'RandomUniform', 'Zeros')
    ),
    *(
        ('keras.layers', name)
        for name in (
            'Activation', 'Add', 'BatchNormalization', 'Concatenate', 'Conv2D', 'Dense', 'ELU',
            'Flatten', 'GlobalMaxPooling1D', 'InputLayer', 'LSTMCell', 'MaxPooling2D', 'ReLU',
            'Rescaling', 'Reshape',
        )
    ),
}  # fmt: skip
# Integers that the recipe of a policy of this kind must have.
_NUMBERS_OF = {policy_kinds.STATE_DEPENDENT_EXPLORATION: ('num_features', 'noise_period')}
MAX_WIDTH = 2**24  # Numbers that one layer makes of one observation
_ACTIVATIONS = (None, 'linear', 'relu', 'elu', 'tanh', 'hard_tanh', 'sigmoid')


def read_recipe(directory: str) -> tuple[EnvConfig, dict[str, Any]]:
    """Reads the environment of a model, and its whole recipe.

    Raises:
        UsageError: There is no recipe, or this version does not know one of its fields.
    """
    path = os.path.join(directory, 'recipe.json')
    try:
        recipe = migrations.recipe(files.read_json(path, _JSON_BYTES))
        about = [recipe[name] for name in recipe if name != 'environment']
        if not all(isinstance(value, (str, int, float)) for value in about):
            raise UsageError('has more than names and values around its environment')
        if recipe.get('policy', '') not in policy_kinds.ALL:
            raise UsageError(f'has the unknown policy {recipe["policy"]!r}')
        for name in _NUMBERS_OF.get(recipe.get('policy', ''), ()):
            number = recipe.get(name)
            if type(number) is not int or not 1 <= number <= MAX_WIDTH:
                raise UsageError(f'has {name} = {number!r}')
        return from_options(EnvConfig, recipe.get('environment')), recipe
    except UsageError as error:
        raise UsageError(f'{path}: {error}') from None


def to_play(env_config: EnvConfig, levels: tuple[str, ...] = ()) -> EnvConfig:
    """Returns the environment of a model for an evaluation, perhaps on other levels.

    Raises:
        UsageError: The environment cannot be made on this machine.
    """
    # The way in which the training used its machine does not matter here.
    changed = dataclasses.replace(
        env_config, levels=levels or env_config.levels, envs_per_process=0
    )
    spec = registry.find(changed.game)
    changed = spec.spelled_out(changed)
    spec.check(changed)
    return changed


def check_network(directory: str) -> None:
    """Raises `UsageError` unless `model.keras` holds a network of known layers only."""
    path = os.path.join(directory, 'model.keras')
    try:
        content = files.read(path, _MODEL_BYTES)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive.infolist())
            config = files.parse_json(archive.read('config.json'))
            weights = archive.read('model.weights.h5')
        _check_description(config)
        _check_weights(weights, _count_weights(config['config']['layers']))
    except UsageError as error:
        raise UsageError(f'{path}: {error}') from None
    except Exception as error:  # Archives can be damaged in many ways, and so can HDF5.
        reason = ' '.join((str(error) or type(error).__name__).split())
        raise UsageError(f'{path}: no model that can be read: {reason}') from None


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if sorted(names) != sorted(_ENTRIES):
        strange = sorted(set(names) ^ _ENTRIES) or names
        raise UsageError(f'must hold {", ".join(sorted(_ENTRIES))}, once each; look at {strange}')
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise UsageError(f'{entry.filename} is compressed, which Keras never does')
        if entry.filename != 'model.weights.h5' and entry.file_size > _JSON_BYTES:
            raise UsageError(f'{entry.filename} is too large')


def _check_description(config: Any) -> None:
    """Checks a network's `config.json`: it must describe one functional model of known layers."""
    if not isinstance(config, dict) or (config.get('module'), config.get('class_name')) != _NETWORK:
        raise UsageError('is no functional model of Keras')
    for name, value in config.items():
        if name == 'config':
            _check_part(value, 'config')
            if not isinstance(value, dict) or not isinstance(value.get('layers'), list):
                raise UsageError('describes no layers')
        elif name == 'registered_name' and value not in (None, 'Functional'):
            raise UsageError(f'is the registered model {value!r}')


def _check_part(part: Any, name: str) -> None:
    """Checks that classes and activations are known and numbers sensible, at any depth."""
    if isinstance(part, dict):
        module, class_name = part.get('module'), part.get('class_name')
        if 'class_name' in part and (module, class_name) not in _PARTS:
            raise UsageError(f'{name} has a part of the unknown kind {module}.{class_name}')
        if part.get('registered_name') is not None:
            raise UsageError(f'{name} has a registered part {part["registered_name"]!r}')
        for key, value in part.items():
            _check_part(value, key)
    elif isinstance(part, list):
        for value in part:
            _check_part(value, name)
    elif name.endswith('activation') and part not in _ACTIVATIONS:
        raise UsageError(f'has the unknown activation {part!r}')
    elif isinstance(part, (int, float)) and not abs(part) <= _MOST_NUMBER:
        raise UsageError(f'has the number {part!r} as {name}')


def _count_weights(layers: list[Any]) -> int:
    """Counts the weights that the layers will have, by their descriptions."""
    total = 0
    for layer in layers:
        config, kind = layer['config'], layer['class_name']
        if kind in ('Dense', 'Conv2D', 'LSTMCell'):
            size = config['filters' if kind == 'Conv2D' else 'units']
            area = config['kernel_size'] if kind == 'Conv2D' else [1, 1]
            fed = layer['build_config']['input_shape'][-1]
            if not all(type(number) is int and number > 0 for number in (size, fed, *area)):
                raise UsageError(f'has a {kind} of no size')
            inputs = math.prod(area) * fed + 1  # And a bias
            total += size * inputs if kind != 'LSTMCell' else 4 * size * (size + inputs)
        elif kind == 'BatchNormalization':
            size = layer['build_config']['input_shape'][-1]
            if config['axis'] != -1 or type(size) is not int or size <= 0:
                raise UsageError('has a BatchNormalization of no size')
            total += (2 + bool(config['center']) + bool(config['scale'])) * size
    return total


def _check_weights(content: bytes, wanted: int) -> None:
    """Checks that an HDF5 file really holds the arrays that it promises, and that the network has.

    Either of them could claim more numbers than the file has bytes for.
    """
    import h5py

    promised = 0

    def add(name: str, item: Any) -> None:
        nonlocal promised
        if isinstance(item, h5py.Dataset):
            promised += item.size * item.dtype.itemsize
            if item.external or item.is_virtual:
                raise UsageError('model.weights.h5 wants numbers of other files')

    with h5py.File(io.BytesIO(content), 'r') as file:
        file.visititems(add)
    for what, size in (('promises', promised), ('must have', 4 * wanted)):
        if size > len(content):
            raise UsageError(
                f'model.weights.h5 {what} {size:,} bytes of numbers and has {len(content):,}'
            )
