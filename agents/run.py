"""A run around an algorithm: resuming, logging, evaluating, saving, and stopping when asked to."""

import contextlib
import dataclasses
import os
import signal
import types
from typing import Any, Protocol

import keras
import numpy as np

from agents import checkpoints, console, evaluation, policy, run_directory
from agents.configs import RunConfig
from agents.logger import Logger
from agents.models import TrainMetrics
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Snapshot


class Agent(Protocol):
    """What a run needs of an algorithm."""

    network: keras.Model

    @property
    def num_steps(self) -> int:
        """Agent steps so far."""

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Statistics of the episodes that ended in the last update."""

    def learning_rate(self) -> float:
        """The learning rate of the next update."""

    def state(self) -> Snapshot:
        """Everything that learning continues from."""

    def set_state(self, state: Snapshot) -> None:
        """Continues from `state`."""

    def close(self) -> None:
        """Ends the environments."""


class Run:
    """Surrounds a training loop; `with` starts and ends it, `after_update` does what is due.

    Attributes:
        directory: Of the run.
        interrupted: Name of the signal that asks the loop to end, or ''.
    """

    def __init__(
        self,
        agent: Agent,
        config: Any,
        env_config: EnvConfig,
        run_config: RunConfig,
    ) -> None:
        self._agent, self._config = agent, config
        self._env_config, self._run_config = env_config, run_config
        self.directory = run_config.run_dir
        self.interrupted = ''
        self._best_score, self._last_step = -np.inf, 0
        self._handlers: dict[int, Any] = {}
        self._exit_stack = contextlib.ExitStack()

    def __enter__(self) -> 'Run':
        """Makes or reopens the directory, resumes, and starts the display."""
        self._exit_stack.callback(self._agent.close)
        with self._exit_stack:  # Closes the agent if the following fails.
            run_directory.prepare(self.directory, self._run_config.resume)
            self._resume()
            self._logger = Logger(self.directory, self._last_step)
            if self._last_step:
                self._logger.set_state(self._logger_state)
            else:
                self._describe()
            self._exit_stack.callback(self._logger.close)
            self._progress = console.Progress(self._config.total_steps, self._last_step)
            self._exit_stack.enter_context(self._progress)
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)
            self._exit_stack = self._exit_stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Saves the last state and model if the loop ended by itself or by a signal."""
        with self._exit_stack:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            if error is None:
                self._finish()

    def after_update(self, metrics: TrainMetrics) -> None:
        """Logs an update; writes, evaluates and saves when a period has passed."""
        self._logger.note(metrics, self._agent.episodes)
        run = self._run_config
        due = self._due
        if due(run.log_period):
            self._log()
        if due(run.eval_period):
            film = self._film_path() if due(run.video_period) else ''
            self._evaluate(film)
        if due(run.checkpoint_period):
            self._save_checkpoint()
        self._last_step = self._agent.num_steps

    def _due(self, period: int) -> bool:
        """Whether this update passed a multiple of the period."""
        return period > 0 and self._agent.num_steps // period > self._last_step // period

    def _log(self) -> None:
        steps = self._agent.num_steps
        frames = steps * self._env_config.action_repeat
        row = self._logger.write(steps, frames, self._agent.learning_rate())
        self._logger.flush()
        self._progress.update(row)

    def _evaluate(self, film: str = '') -> None:
        """Plays a few sampled episodes; the model with the best mean score is kept."""
        steps, agent = self._agent.num_steps, self._agent
        result = evaluation.evaluate(
            agent.network,
            self._env_config,
            self._run_config.eval_episodes,
            seed=steps,
            film=film,
        )
        self._logger.write_evaluation(steps, result)
        self._progress.print(
            f'evaluation at {steps:,} steps: mean score {result.mean_score:.2f} of '
            f'{len(result.episodes)} sampled episodes (standard error {result.standard_error:.2f})'
        )
        if result.mean_score > self._best_score:
            self._best_score = result.mean_score
            self._save_model('best', mean_score=result.mean_score)

    def _film_path(self) -> str:
        return os.path.join(self.directory, 'videos', f'step-{self._agent.num_steps:09d}.mp4')

    def _save_model(self, name: str, **about: float) -> None:
        directory = os.path.join(self.directory, 'model', name)
        steps = self._agent.num_steps
        policy.save(directory, self._agent.network, self._env_config, steps=steps, **about)

    def _save_checkpoint(self) -> None:
        tree = {
            'agent': self._agent.state(),
            'logger': self._logger.state(),
            'best_score': float(self._best_score),
            'config': dataclasses.asdict(self._config),
            'env_config': dataclasses.asdict(self._env_config),
        }
        checkpoints.save(self._checkpoint_directory(), self._agent.num_steps, tree)
        self._logger.flush()

    def _checkpoint_directory(self) -> str:
        return os.path.join(self.directory, 'checkpoints')

    def _resume(self) -> None:
        if not self._run_config.resume:
            return
        tree = checkpoints.load_latest(self._checkpoint_directory())
        if tree is None:
            raise UsageError(f'--resume: {self.directory} has no checkpoint that can be read')
        for name, config in (('config', self._config), ('env_config', self._env_config)):
            _refuse_changes(tree[name], dataclasses.asdict(config))
        self._agent.set_state(tree['agent'])
        self._logger_state = tree['logger']
        self._best_score = float(tree['best_score'])
        self._last_step = self._agent.num_steps

    def _describe(self) -> None:
        content = run_directory.write_config(
            self.directory, agent=self._config, environment=self._env_config, run=self._run_config
        )
        for name in ('agent', 'environment'):
            self._logger.write_text(name, content[name])

    def _finish(self) -> None:
        if self._agent.num_steps == self._last_step == 0:
            return
        if self._run_config.eval_period and not self.interrupted:
            self._evaluate()
        self._save_checkpoint()
        self._save_model('final')
        if self.interrupted:
            self._progress.print(
                f'{self.interrupted}: saved at {self._agent.num_steps:,} steps; '
                f'continue with --run_dir={self.directory} --resume'
            )

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        """The first signal ends the loop after its update; the second ends the program."""
        self.interrupted = signal.Signals(number).name
        signal.signal(number, self._handlers[number])


def _refuse_changes(before: dict[str, Any], now: dict[str, Any]) -> None:
    """A resumed run must be the same run; only its length may change."""
    for name, value in now.items():
        old = before.get(name)
        same = list(value) == list(old or ()) if isinstance(value, tuple) else value == old
        if not same and name != 'total_steps':
            raise UsageError(f'--resume: --{name} was {old!r} in this run, now it is {value!r}')
