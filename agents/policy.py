"""A policy to load: the Keras model, and beside it the recipe of its environment.

DIR/model.keras   the network, built-in layers only: loads in Keras' safe mode
DIR/recipe.json   everything that builds its environment again, and where it comes from
"""

import dataclasses
import json
import os
from typing import Any, NamedTuple

import keras

from envs.config import EnvConfig
from envs.errors import UsageError

FORMAT_VERSION = 1
_ENDS = ((1, 2), (3, 4), (5, 4))  # Numbers of inputs and outputs: `networks` tells which.


class Policy(NamedTuple):
    """A network and the environment it was trained in."""

    network: keras.Model
    env_config: EnvConfig
    recipe: dict[str, Any]


def save(
    directory: str, network: keras.Model, env_config: EnvConfig, **about: str | int | float
) -> None:
    """Writes model and recipe; each file is complete or absent."""
    os.makedirs(directory, exist_ok=True)
    partial = os.path.join(directory, 'partial.keras')
    network.save(partial)
    os.replace(partial, os.path.join(directory, 'model.keras'))
    recipe = {'format': FORMAT_VERSION, **about, 'environment': dataclasses.asdict(env_config)}
    partial = os.path.join(directory, 'recipe.json.partial')
    with open(partial, 'w') as file:
        json.dump(recipe, file, indent=2)
    os.replace(partial, os.path.join(directory, 'recipe.json'))


def load(directory: str) -> Policy:
    """Reads what `save` wrote, without executing anything of it.

    Raises:
        UsageError: There is no policy, or it is not one of this format.
    """
    path = os.path.join(directory, 'recipe.json')
    try:
        with open(path) as file:
            recipe = json.load(file)
        env_config = _env_config(recipe)
        model = os.path.join(directory, 'model.keras')
        network = keras.saving.load_model(model, compile=False, safe_mode=True)
        if (len(network.inputs), len(network.outputs)) not in _ENDS:
            raise ValueError('a policy maps observations, and a memory, to (logits, values)')
    except FileNotFoundError as error:
        raise UsageError(f'no model in {directory}: {error.filename or error} is missing') from None
    except UsageError:
        raise
    except Exception as error:  # Keras raises whatever its archive reader does.
        reason = (str(error).strip() or type(error).__name__).split('\n')[0]
        raise UsageError(f'{directory} does not hold a model that can be read: {reason}') from None
    return Policy(network, env_config, recipe)


def _env_config(recipe: Any) -> EnvConfig:
    """The environment's configuration in a recipe, field by field."""
    version = recipe.get('format') if isinstance(recipe, dict) else None
    if version != FORMAT_VERSION:
        raise UsageError(f'recipe of format {version!r}; this version reads {FORMAT_VERSION}')
    fields = {field.name for field in dataclasses.fields(EnvConfig)}
    options = recipe['environment']
    if unknown := set(options) - fields:
        raise UsageError(f'recipe has unknown options: {", ".join(sorted(unknown))}')
    values: dict[str, Any] = {  # JSON knows no tuples.
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return EnvConfig(**values)
