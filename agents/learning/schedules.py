"""Schedules: pure functions of the number of agent steps done so far."""

from collections.abc import Callable

from envs.errors import UsageError

Schedule = Callable[[float], float]

NAMES = ('linear', 'constant')


def linear(start: float, end: float, num_steps: float) -> Schedule:
    """Returns a function of the step count, from `start` at 0 to `end` at `num_steps` and after."""
    if num_steps <= 0:
        raise ValueError(f'num_steps must be positive, not {num_steps}')

    def schedule(step: float) -> float:
        fraction = min(step / num_steps, 1.0)
        # Not start + fraction * (end - start): that may miss `end` by a rounding error.
        return (1.0 - fraction) * start + fraction * end

    return schedule


def constant(value: float) -> Schedule:
    """Returns a function of the step count that is always `value`."""
    return lambda step: value


def make(name: str, start: float, end: float = 0.0, num_steps: float = 1.0) -> Schedule:
    """Makes the schedule of this name; `constant` stays at `start` and ignores the rest.

    Raises:
        UsageError: No schedule has this name.
    """
    if name == 'linear':
        return linear(start, end, num_steps)
    if name == 'constant':
        return constant(start)
    raise UsageError(f'unknown schedule {name!r}; there are: {", ".join(NAMES)}')
