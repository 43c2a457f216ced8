"""Ordinary absl flags from a frozen configuration, one flag per field."""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

flags.disclaim_key_flags()  # `--help` lists them under the launch script.

_PARSERS: dict[type, Callable[[], flags.ArgumentParser[Any]]] = {
    int: flags.IntegerParser,
    float: flags.FloatParser,
    str: flags.ArgumentParser,
}
Builder = Callable[..., Any]


class _TupleParser(flags.ArgumentParser[Any]):
    """Parses `32,64` into a tuple of a scalar type; an empty argument is an empty tuple."""

    def __init__(self, scalar: flags.ArgumentParser[Any]) -> None:
        self._scalar, self.syntactic_help = scalar, 'comma-separated'

    def parse(self, argument: Any) -> tuple[Any, ...]:
        items = argument.split(',') if isinstance(argument, str) else argument
        return tuple(self._scalar.parse(item) for item in items if item != '')


def define(config_class: type, flag_values: flags.FlagValues = flags.FLAGS) -> Builder:
    """Defines a flag per field.

    Returns:
        A function that builds the configuration from the flags; a mapping given to it (a preset)
        fills the fields that the command line leaves open.
    """
    hints = typing.get_type_hints(config_class)
    fields = dataclasses.fields(config_class)
    for field in fields:
        _define_one(
            field.name, hints[field.name], field.default, field.metadata['help'], flag_values
        )

    def build(preset: Mapping[str, Any] | None = None) -> Any:
        preset = preset or {}
        values = {}
        for field in fields:
            flag = flag_values[field.name]
            use_preset = field.name in preset and not flag.present
            values[field.name] = preset[field.name] if use_preset else flag.value
        return config_class(**values)

    return build


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
