"""Fields of a configuration: defaults with help, type checks, and errors of one line."""

import dataclasses
import math
import typing
from typing import Any, Literal, TypeVar

from envs.errors import UsageError

_MOST_INT, _MOST_CHARACTERS = 2**53, 4096  # Limits of integers in JSON, and of paths.

Config = TypeVar('Config')


def hparam(default: Any, help_text: str) -> Any:
    """Makes a field of a configuration from its default and the text that `--help` prints."""
    return dataclasses.field(default=default, metadata={'help': help_text})


def require(condition: bool, message: str) -> None:
    """Raises `UsageError(message)` unless the condition holds."""
    if not condition:
        raise UsageError(message)


def require_types(config: Any) -> None:
    """Refuses a value of the wrong type, a float that is not finite, or a wrong literal.

    Dataclasses do not check their values, and these come from command lines and files.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if typing.get_origin(hint) is Literal:
            known = typing.get_args(hint)
            require(value in known, f'--{name} must be one of {", ".join(known)}, not {value!r}')
        else:
            require(_fits(value, hint), f'--{name} cannot be {value!r}')


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_fits(v, item) for v in value)
    if hint is float:
        return _fits(value, int) or (isinstance(value, float) and math.isfinite(value))
    if hint is int and isinstance(value, int) and abs(value) > _MOST_INT:
        return False
    if hint is str and isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        return False
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def from_options(config_class: type[Config], options: Any) -> Config:
    """Builds the configuration that a JSON object describes, field by field.

    Raises:
        UsageError: A field is missing or unknown, or has a value that it cannot have.
    """
    require(isinstance(options, dict), f'has no options of {config_class.__name__}')
    fields = {field.name for field in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    unknown, missing = sorted(set(options) - fields), sorted(fields - set(options))
    require(not unknown, f'has unknown options: {", ".join(unknown)}')
    require(not missing, f'lacks the options: {", ".join(missing)}')
    values = {  # JSON has no tuples.
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return config_class(**values)


def require_positive(config: object, names: tuple[str, ...]) -> None:
    """Refuses a field of these names that is 0 or less."""
    for name in names:
        value = getattr(config, name)
        require(value > 0, f'--{name} must be positive, not {value}')


def require_not_negative(config: object, names: tuple[str, ...]) -> None:
    """Refuses a field of these names that is less than 0."""
    for name in names:
        value = getattr(config, name)
        require(value >= 0, f'--{name} must be 0 or more, not {value}')


def require_fractions(config: object, names: tuple[str, ...]) -> None:
    """Refuses a field of these names that is not in [0, 1]."""
    for name in names:
        value = getattr(config, name)
        require(0.0 <= value <= 1.0, f'--{name} must be in [0, 1], not {value}')
