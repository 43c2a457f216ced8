"""The training loop, one for all algorithms."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from agents.agent import Agent, AgentConfig
from agents.configs.run import RunConfig
from agents.runs import opening
from envs.config import EnvConfig


def train(
    agent_class: type[Agent],
    config: AgentConfig,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
    resumed: Mapping[str, Any] | None = None,
) -> str:
    """Trains an agent into the directory of a run.

    Args:
        agent_class: The algorithm.
        config: Its options.
        env_config: The game.
        run_config: The directory to write to, and how often.
        origins: The origin of every option's value, to be told at the start.
        resumed: The `config.json` of the run to resume, if it was read: see `opening.open_run`.

    Returns:
        '' if the training came to its end, else the name of the signal that stopped it.

    Raises:
        UsageError: The configuration does not fit the game, or the directory cannot be used.
    """
    if agent_class.is_deterministic(config):
        # The same numbers whatever the threads do. On a CPU this costs nothing measurable.
        tf.config.experimental.enable_op_determinism()
    agent = agent_class(config, env_config)
    with opening.open_run(agent, config, env_config, run_config, origins, resumed) as run:
        while agent.num_steps < config.total_steps and not run.interrupted:
            run.after_update(agent.update())
    return run.stopped_by
