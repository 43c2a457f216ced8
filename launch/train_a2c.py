"""Train an agent with A2C on any game."""

import dataclasses

from absl import flags

from agents import configs, presets, run_directory
from envs import games
from envs.config import EnvConfig
from launch import config_flags, script

_a2c_config = config_flags.define(configs.A2CConfig)
_env_config = config_flags.define(EnvConfig)
_run_config = config_flags.define(configs.RunConfig)
_PRESET = flags.DEFINE_string('preset', 'auto', f'One of auto, {", ".join(presets.PRESETS)}.')


def train() -> str:
    """Trains as the flags and the preset say; returns the run's directory, '' if interrupted."""
    preset = presets.for_game(_PRESET.value, flags.FLAGS.game)
    config, env_config, run_config = (
        build(preset) for build in (_a2c_config, _env_config, _run_config)
    )
    games.check(env_config)
    run_dir = run_config.run_dir or run_directory.default_path('a2c', env_config.game)
    run_directory.check(run_dir, run_config.resume)
    from agents import quiet_tensorflow  # noqa: F401, I001  Workers start without TensorFlow.
    from agents import a2c

    finished = a2c.train(config, env_config, dataclasses.replace(run_config, run_dir=run_dir))
    return run_dir if finished else ''


def main() -> None:
    """Trains."""
    train()


if __name__ == '__main__':
    script.start(main)
