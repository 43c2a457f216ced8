"""Train an agent with A3C on any game."""

from agents import quiet_tensorflow
from agents.configs.actor_critic import A3CConfig
from launch.common import config_flags, script, training

_a3c_flags = config_flags.define(A3CConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_a3c_flags)
    quiet_tensorflow.load()
    from agents.actor_critic.a3c import A3C
    from agents.runs.train import train

    script.exit_if_stopped(train(A3C, *settings))


if __name__ == '__main__':
    script.start(main)
