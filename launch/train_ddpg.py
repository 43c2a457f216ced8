"""Train an agent with DDPG on a game whose actions are real numbers."""

from absl import flags

from agents import quiet_tensorflow
from agents.configs.off_policy import DDPGConfig
from launch.common import config_flags, script, training

flags.FLAGS.set_default('game', 'Pendulum-v1')
_ddpg_flags = config_flags.define(DDPGConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_ddpg_flags)
    quiet_tensorflow.load(tf_agents=True)
    from agents.runs.train import train
    from agents.tfa.ddpg import DDPG

    script.exit_if_stopped(train(DDPG, *settings))


if __name__ == '__main__':
    script.start(main)
