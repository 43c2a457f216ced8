"""Train an agent with DQN on any game with a single choice per action."""

from agents.configs.off_policy import DQNConfig
from launch.common import config_flags, script, training

_dqn_flags = config_flags.define(DQNConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_dqn_flags)
    import agents.tfa  # noqa: F401, I001  Before TensorFlow, for TF-Agents' sake.
    from agents import quiet_tensorflow  # noqa: F401  Workers start without TensorFlow.
    from agents.tfa import dqn

    script.exit_if_stopped(dqn.train(*settings))


if __name__ == '__main__':
    script.start(main)
