"""Train an agent with DQN on any game with a single choice per action."""

from agents import quiet_tensorflow
from agents.configs.off_policy import DQNConfig
from launch.common import config_flags, script, training

_dqn_flags = config_flags.define(DQNConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_dqn_flags)
    quiet_tensorflow.load(tf_agents=True)
    from agents.runs.train import train
    from agents.tfa.dqn import DQN

    script.exit_if_stopped(train(DQN, *settings))


if __name__ == '__main__':
    script.start(main)
