"""Makes agents of every algorithm for tests, and closes them."""

import contextlib
import dataclasses
import threading

from agents.actor_critic.a2c import A2C
from agents.actor_critic.a3c import A3C
from agents.configs.actor_critic import A2CConfig, A3CConfig
from envs.make import make_vec_env
from tests.helpers.games import CART_POLE


def class_for(config):
    """The class of agents that a configuration is for; TF-Agents is loaded only where needed."""
    if type(config) in (A2CConfig, A3CConfig):
        return A2C if type(config) is A2CConfig else A3C
    from agents.tfa import ddpg, dqn, reinforce, td3

    classes = {'ddpg': ddpg.DDPG, 'td3': td3.TD3, 'dqn': dqn.DQN, 'reinforce': reinforce.Reinforce}
    return classes[config.algorithm]


@contextlib.contextmanager
def agents():
    """Gives a function that makes agents, which are closed at the end.

    Its arguments are a configuration, the game if it is not CartPole, the maker of environments if
    these are no games, and the fields of the configuration that differ, by name.
    """
    with contextlib.ExitStack() as stack:

        def make(config, env_config=CART_POLE, make_envs=make_vec_env, **changes):
            config = dataclasses.replace(config, **changes)
            agent = class_for(config)(config, env_config, make_envs)
            stack.callback(agent.close)
            return agent

        yield make
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('worker-')]
