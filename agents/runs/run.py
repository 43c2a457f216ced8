"""A run around an algorithm: logging, evaluating, saving, and stopping when asked to."""

import functools
import os
import shlex
import sys
import types
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from agents.agent import Agent
from agents.configs import policy_kinds
from agents.configs.run import RunConfig
from agents.evaluation import play, results
from agents.guards.monitor import TrainingMonitor
from agents.learning.metrics import Metrics
from agents.runs import console, score_plot
from agents.runs.logger import Logger
from agents.runs.stop_signals import StopSignals
from agents.storage import checkpoints, migrations, saved_policy
from agents.storage.saver import Saver, reason
from envs.config import EnvConfig
from envs.errors import UsageError


class Position(NamedTuple):
    """How far a run has come."""

    last: Mapping[str, int] = types.MappingProxyType({'log': 0, 'evaluation': 0, 'checkpoint': 0})
    best_score: float = -np.inf  # The largest mean score of an evaluation


class Run:
    """Surrounds a training loop: `opening.open_run` makes it, `after_update` does what is due.

    Args:
        agent: The learner.
        env_config: The game.
        run_config: The directory to write to, and how often.
        logger: Writes the tables and TensorBoard's events.
        saver: Writes checkpoints and models.
        monitor: Looks at every update.
        progress: Shows a person how it goes.
        stop_signals: Tells whether the loop is asked to end.
        position: The steps of the last row, evaluation and checkpoint, and the best score.

    Attributes:
        directory: The directory of the run.
    """

    def __init__(
        self,
        agent: Agent,
        env_config: EnvConfig,
        run_config: RunConfig,
        logger: Logger,
        saver: Saver,
        monitor: TrainingMonitor,
        progress: console.Progress,
        stop_signals: StopSignals,
        position: Position,
    ) -> None:
        self._agent, self._env_config, self._run_config = agent, env_config, run_config
        self._logger, self._saver, self._monitor = logger, saver, monitor
        self._progress, self._stop_signals = progress, stop_signals
        self._last, self._best_score = dict(position.last), position.best_score
        self.directory = run_config.run_dir

    def begin(self) -> None:
        """Makes up for an evaluation that a signal has broken off in the session before."""
        self._evaluate_if_due()

    def finish(self) -> None:
        """Saves the last state and model; the loop ended by itself or was asked to end.

        Raises:
            UsageError: It ended since workers had to be replaced too often.
        """
        with self._agent.paused():
            self._finish()
        if self._agent.restarts.excess:
            raise UsageError(self._agent.restarts.excess)

    @property
    def interrupted(self) -> str:
        """The reason to end the loop after its update: a signal, too many restarts, or ''."""
        excess = self._agent.restarts.excess
        return self.stopped_by or ('too many restarts' if excess else '')

    @property
    def stopped_by(self) -> str:
        """Name of the signal that asked the loop to end, or ''."""
        return self._stop_signals.received

    def after_update(self, metrics: Metrics | None) -> None:
        """Logs an update; writes, evaluates and saves when a period has passed.

        None stands for steps after which nothing was learned yet.

        Raises:
            UsageError: Learning has gone wrong for good; what was saved before stays.
        """
        outcome = self._monitor.after_update(metrics) if metrics else 'made'
        self._logger.note(metrics, self._agent.episodes)
        if self._is_due(self._run_config.log_period, 'log'):
            self._log()
        if outcome == 'skipped':
            return  # What broke it may be in the weights.
        self._evaluate_if_due()
        is_due = self._is_due(self._run_config.checkpoint_period, 'checkpoint')
        is_due |= self._saver.wants_checkpoint() or self._monitor.wants_checkpoint()
        if is_due and self._run_config.on_collapse == 'rollback':
            self._saver.wait()  # What is returned to must not depend on the disk.
        # A rollback is not repeated when the run is resumed: the best may be another one by then.
        if outcome == 'rolled back' or (is_due and not self._saver.is_writing()):
            self._save_checkpoint()

    def _is_due(self, period: int, last: str) -> bool:
        """Says whether a multiple of the period has passed since the last time."""
        return period > 0 and self._agent.num_steps // period > self._last[last] // period

    def _log(self) -> None:
        steps = self._last['log'] = self._agent.num_steps
        frames = steps * self._env_config.action_repeat
        counts = {**self._monitor.counts(), 'restarts': self._agent.restarts.total}
        row = self._logger.write(steps, frames, self._agent.learning_rate(), counts)
        self._saver.attempt(self._logger.flush)
        self._progress.update(row)

    def _evaluate_if_due(self) -> None:
        if self._is_due(self._run_config.eval_period, 'evaluation'):
            self._evaluate()

    def _evaluate(self) -> None:
        """Plays a few episodes; the model with the best mean score is kept."""
        self._monitor.check_weights()
        steps = self._agent.num_steps
        film = os.path.join(self.directory, 'videos', f'step-{steps:09d}.mp4')
        is_greedy = self._agent.distribution.kind in policy_kinds.WITHOUT_CHANCE
        with self._agent.paused():
            result = play.evaluate_actor(
                lambda envs: self._agent.step_model.copy(seed=steps),
                self._env_config,
                self._run_config.eval_episodes,
                mode='greedy' if is_greedy else 'sampled',
                seed=steps,
                film=film if self._is_due(self._run_config.video_period, 'evaluation') else '',
                should_stop=lambda: bool(self.interrupted),
                restarts=self._agent.restarts,
            )
            if self.interrupted:
                return  # It is still due, and done when the run is resumed.
            self._last['evaluation'] = steps
            self._logger.write_evaluation(steps, result)
            self._progress.print(f'evaluation at {steps:,} steps: {results.summary(result)}')
            if result.mean_score > self._best_score:
                save = functools.partial(self._save_model, 'best', mean_score=result.mean_score)
                if self._saver.attempt(save):
                    self._best_score = result.mean_score
                    self._saver.save_best(self._state())

    def _save_model(self, name: str, **about: float) -> None:
        directory = os.path.join(self.directory, 'model', name)
        told = {'steps': self._agent.num_steps, **self._agent.about(), **about}
        saved_policy.save(directory, self._agent.network, self._env_config, **told)

    def _save_checkpoint(self) -> None:
        self._monitor.check_weights()
        self._last['checkpoint'] = self._agent.num_steps
        self._saver.attempt(self._logger.flush)
        self._saver.save(self._agent.num_steps, self._state())

    def _save_all(self) -> None:
        """The final model and the last state.

        Raises:
            UsageError: They cannot be written.
        """
        self._save_checkpoint()
        if error := self._saver.insist(functools.partial(self._save_model, 'final')):
            raise UsageError(
                f'--run_dir: cannot write to {self.directory}: {reason(error)}; the state of step '
                f'{self._agent.num_steps:,} is lost'
            )

    def _state(self) -> checkpoints.Tree:
        """Everything that the run continues from."""
        return {
            'format': migrations.STATE_FORMAT,
            'agent': self._agent.state(),
            'logger': self._logger.state(),
            'watch': self._monitor.state(),
            'best_score': float(self._best_score),
            'last': dict(self._last),
            'restarts': self._agent.restarts.total,
        }

    def _finish(self) -> None:
        steps = self._agent.num_steps
        if not self.interrupted and self._last['log'] < steps:
            self._log()
        self._save_all()
        self._saver.attempt(functools.partial(score_plot.write, self.directory))
        if self._run_config.eval_period and not self.interrupted:
            if self._last['evaluation'] < steps:
                self._evaluate()
                self._save_all()
        if self.interrupted:
            program = os.path.splitext(os.path.basename(sys.argv[0]))[0]
            self._progress.print(
                f'{self.interrupted}: saved at {steps:,} steps; continue with: '
                f'./run {program} --run_dir={shlex.quote(self.directory)} --resume'
            )
