"""Formats of `recipe.json` and `config.json`: what older versions wrote is made what this one reads.

When the code changes:
- A new option: a line in `_ADDED` says what files without it mean, which is how it was before.
- An option that is renamed, removed or means something else, or another layout: a format more, and
  a step from the one before, which takes the content of the file and returns the new one.
Then make the fixture of the new version: tests/fixtures/README.md tells how.
"""

from collections.abc import Callable, Mapping
from typing import Any

from envs.errors import UsageError

RECIPE_FORMAT = 1
CONFIG_FORMAT = 2

Content = dict[str, Any]

# Options that the first version did not have, and what it did.
_ADDED = {
    'environment': {'crop': [], 'envs_per_process': 0, 'reward': 'default'},
    'agent': {},
    'run': {'checkpoint_minutes': 10.0},  # It was 0, but changes nothing that is learned.
}


def recipe(content: Any) -> Content:
    """The content of a `recipe.json` as this version writes it.

    Raises:
        UsageError: It is none, or of a newer version.
    """
    return _complete(_upgraded(content, RECIPE_FORMAT, _RECIPE_STEPS, None))


def config(content: Any) -> Content:
    """The content of a `config.json` as this version writes it.

    Raises:
        UsageError: It is none, of a newer version, or of one whose runs cannot be continued.
    """
    return _complete(_upgraded(content, CONFIG_FORMAT, _CONFIG_STEPS, 1))


def _refuse_first_config(content: Content) -> Content:
    """Its checkpoints hold other states of games, and its tables lack columns."""
    if not isinstance(content.get('environment'), dict):
        raise UsageError('is damaged: it has no environment')
    raise UsageError(
        'was made by an older version, whose checkpoints cannot be continued; its models can still '
        'be evaluated'
    )


_RECIPE_STEPS: dict[int, Callable[[Content], Content]] = {}
_CONFIG_STEPS = {1: _refuse_first_config}


def _upgraded(
    content: Any,
    newest: int,
    steps: Mapping[int, Callable[[Content], Content]],
    without: int | None,
) -> Content:
    """Step by step up to the newest format; a file that names none is of format `without`."""
    if not isinstance(content, dict):
        raise UsageError('is damaged: it holds no table of names and values')
    version = content.get('format', without)
    if type(version) is not int or not 1 <= version <= newest:
        raise UsageError(f'is of format {version!r}; this version reads 1 to {newest}')
    for number in range(version, newest):
        content = {**steps[number](content), 'format': number + 1}
    return content


def _complete(content: Content) -> Content:
    added = {
        group: {**options, **content[group]}
        for group, options in _ADDED.items()
        if isinstance(content.get(group), dict)
    }
    return {**content, **added}
