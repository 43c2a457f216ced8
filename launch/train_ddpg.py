"""Train an agent with DDPG on a game whose actions are real numbers."""

from absl import flags

from agents.configs.off_policy import DDPGConfig
from launch.common import config_flags, script, training

flags.FLAGS.set_default('game', 'Pendulum-v1')
_ddpg_flags = config_flags.define(DDPGConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_ddpg_flags)
    import agents.tfa  # noqa: F401, I001  Before TensorFlow, for TF-Agents' sake.
    from agents import quiet_tensorflow  # noqa: F401  Workers start without TensorFlow.
    from agents.tfa import ddpg

    script.exit_if_stopped(ddpg.train(*settings))


if __name__ == '__main__':
    script.start(main)
