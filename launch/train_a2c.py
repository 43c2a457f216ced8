"""Train an agent with A2C on any game."""

from agents import quiet_tensorflow
from agents.configs.actor_critic import A2CConfig
from launch.common import config_flags, script, training

_a2c_flags = config_flags.define(A2CConfig)


def main() -> str:
    """Trains as the flags say; returns the directory of the run."""
    settings = training.resolve(_a2c_flags)
    quiet_tensorflow.load()
    from agents.actor_critic.a2c import A2C
    from agents.runs.train import train

    script.exit_if_stopped(train(A2C, *settings))
    return settings.run_config.run_dir


if __name__ == '__main__':
    script.start(main)
