"""Train an agent with A3C on any game."""

from agents.configs.actor_critic import A3CConfig
from launch.common import config_flags, script, training

_a3c_flags = config_flags.define(A3CConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_a3c_flags)
    from agents import quiet_tensorflow  # noqa: F401, I001  Workers start without TensorFlow.
    from agents.actor_critic import a3c

    script.exit_if_stopped(a3c.train(*settings))


if __name__ == '__main__':
    script.start(main)
