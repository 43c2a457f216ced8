"""Formats of saved files: how those of older versions become the present ones.

These are `recipe.json`, `config.json`, and the trees of training states and dumps: `checkpoints`.

When the code changes:
- A new option: a line in `_ADDED` says what files without it mean, which is how it was before.
- An option that is renamed, removed or means something else, or another layout: a format more, and
  a step from the one before, which takes the content of the file and returns the new one.
- A training state or dump with more, less or other entries: a format more, and a step to it.
Then make the fixture of the new version: tests/fixtures/README.md tells how.
"""

from collections.abc import Callable, Mapping
from typing import Any

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.network import NetworkConfig, without_effect
from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.configs.run import RunConfig
from agents.storage import old_states
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.fields import from_options, require

RECIPE_FORMAT = 1
CONFIG_FORMAT = 3
STATE_FORMAT = 2
DUMP_FORMAT = 2

_ALGORITHMS: tuple[Any, ...] = (
    A2CConfig,
    A3CConfig,
    DDPGConfig,
    TD3Config,
    DQNConfig,
    ReinforceConfig,
)
Content = dict[str, Any]


class UnknownFormatError(UsageError):
    """A file of a newer version, or of none."""


class TooOldError(UsageError):
    """A run whose checkpoints are of no use any more."""


# Options that the first version did not have, and what it did.
_ADDED: dict[str, dict[str, Any]] = {
    'environment': {
        'crop': [],
        'reward': 'default',
        'turbo_frames': 0,
        'game_variables': [],
        # Of the worker processes; these change nothing that is learned.
        'envs_per_process': 0,
        'hang_seconds': 60.0,
        'max_restarts': 100,
        'worker_memory_mb': 2000,
    },
    'agent': {  # Of A2C and A3C
        'hidden_units': [64, 64],
        'shared_torso': False,
        'initial_log_std': 0.0,
        'state_dependent_std': False,
        'state_dependent_exploration': False,
        'noise_period': 0,
        'bounded_means': False,
        'normalize_observations': False,
        'normalize_rewards': False,
    },
    'run': {
        'checkpoint_minutes': 10.0,  # It was 0, but changes nothing that is learned.
        'on_collapse': 'warn',
        'entropy_floor': 0.01,
        'rollback_lr_factor': 0.5,
    },
}


def recipe(content: Any) -> Content:
    """The content of a `recipe.json` as this version writes it.

    Raises:
        UsageError: It is none, or of a newer version.
    """
    return complete(_upgraded(content, RECIPE_FORMAT, _RECIPE_STEPS, None))


def config(content: Any) -> Content:
    """The content of a `config.json` as this version writes it, every option checked.

    Raises:
        UsageError: It is none, or of a newer version.
        TooOldError: The run cannot be continued.
    """
    content = complete(_upgraded(content, CONFIG_FORMAT, _CONFIG_STEPS, 1))
    algorithm = content.get('algorithm')
    known = {one.algorithm: one for one in _ALGORITHMS}
    require(algorithm in list(known), f'is of the unknown algorithm {algorithm!r}')
    classes = {'agent': known[algorithm], 'environment': EnvConfig, 'run': RunConfig}
    for name, config_class in classes.items():
        from_options(config_class, content.get(name))
    require(isinstance(content.get('sessions'), list), 'has no sessions')
    return content


def state(tree: Any) -> Content:
    """The training state of a run as this version saves it; one without a format is the first.

    The argument stays as it is.

    Raises:
        UnknownFormatError: It is of a newer version.
        LookupError, TypeError or ValueError: It is no training state.
    """
    return _upgraded(tree, STATE_FORMAT, _STATE_STEPS, 1)


def dump(tree: Any) -> Content:
    """The dump of a skipped update as this version writes it; one without a format is the first.

    Raises:
        UnknownFormatError: It is of a newer version.
        LookupError, TypeError or ValueError: It is no dump.
    """
    return _upgraded(tree, DUMP_FORMAT, _DUMP_STEPS, 1)


def _refuse_first_config(content: Content) -> Content:
    """Its checkpoints hold other states of games, and its tables lack columns."""
    if not isinstance(content.get('environment'), dict):
        raise UsageError('is damaged: it has no environment')
    raise TooOldError(
        'was made by an older version and cannot be continued, but its models can be evaluated'
    )


def _rename_soft_update(content: Content) -> Content:
    """`soft_update` of DDPG and TD3 is `tau`, as in the papers."""
    agent = content.get('agent')
    if not isinstance(agent, dict) or 'soft_update' not in agent:
        return content
    renamed = {'tau' if name == 'soft_update' else name: agent[name] for name in agent}
    return {**content, 'agent': renamed}


_RECIPE_STEPS: dict[int, Callable[[Content], Content]] = {}
_CONFIG_STEPS = {1: _refuse_first_config, 2: _rename_soft_update}
_STATE_STEPS = {1: old_states.state}
_DUMP_STEPS = {1: old_states.dump}


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
        raise UnknownFormatError(f'is of format {version!r}; this version reads 1 to {newest}')
    for number in range(version, newest):
        content = {**steps[number](content), 'format': number + 1}
    return content


def complete(content: Content) -> Content:
    """The content with options that older versions did not have, and what these did."""
    is_newer = content.get('algorithm', 'a2c') not in ('a2c', 'a3c')
    added = {
        group: {**options, **content[group]}
        for group, options in _ADDED.items()
        if isinstance(content.get(group), dict) and not (group == 'agent' and is_newer)
    }
    if 'agent' in added:
        # Older versions accepted options that do nothing.
        defaults = without_effect(NetworkConfig, added['agent'].get('network', '')).items()
        as_json = {name: list(v) if isinstance(v, tuple) else v for name, v in defaults}
        added['agent'] = {**added['agent'], **as_json}
    return {**content, **added}
