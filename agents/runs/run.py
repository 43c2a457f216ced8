"""A run around an algorithm: resuming, logging, evaluating, saving, and stopping when asked to."""

import contextlib
import functools
import os
import shlex
import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.agent import Agent
from agents.configs.run import RunConfig
from agents.distributions import deterministic
from agents.evaluation import play, results
from agents.guards.monitor import Watch
from agents.learning.metrics import Metrics
from agents.runs import console, score_plot, summary
from agents.runs.logger import Logger
from agents.runs.stop_signals import StopSignals
from agents.storage import checkpoints, run_directory, saved_policy
from agents.storage.saver import Saver, reason
from envs.config import EnvConfig
from envs.errors import UsageError


class Run:
    """Surrounds a training loop; `with` starts and ends it, `after_update` does what is due.

    Args:
        agent: What learns; it is closed at the end.
        config: Of the algorithm; has `total_steps`.
        env_config: Of the game.
        run_config: Where to write and how often.
        origins: Where the values of the fields come from, to tell at the start.

    Attributes:
        directory: Of the run.
    """

    def __init__(
        self,
        agent: Agent,
        config: Any,
        env_config: EnvConfig,
        run_config: RunConfig,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._agent, self._config = agent, config
        self._env_config, self._run_config = env_config, run_config
        self._origins, self._best_score = origins or {}, -np.inf
        self.directory = run_config.run_dir
        self._last = {'log': 0, 'evaluation': 0, 'checkpoint': 0}  # Step of each.
        self._stop_signals = StopSignals()
        self._exit_stack = contextlib.ExitStack()

    def __enter__(self) -> 'Run':
        """Makes or reopens the directory, resumes, tells the configuration, starts the display."""
        with contextlib.ExitStack() as stack:  # Undoes everything if something fails.
            stack.callback(self._agent.close)
            stack.enter_context(self._stop_signals)
            stack.callback(os.close, run_directory.lock(self.directory))
            self._open_directory()
            stack.callback(self._saver.attempt, self._logger.close)
            stack.callback(self._saver.close)
            self._progress = console.Progress(self._config.total_steps, self._agent.num_steps)
            self._tell()
            stack.enter_context(self._progress)
            self._evaluate_if_due()  # A signal may have broken it off.
            self._exit_stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Saves the last state and model if the loop ended by itself or was asked to end.

        Raises:
            UsageError: It ended since workers had to be replaced too often.
        """
        with self._exit_stack:
            if error is None:
                with self._agent.paused():
                    self._finish()
                if self._agent.restarts.excess:
                    raise UsageError(self._agent.restarts.excess)

    @property
    def interrupted(self) -> str:
        """What asks the loop to end after its update: a signal, too many restarts, or nothing."""
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
        outcome = self._watch.after_update(metrics) if metrics else 'made'
        self._logger.note(metrics, self._agent.episodes)
        if self._is_due(self._run_config.log_period, 'log'):
            self._log()
        if outcome == 'skipped':
            return  # What broke it may be in the weights.
        self._evaluate_if_due()
        is_due = self._is_due(self._run_config.checkpoint_period, 'checkpoint')
        is_due |= self._saver.wants_checkpoint() or self._watch.wants_checkpoint()
        if is_due and self._run_config.on_collapse == 'rollback':
            self._saver.wait()  # What is returned to must not depend on the disk.
        # A rollback is not repeated when the run is resumed: the best may be another one by then.
        if outcome == 'rolled back' or (is_due and not self._saver.is_writing()):
            self._save_checkpoint()

    def _is_due(self, period: int, last: str) -> bool:
        """Whether a multiple of the period has passed since the last time."""
        return period > 0 and self._agent.num_steps // period > self._last[last] // period

    def _log(self) -> None:
        steps = self._last['log'] = self._agent.num_steps
        frames = steps * self._env_config.action_repeat
        counts = {**self._watch.counts(), 'restarts': self._agent.restarts.total}
        row = self._logger.write(steps, frames, self._agent.learning_rate(), counts)
        self._saver.attempt(self._logger.flush)
        self._progress.update(row)

    def _evaluate_if_due(self) -> None:
        if self._is_due(self._run_config.eval_period, 'evaluation'):
            self._evaluate()

    def _evaluate(self) -> None:
        """Plays a few episodes; the model with the best mean score is kept."""
        self._watch.check_weights()
        steps = self._agent.num_steps
        film = os.path.join(self.directory, 'videos', f'step-{steps:09d}.mp4')
        is_greedy = self._agent.distribution.policy in deterministic.POLICIES
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
        self._watch.check_weights()
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
            'agent': self._agent.state(),
            'logger': self._logger.state(),
            'watch': self._watch.state(),
            'best_score': float(self._best_score),
            'last': dict(self._last),
            'restarts': self._agent.restarts.total,
        }

    def _open_directory(self) -> None:
        """Starts a new run, or continues one where its last checkpoint was taken."""
        configs = {
            'agent': self._config,
            'environment': self._env_config,
            'run': self._run_config,
        }
        if self._run_config.resume:
            run_directory.check_unchanged(self.directory, configs)
            tree = self._load_checkpoint()
            content = run_directory.reopen(self.directory, configs)
        else:
            tree = None
            content = run_directory.create(self.directory, configs)
        fields = self._agent.metrics_fields
        self._logger = Logger(self.directory, self._agent.num_steps, self._last, fields)
        self._saver = Saver(self.directory, content, self._run_config.checkpoint_minutes)
        self._watch = Watch(self._agent, self._run_config, self._saver, self._warn)
        if tree:
            self._logger.set_state(tree['logger'])
            if 'watch' in tree:  # Older versions had none.
                self._watch.set_state(tree['watch'])
        for name in ('agent', 'environment'):
            self._logger.write_text(name, content[name])

    def _load_checkpoint(self) -> checkpoints.Tree | None:
        """Continues from the newest; None if the run ended before its first."""
        directory = os.path.join(self.directory, 'checkpoints')
        # What is damaged may be a part that all of them share: better without it than not at all.
        tree = checkpoints.load_latest(directory, or_best=False)
        tree = tree or checkpoints.load_latest(directory, parts='readable')
        if tree is None:
            if checkpoints.paths(directory):
                raise UsageError(f'--resume: {self.directory} has no checkpoint that can be read')
            return None
        try:
            self._agent.set_state(tree['agent'])
            self._best_score, self._last = float(tree['best_score']), dict(tree['last'])
            self._agent.restarts.total += int(tree.get('restarts', 0))  # Of the sessions before.
        except (LookupError, TypeError, ValueError) as error:  # Whole, but not a state of this run.
            what = f'{type(error).__name__}: {error}'
            raise UsageError(f'--resume: nothing goes on from {directory}: {what}') from error
        return tree

    def _warn(self, text: str) -> None:
        self._progress.print(text)
        self._logger.write_alarm(self._agent.num_steps, text)

    def _tell(self) -> None:
        configs = [self._config, self._env_config, self._run_config]
        game = summary.of_game(self._env_config, self._agent.envs, self._config.total_steps)
        settings = summary.of_settings(configs, self._origins)
        summary.show(self._progress.console, {**game, **settings, 'writes to': self.directory})
        if self._run_config.resume:
            steps = self._agent.num_steps
            self._progress.print(f'continuing at {steps:,} steps' if steps else 'beginning anew')

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
