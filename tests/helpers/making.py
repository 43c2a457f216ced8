"""Makes agents for tests, and closes them."""

import contextlib

from agents.actor_critic.a2c import A2C
from agents.actor_critic.a3c import A3C
from agents.configs.actor_critic import A2CConfig


@contextlib.contextmanager
def agents(env_config):
    """Within it, a function from a configuration of A2C or A3C, and perhaps of a game, to agents.

    They are closed at the end.
    """
    with contextlib.ExitStack() as stack:

        def make(config, env_config=env_config, **options):
            agent_class = A2C if isinstance(config, A2CConfig) else A3C
            agent = agent_class(config, env_config, **options)
            stack.callback(agent.close)
            return agent

        yield make
