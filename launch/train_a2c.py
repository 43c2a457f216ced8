"""Train an agent with A2C on any game."""

from agents.configs.actor_critic import A2CConfig
from launch.common import config_flags, script, training

_a2c_flags = config_flags.define(A2CConfig)


def train() -> str:
    """Trains as the flags say, and returns the directory of the run."""
    settings = training.resolve(_a2c_flags)
    from agents import quiet_tensorflow  # noqa: F401, I001  Workers start without TensorFlow.
    from agents.actor_critic import a2c

    script.exit_if_stopped(a2c.train(*settings))
    return settings.run_config.run_dir


def main() -> None:
    """Trains as the flags say."""
    train()


if __name__ == '__main__':
    script.start(main)
