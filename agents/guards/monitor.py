"""Looks after learning: dumps the updates that were skipped, and answers a collapse."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from agents.agent import Agent
from agents.configs.run import RunConfig
from agents.distributions.base import Distribution
from agents.guards.collapse import CollapseGuard, SkippedUpdates
from agents.learning.metrics import GUARD_COUNTS, Metrics
from agents.storage import checkpoints, dumps, migrations
from agents.storage.saver import Saver
from envs.errors import UsageError

MAX_ROLLBACKS = 5


class TrainingMonitor:
    """Looks at every update of a run.

    Args:
        agent: What learns.
        run_config: What to do, and the directory of the run.
        saver: Writes into it.
        tell: Is called with the lines that a person should see.
    """

    def __init__(
        self, agent: Agent, run_config: RunConfig, saver: Saver, tell: Callable[[str], None]
    ) -> None:
        self._agent, self._run_config = agent, run_config
        self._saver, self._tell = saver, tell
        self._guard = _guard(agent.distribution, run_config.entropy_floor)
        self._skipped = SkippedUpdates()
        self._num_rollbacks = 0
        self._has_good_state = False  # To return to.

    def after_update(self, metrics: Metrics) -> Literal['made', 'skipped', 'rolled back']:
        """Looks at an update and says what became of it.

        Raises:
            UsageError: The run should end; the message says why.
        """
        reason = self._skipped.note(metrics)
        if not metrics.is_finite:
            found = self._dump(metrics)
            if reason:
                raise UsageError(self._diverged(f'{reason}, {found}'))
            self._tell(f'step {self._agent.num_steps:,}: skipped an update, {found}')
            return 'skipped'
        agent = self._agent
        alarms = self._guard.note(metrics, agent.episodes, agent.max_abs_return)
        for alarm in alarms:
            self._tell(f'step {agent.num_steps:,}: collapse? {alarm}')
        if alarms and self._run_config.on_collapse == 'stop':
            advice = agent.config.advice
            raise UsageError(f'collapse at step {agent.num_steps:,}: {alarms[0]}; {advice}')
        if alarms and self._run_config.on_collapse == 'rollback':
            return 'rolled back' if self._roll_back(alarms[0]) else 'made'
        return 'made'

    def wants_checkpoint(self) -> bool:
        """Says whether a first state to return to is missing; even untrained weights will do."""
        is_asked = self._run_config.on_collapse == 'rollback' and not self._has_good_state
        return is_asked and self._guard.is_calm

    def check_weights(self) -> None:
        """Raises UsageError if the weights should not be saved: one of them is not finite."""
        for variable in self._agent.network.trainable_variables:
            if not np.isfinite(variable.numpy()).all():
                raise UsageError(self._diverged(f'the weights {variable.path} are not finite'))

    def counts(self) -> dict[str, int]:
        """For a row of metrics.csv."""
        numbers = self._skipped.total, self._guard.num_alarms, self._num_rollbacks
        return dict(zip(GUARD_COUNTS, numbers, strict=True))

    def state(self) -> dict[str, Any]:
        """All that it remembers, to be saved; `calm` if the weights are good to return to."""
        is_calm = self._guard.is_calm and not self._skipped.last_was_skipped
        self._has_good_state |= is_calm
        return {
            'calm': is_calm,
            'has_good_state': self._has_good_state,
            'guard': self._guard.state(),
            'skipped': self._skipped.state(),
            'num_rollbacks': self._num_rollbacks,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continues where `state` was taken."""
        self._guard.set_state(state['guard'])
        self._skipped.set_state(state['skipped'])
        self._num_rollbacks = int(state['num_rollbacks'])
        self._has_good_state = bool(state['has_good_state'])

    def _dump(self, metrics: Metrics) -> str:
        """Writes what the update was derived from; tells where, and what was not finite first."""
        agent = self._agent
        dump = agent.dump(metrics)
        if dump is None:  # The first update of a resumed run with `overlap`
            return f'not finite from {dumps.first_not_finite(metrics._asdict())} on'
        first = dumps.first_not_finite({**agent.recompute(dump), **metrics._asdict()})
        saved: list[str] = []
        self._saver.attempt(
            lambda: saved.append(dumps.save(self._run_config.run_dir, agent.num_steps, dump))
        )
        return ''.join([f'not finite from {first} on', *(f'; dumped to {path}' for path in saved)])

    def _diverged(self, reason: str) -> str:
        steps, advice = self._agent.num_steps, self._agent.config.advice
        return f'training diverged before step {steps:,}: {reason}; {advice}'

    def _roll_back(self, alarm: str) -> bool:
        """Returns to the best weights, or else the last good ones; False if there are none."""
        agent, factor = self._agent, self._run_config.rollback_lr_factor
        if self._num_rollbacks == MAX_ROLLBACKS:
            advice = agent.config.advice
            raise UsageError(f'collapse after {MAX_ROLLBACKS} rollbacks: {alarm}; {advice}')
        self._saver.wait()
        tree = _earlier(os.path.join(self._run_config.run_dir, 'checkpoints'))
        if tree is None:
            self._tell('there is no earlier checkpoint to return to: going on')
            return False
        before = agent.learning_rate()
        with agent.paused():
            agent.roll_back(tree['agent'], factor)
        self._guard.reset()
        self._num_rollbacks += 1
        self._tell(
            f'returned to the weights of step {tree["agent"]["num_steps"]:,}; '
            f'the learning rate falls from {before:.2g} to {agent.learning_rate():.2g}'
        )
        return True


def _guard(distribution: Distribution, floor: float) -> CollapseGuard:
    if distribution.event_dtype.is_floating:
        return CollapseGuard(0.0, floor, distribution.entropy_floor(floor))
    return CollapseGuard(distribution.entropy_floor(1.0), floor)


def _earlier(directory: str) -> checkpoints.Tree | None:
    """The state of the best evaluation if no alarm was near, or else the last such state."""
    # A rollback takes weights and optimizers only: there may be gigabytes of replay memory.
    tree = checkpoints.load_best(directory, parts='none')
    if tree is None or not _is_calm(tree):
        tree = checkpoints.load_latest(directory, _is_calm, parts='none')
    return migrations.state(tree) if tree else None


def _is_calm(tree: checkpoints.Tree) -> bool:
    try:
        return bool(migrations.state(tree)['watch']['calm'])
    except (LookupError, TypeError, ValueError, UsageError):  # Whole, but not a state of this run.
        return False
