"""Flags of the game and the run that all trainings share, with presets and resuming."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from absl import flags

from agents.configs import presets
from agents.configs.run import RunConfig
from agents.storage import run_directory
from envs.backends import registry
from envs.config import EnvConfig
from launch.common import config_flags

_env_flags = config_flags.define(EnvConfig)
_run_flags = config_flags.define(RunConfig)
_PRESET = flags.DEFINE_string(
    'preset',
    'auto',
    'Settings for the flags that are not given; auto chooses by the game. One of auto, '
    f'{", ".join(presets.PRESETS)}.',
)


class Settings(NamedTuple):
    """The configuration of a training, with every default and preset filled in."""

    config: Any  # Of the algorithm
    env_config: EnvConfig
    run_config: RunConfig
    origins: dict[str, str]  # Of every field: `flag`, `default`, or what filled it.
    resumed: Mapping[str, Any] | None  # The `config.json` of the run to resume, which was checked


def resolve(agent_flags: config_flags.ConfigFlags[Any]) -> Settings:
    """The configuration made from the flags, the preset and the run to resume.

    Raises:
        UsageError: The training cannot run or cannot be written, as far as can be known by now.
    """
    asked = _run_flags()
    preset: Mapping[str, Any]
    resumed = None
    if asked.resume:
        resumed = run_directory.read_config(asked.run_dir)
        filler, preset = 'the resumed run', run_directory.settings(resumed)
    else:
        spec = registry.find(flags.FLAGS.game)
        filler = f'preset {presets.name_of(_PRESET.value, spec)}'
        preset = presets.for_game(_PRESET.value, spec, agent_flags.algorithm)
    config, env_config, run_config = agent_flags(preset), _env_flags(preset), _run_flags(preset)
    spec = registry.find(env_config.game)  # On resuming, the game of the resumed run.
    env_config = spec.spelled_out(env_config)
    spec.check(env_config)
    run_dir = run_config.run_dir or run_directory.default_path(config.algorithm, env_config.game)
    run_directory.check(run_dir, run_config.resume)
    if resumed:
        run_directory.check_unchanged(resumed, {'agent': config, 'environment': env_config})
    run_config = dataclasses.replace(run_config, run_dir=run_dir)
    origins: dict[str, str] = {}
    for group in (agent_flags, _env_flags, _run_flags):
        origins.update(group.origins(preset))
    named = {name: filler if o == 'preset' else o for name, o in origins.items()}
    return Settings(config, env_config, run_config, named, resumed)
