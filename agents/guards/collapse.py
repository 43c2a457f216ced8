"""Alarms for learning that goes wrong, from the metrics of updates and episodes.

Numbers only: `monitor` does something about it.
"""

import collections
import math
from collections.abc import Iterable, Mapping
from typing import Any

from agents.learning.metrics import Metrics

# An update may be skipped now and then; so many of them end the run.
SKIPPED_IN_A_ROW = 3
SKIPPED_AMONG, SKIPPED_AT_MOST = 1_000, 9  # Of so many updates so many are tolerated.

SUSTAINED_UPDATES = 100  # An alarm is raised, and cleared, by so many updates in a row.
ONE_ACTION_SHARE = 0.99  # Of an episode's steps
ONE_ACTION_LENGTH = 30  # Agent steps; shorter episodes are not looked at.
RECENT_EPISODES, RAISED_AT, CLEARED_AT = 20, 18, 10  # Episodes of a single action among these.
VALUE_FACTOR = 10.0


class SkippedUpdates:
    """Counts the updates that were not made, because a number was not finite.

    Attributes:
        total: How many there were.
    """

    def __init__(self) -> None:
        self.total = 0
        self._num_updates = self._in_a_row = 0
        self._last = collections.deque[int](maxlen=SKIPPED_AT_MOST + 1)  # Numbers of these updates.

    @property
    def last_was_skipped(self) -> bool:
        """True if the last update was skipped."""
        return self._in_a_row > 0

    def note(self, metrics: Metrics) -> str:
        """Counts an update; says why the run should end, or ''."""
        self._num_updates += 1
        if metrics.is_finite:
            self._in_a_row = 0
            return ''
        self.total += 1
        self._in_a_row += 1
        self._last.append(self._num_updates)
        if self._in_a_row >= SKIPPED_IN_A_ROW:
            return f'{self._in_a_row} updates in a row were skipped'
        if len(self._last) > SKIPPED_AT_MOST and self._last[0] > self._num_updates - SKIPPED_AMONG:
            return f'{len(self._last)} of the last {SKIPPED_AMONG:,} updates were skipped'
        return ''

    def state(self) -> dict[str, Any]:
        """Everything that the next answers depend on, to be saved."""
        return {
            'total': self.total,
            'num_updates': self._num_updates,
            'in_a_row': self._in_a_row,
            'last': list(self._last),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continues where `state` was taken."""
        self.total, self._num_updates = int(state['total']), int(state['num_updates'])
        self._in_a_row = int(state['in_a_row'])
        self._last.clear()
        self._last.extend(state['last'])


class Alarm:
    """Raised when many of the last events speak for it, cleared when few do.

    Args:
        window: How many events are looked back upon.
        raise_at: Raised by so many of them that speak for it.
        clear_at: Cleared when there are no more than so many.

    Attributes:
        raised: Whether it is.
    """

    def __init__(self, window: int, raise_at: int, clear_at: int) -> None:
        self._raise_at, self._clear_at = raise_at, clear_at
        self._recent = collections.deque[bool](maxlen=window)
        self.raised = False

    @property
    def count(self) -> int:
        """The number of recent events that speak for the alarm."""
        return sum(self._recent)

    @property
    def is_near(self) -> bool:
        """True if the alarm is raised, or more than half of the evidence is there."""
        return self.raised or 2 * self.count > self._raise_at

    def note(self, speaks_for_it: bool) -> bool:
        """Adds an event; whether it has raised the alarm."""
        self._recent.append(bool(speaks_for_it))
        count, was_raised = self.count, self.raised
        self.raised = count >= self._raise_at or (was_raised and count > self._clear_at)
        return self.raised and not was_raised

    def reset(self) -> None:
        """Forgets all events."""
        self._recent.clear()
        self.raised = False

    def state(self) -> dict[str, Any]:
        """Everything that the next answers depend on, to be saved."""
        return {'raised': self.raised, 'recent': [int(event) for event in self._recent]}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continues where `state` was taken."""
        self.reset()
        self._recent.extend(bool(event) for event in state['recent'])
        self.raised = bool(state['raised'])


class CollapseGuard:
    """Tells when a policy or a critic has collapsed. There are three alarms:

    - entropy: H < f H_max for 100 updates in a row, where H_max is the entropy of the uniform
      policy and f the floor; of real actions, H < H_f, where with H_f standard deviations are f of
      half the range of the action space;
    - one action: it makes 99 % of the steps in 18 of the last 20 episodes (of 30 steps or more);
    - values: mean |V| > 10 max(|G|, |V_0|) for 100 updates in a row, where |G| is the largest
      running return so far (see `EpisodeTracker`) and |V_0| the mean of the first update.

    The first and the last are cleared by 100 updates in a row for which this is not so, the other
    one when no more than 10 of the last 20 episodes are like that.

    Args:
        max_entropy: H_max, nats. If it is 0 there is nothing to choose: only values are watched,
            and the entropy of real actions.
        floor: f.
        lowest_entropy: H_f of real actions.
    """

    def __init__(
        self, max_entropy: float, floor: float, lowest_entropy: float | None = None
    ) -> None:
        self._floor_text = f"{floor:g} of the uniform policy's"
        self._lowest_entropy = floor * max_entropy
        if lowest_entropy is not None:
            self._floor_text = f'a standard deviation of {floor:g} of half the range of actions'
            self._lowest_entropy = lowest_entropy
        self._has_choice = max_entropy > 0.0
        self._first_magnitude: float | None = None
        self._entropy = Alarm(SUSTAINED_UPDATES, SUSTAINED_UPDATES, 0)
        self._one_action = Alarm(RECENT_EPISODES, RAISED_AT, CLEARED_AT)
        self._values = Alarm(SUSTAINED_UPDATES, SUSTAINED_UPDATES, 0)
        self._alarms = {
            'entropy': self._entropy,
            'one_action': self._one_action,
            'values': self._values,
        }

    @property
    def num_alarms(self) -> int:
        """The number of alarms that are raised now."""
        return sum(alarm.raised for alarm in self._alarms.values())

    @property
    def is_calm(self) -> bool:
        """True if no alarm is near: the present weights are good to return to."""
        return not any(alarm.is_near for alarm in self._alarms.values())

    def note(
        self, metrics: Metrics, episodes: Iterable[Mapping[str, Any]], max_abs_return: float
    ) -> list[str]:
        """Looks at an update, at the episodes that ended in it, and at max |G| so far.

        Returns:
            The alarms that these have raised, as texts.
        """
        texts = []
        entropy = getattr(metrics, 'entropy', math.inf)  # Deterministic policies have none.
        if self._entropy.note(entropy < self._lowest_entropy):
            texts.append(
                f'entropy {entropy:.2g} is under {self._lowest_entropy:.2g}, that is '
                f'{self._floor_text}, for {SUSTAINED_UPDATES} updates'
            )
        if self._first_magnitude is None:
            self._first_magnitude = metrics.value_magnitude
        largest = max(max_abs_return, self._first_magnitude)
        if self._values.note(metrics.value_magnitude > VALUE_FACTOR * largest):
            texts.append(
                f'mean |V| {metrics.value_magnitude:.3g} is over {VALUE_FACTOR:g} times the '
                f'largest return, {largest:.3g}, for {SUSTAINED_UPDATES} updates'
            )
        for episode in episodes:
            if self._has_choice and episode['length'] >= ONE_ACTION_LENGTH:
                if self._one_action.note(episode['first_action_share'] >= ONE_ACTION_SHARE):
                    texts.append(
                        f'one action makes {ONE_ACTION_SHARE:.0%} of the steps in '
                        f'{self._one_action.count} of the last {RECENT_EPISODES} episodes'
                    )
        return texts

    def reset(self) -> None:
        """Forgets what was seen of the weights of before."""
        for alarm in self._alarms.values():
            alarm.reset()

    def state(self) -> dict[str, Any]:
        """Everything that the next answers depend on, to be saved."""
        alarms = {name: alarm.state() for name, alarm in self._alarms.items()}
        return {'first_magnitude': self._first_magnitude, 'alarms': alarms}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continues where `state` was taken."""
        self._first_magnitude = state['first_magnitude']
        for name, alarm in self._alarms.items():
            alarm.set_state(state['alarms'][name])
