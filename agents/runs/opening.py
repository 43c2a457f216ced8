"""Opening a run: its directory is made or reopened, and what surrounds the training is made."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from agents.agent import Agent, AgentConfig
from agents.configs.run import RunConfig
from agents.guards.monitor import TrainingMonitor
from agents.runs import console, summary
from agents.runs.logger import Logger
from agents.runs.run import Position, Run
from agents.runs.stop_signals import StopSignals
from agents.storage import checkpoints, migrations, run_directory
from agents.storage.saver import Saver
from envs.config import EnvConfig
from envs.errors import UsageError


@contextlib.contextmanager
def open_run(
    agent: Agent,
    config: AgentConfig,
    env_config: EnvConfig,
    run_config: RunConfig,
    origins: Mapping[str, str] | None = None,
    resumed: Mapping[str, Any] | None = None,
) -> Iterator[Run]:
    """Yields a run, new or resumed, that surrounds the loop in the block and saves its end.

    If the block fails, the end is not saved. In any case everything is closed, the agent included.

    Args:
        agent: The learner.
        config: The options of the algorithm.
        env_config: The game.
        run_config: The directory to write to, and how often.
        origins: The origin of every option's value, to be told at the start.
        resumed: The content of the `config.json` of the run to resume, if it has been read and
            checked already: see `run_directory.check_unchanged`.

    Raises:
        UsageError: The directory cannot be used, or workers had to be replaced too often.
    """
    configs = {'agent': config, 'environment': env_config, 'run': run_config}
    directory = run_config.run_dir
    with contextlib.ExitStack() as stack:  # Closes everything, beginning with the last.
        stack.callback(agent.close)
        stop_signals = stack.enter_context(StopSignals())
        stack.callback(os.close, run_directory.lock(directory))
        content, state, position = _open_directory(agent, configs, resumed)
        logger = Logger(directory, agent.num_steps, position.last, agent.metrics_fields)
        saver = Saver(directory, content, run_config.checkpoint_minutes)
        stack.callback(saver.attempt, logger.close)
        stack.callback(saver.close)
        progress = console.Progress(config.total_steps, agent.num_steps)

        def warn(text: str) -> None:
            progress.print(text)
            logger.write_alarm(agent.num_steps, text)

        monitor = TrainingMonitor(agent, run_config, saver, warn)
        if state:
            logger.set_state(state['logger'])
            monitor.set_state(state['watch'])
        for name in ('agent', 'environment'):
            logger.write_text(name, content[name])
        _tell(agent, configs, origins or {}, progress)
        stack.enter_context(progress)
        run = Run(
            agent, env_config, run_config, logger, saver, monitor, progress, stop_signals, position
        )
        run.begin()
        yield run
        run.finish()


def _open_directory(
    agent: Agent, configs: Mapping[str, Any], resumed: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any], Position]:
    """Makes or reopens the directory; if there is a last state, sets the agent to it.

    Returns:
        The content of `config.json`, the states of `logger` and `watch`, and how far the run is.
    """
    directory = configs['run'].run_dir
    if not configs['run'].resume:
        return run_directory.create(directory, configs), {}, Position()
    if resumed is None:
        resumed = run_directory.read_config(directory)
        run_directory.check_unchanged(resumed, configs)
    state, position = _resume(agent, directory)
    return run_directory.reopen(directory, resumed, configs), state, position


def _resume(agent: Agent, run_dir: str) -> tuple[dict[str, Any], Position]:
    """Sets the agent to the newest state; nothing is done if the run ended before its first.

    Returns:
        The states of `logger` and `watch`, without that of the agent, which may fill gigabytes;
        and how far the run is.
    """
    checkpoint_dir = os.path.join(run_dir, 'checkpoints')
    # What is damaged may be a part that all of them share: better without it than not at all.
    tree = checkpoints.load_latest(checkpoint_dir, or_best=False)
    tree = tree or checkpoints.load_latest(checkpoint_dir, parts='readable')
    if tree is None:
        if checkpoints.paths(checkpoint_dir):
            raise UsageError(f'--resume: {run_dir} has no checkpoint that can be read')
        return {}, Position()
    try:
        tree = migrations.state(tree)
        agent.set_state(tree['agent'])
        position = Position(dict(tree['last']), float(tree['best_score']))
        agent.restarts.total += int(tree['restarts'])  # Those of the sessions before.
        return {name: tree[name] for name in ('logger', 'watch')}, position
    except migrations.UnknownFormatError as error:
        raise UsageError(f'--resume: the last state in {checkpoint_dir} {error}') from None
    except (LookupError, TypeError, ValueError) as error:  # Whole, but not a state of this run.
        reason = f'{type(error).__name__}: {error}'
        raise UsageError(f'--resume: nothing goes on from {checkpoint_dir}: {reason}') from error


def _tell(
    agent: Agent,
    configs: Mapping[str, Any],
    origins: Mapping[str, str],
    progress: console.Progress,
) -> None:
    """Shows a person the game and the settings, and where a resumed run goes on."""
    game = summary.of_game(configs['environment'], agent.envs, configs['agent'].total_steps)
    settings = summary.of_settings(list(configs.values()), origins)
    rows = {**game, **settings, 'writes to': configs['run'].run_dir}
    summary.show(progress.console, rows)
    if configs['run'].resume:
        steps = agent.num_steps
        progress.print(f'continuing at {steps:,} steps' if steps else 'beginning anew')
