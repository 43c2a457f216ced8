"""Train an agent with TD3 on a game whose actions are real numbers."""

from absl import flags

from agents.configs.off_policy import TD3Config
from launch.common import config_flags, script, training

flags.FLAGS.set_default('game', 'Pendulum-v1')
_td3_flags = config_flags.define(TD3Config)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_td3_flags)
    import agents.tfa  # noqa: F401, I001  Before TensorFlow, for TF-Agents' sake.
    from agents import quiet_tensorflow  # noqa: F401  Workers start without TensorFlow.
    from agents.tfa import td3

    script.exit_if_stopped(td3.train(*settings))


if __name__ == '__main__':
    script.start(main)
