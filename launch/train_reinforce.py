"""Train an agent with REINFORCE on any game with a single choice per action."""

from agents import quiet_tensorflow
from agents.configs.reinforce import ReinforceConfig
from launch.common import config_flags, script, training

_reinforce_flags = config_flags.define(ReinforceConfig)


def main() -> None:
    """Trains as the flags say."""
    settings = training.resolve(_reinforce_flags)
    quiet_tensorflow.load(tf_agents=True)
    from agents.runs.train import train
    from agents.tfa.reinforce import Reinforce

    script.exit_if_stopped(train(Reinforce, *settings))


if __name__ == '__main__':
    script.start(main)
