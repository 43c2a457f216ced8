"""Train an agent with TD3 on a game whose actions are real numbers."""

from absl import flags

from agents import quiet_tensorflow
from agents.configs.off_policy import TD3Config
from launch.common import config_flags, script, training

flags.FLAGS.set_default('game', 'Pendulum-v1')
_td3_flags = config_flags.define(TD3Config)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_td3_flags)
    quiet_tensorflow.load(tf_agents=True)
    from agents.runs.train import train
    from agents.tfa.td3 import TD3

    script.exit_if_stopped(train(TD3, *settings))


if __name__ == '__main__':
    script.start(main)
