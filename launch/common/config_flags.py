"""Ordinary absl flags from a frozen configuration, one flag per field."""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from absl import flags

flags.disclaim_key_flags()  # They belong to the script that asks for them.

_PARSERS: dict[type, Callable[[], flags.ArgumentParser[Any]]] = {
    int: flags.IntegerParser,
    float: flags.FloatParser,
    str: flags.ArgumentParser,
}
Config = TypeVar('Config')

# Old names of flags, which are refused, and the present ones. A run that was started with an old
# name resumes all the same: `agents.storage.migrations` renames the option in its config.json.
RENAMED = {'soft_update': 'tau'}


class _TupleParser(flags.ArgumentParser[Any]):
    """Parses `32,64` into a tuple of a scalar type; an empty argument is an empty tuple."""

    def __init__(self, scalar: flags.ArgumentParser[Any]) -> None:
        self._scalar, self.syntactic_help = scalar, 'comma-separated'

    def parse(self, argument: Any) -> tuple[Any, ...]:
        items = argument.split(',') if isinstance(argument, str) else argument
        return tuple(self._scalar.parse(item) for item in items if item != '')


class ConfigFlags(Generic[Config]):
    """Flags of a configuration class; calling this object builds the configuration.

    Attributes:
        topics: Titles and names of flags for `--help`. There is one topic for the configuration's
            class and one for each class that it inherits from: the title is the first line of the
            docstring, and the flags are those that this class was the last to define.
        names: Names of the flags, in the order of the fields.
        algorithm: Name of the algorithm that has these hyperparameters; empty if none has.
    """

    def __init__(self, config_class: type[Config], flag_values: flags.FlagValues) -> None:
        self._config_class, self._flag_values = config_class, flag_values
        self.algorithm: str = getattr(config_class, 'algorithm', '')
        self.topics = _topics(config_class)
        hints = typing.get_type_hints(config_class)
        fields = dataclasses.fields(config_class)  # type: ignore[arg-type]
        self.names = tuple(field.name for field in fields)
        for field in fields:
            _define_one(
                field.name, hints[field.name], field.default, field.metadata['help'], flag_values
            )

    def __call__(self, preset: Mapping[str, Any] | None = None) -> Config:
        """The configuration; the preset fills the fields that the command line leaves open."""
        origins, preset = self.origins(preset), preset or {}
        return self._config_class(
            **{
                name: preset[name] if origins[name] == 'preset' else self._flag_values[name].value
                for name in self.names
            }
        )

    def origins(self, preset: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Origin of the value of every field: `flag`, `preset` or `default`."""
        rest = dict.fromkeys(preset or (), 'preset')
        return {
            name: 'flag' if self._flag_values[name].present else rest.get(name, 'default')
            for name in self.names
        }


def present_name(name: str, flag_values: flags.FlagValues = flags.FLAGS) -> str:
    """Returns the name that a renamed flag has in this script now; '' if there is none."""
    now = RENAMED.get(name, '')
    return now if now in flag_values else ''


# Every configuration whose flags are on the command line, for `--help`.
defined: list[ConfigFlags[Any]] = []


def define(
    config_class: type[Config], flag_values: flags.FlagValues = flags.FLAGS
) -> ConfigFlags[Config]:
    """Defines a flag per field."""
    config_flags = ConfigFlags(config_class, flag_values)
    if flag_values is flags.FLAGS:
        defined.append(config_flags)
    return config_flags


def _topics(config_class: type) -> list[tuple[str, list[str]]]:
    names: dict[str, type] = {}
    for one in reversed(config_class.__mro__):
        names.update(dict.fromkeys(vars(one).get('__annotations__', ()), one))
    return [
        ((one.__doc__ or '').split('\n')[0], [name for name in names if names[name] is one])
        for one in reversed(config_class.__mro__)
        if one in names.values()
    ]


def _define_one(
    name: str, hint: Any, default: Any, help_text: str, flag_values: flags.FlagValues
) -> None:
    kind, members = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind is bool:
        flags.DEFINE_boolean(name, default, help_text, flag_values)
    elif kind is typing.Literal:
        flags.DEFINE_enum(name, default, members, help_text, flag_values)
    elif kind is tuple:
        items = _TupleParser(_PARSERS[members[0]]())
        serializer = flags.CsvListSerializer(',')
        flags.DEFINE(items, name, default, help_text, flag_values, serializer)
    else:
        parser = _PARSERS[kind]()
        flags.DEFINE(parser, name, default, help_text, flag_values, flags.ArgumentSerializer())
