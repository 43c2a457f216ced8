"""Train an agent with REINFORCE on any game with a single choice per action."""

from agents.configs.reinforce import ReinforceConfig
from launch.common import config_flags, script, training

_reinforce_flags = config_flags.define(ReinforceConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_reinforce_flags)
    import agents.tfa  # noqa: F401, I001  Before TensorFlow, for TF-Agents' sake.
    from agents import quiet_tensorflow  # noqa: F401  Workers start without TensorFlow.
    from agents.tfa import reinforce

    script.exit_if_stopped(reinforce.train(*settings))


if __name__ == '__main__':
    script.start(main)
