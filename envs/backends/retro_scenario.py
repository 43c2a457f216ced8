"""Reward and end of a stable-retro scenario, computed from the game's variables in Python.

stable-retro computes both from a copy of the RAM, whose renewal costs 60 microseconds per frame;
looking at the live variables costs less than one. So the JSON scenarios, which are nearly all, are
evaluated here; `parse` returns None for features that only stable-retro has (Lua scripts, nested
conditions). A test compares the two, operator by operator, on a running game: they agree, except
for rewards that are not single-precision numbers (0.1), which stable-retro rounds.
"""

import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import Any

Variables = Mapping[str, float]

_TESTS: dict[str, Callable[[float, float], bool]] = {
    'equal': operator.eq,
    'not-equal': operator.ne,
    'less-than': operator.lt,
    'greater-than': operator.gt,
    'less-or-equal': operator.le,
    'greater-or-equal': operator.ge,
    'zero': lambda value, _: value == 0,
    'nonzero': lambda value, _: value != 0,
    'negative': lambda value, _: value < 0,
    'positive': lambda value, _: value > 0,
}


@dataclasses.dataclass(frozen=True)
class Condition:
    """One line of a scenario's `done`: it compares a variable, or its change, with a reference."""

    variable: str
    test: Callable[[float, float], bool]
    reference: float
    of_change: bool

    def holds(self, before: Variables, now: Variables) -> bool:
        """Returns whether the condition holds after the frame that led from `before` to `now`."""
        value = now[self.variable]
        if self.of_change:
            value = value - before[self.variable]
        return self.test(value, self.reference)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Reward of a frame, and whether the frame ends the game.

        reward = sum over variables x of  reward_x max(dx, 0) - penalty_x max(-dx, 0)

    where dx is the change of the variable over the frame.
    """

    rewards: tuple[tuple[str, float, float], ...]  # variable, reward, penalty
    conditions: tuple[Condition, ...]
    need_all: bool

    def reward(self, before: Variables, now: Variables) -> float:
        """Returns the raw reward of the frame that led from `before` to `now`."""
        total = 0.0
        for name, reward, penalty in self.rewards:
            change = now[name] - before[name]
            if change:
                total += change * (reward if change > 0 else penalty)
        return total

    def done(self, before: Variables, now: Variables) -> bool:
        """Returns whether the frame that led from `before` to `now` ended the game."""
        conditions = self.conditions
        if self.need_all:
            return all(c.holds(before, now) for c in conditions)
        return any(c.holds(before, now) for c in conditions)


def parse(content: Mapping[str, Any]) -> Scenario | None:
    """Builds the scenario of a `scenario.json`; None if it needs stable-retro itself."""
    reward, done = content.get('reward', {}), content.get('done', {})
    plain = (
        'scripts' not in content
        and 'rewards' not in content
        and set(reward) <= {'variables'}
        and set(done) <= {'variables', 'condition'}
        and done.get('condition', 'any') in ('any', 'all')
    )
    if not plain:
        return None
    rewards = []
    for name, terms in reward.get('variables', {}).items():
        if not set(terms) <= {'reward', 'penalty'}:
            return None
        rewards.append((name, float(terms.get('reward', 0)), float(terms.get('penalty', 0))))
    conditions = []
    for name, terms in done.get('variables', {}).items():
        condition = _condition(name, terms)
        if condition is None:
            return None
        conditions.append(condition)
    return Scenario(tuple(rewards), tuple(conditions), done.get('condition') == 'all')


def _condition(name: str, terms: Mapping[str, Any]) -> Condition | None:
    """Builds one condition; None if it is unclear how stable-retro would evaluate it."""
    test = _TESTS.get(terms.get('op', ''))
    measurement = terms.get('measurement', 'absolute')
    if test is None or measurement not in ('absolute', 'delta'):
        return None
    return Condition(name, test, float(terms.get('reference', 0)), measurement == 'delta')
