"""Action sets: the buttons that an agent may press, as a table from actions to buttons.

An agent with a dozen independent buttons wastes most of its exploration on meaningless combinations
(left and right together, the pause button). Tables name the useful combinations.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.errors import UsageError

Combination = tuple[str, ...]

DIRECTIONS: tuple[Combination, ...] = (
    (), ('LEFT',), ('RIGHT',), ('UP',), ('DOWN',),
    ('LEFT', 'UP'), ('RIGHT', 'UP'), ('LEFT', 'DOWN'), ('RIGHT', 'DOWN'),
)  # fmt: skip
MENU_BUTTONS = ('START', 'SELECT', 'MODE', 'PAUSE', 'RUN', 'RESET', 'POWER')
_ARROWS = ('UP', 'DOWN', 'LEFT', 'RIGHT')

# The seven actions of the Retro Contest's Sonic agents (Nichol et al., 2018).
SONIC: tuple[Combination, ...] = (
    ('LEFT',), ('RIGHT',), ('LEFT', 'DOWN'), ('RIGHT', 'DOWN'), ('DOWN',), ('DOWN', 'B'), ('B',),
)  # fmt: skip
# Actions of a platform game with one jump button.
PLATFORM: tuple[Combination, ...] = (
    (), ('LEFT',), ('RIGHT',), ('DOWN',), ('B',), ('LEFT', 'B'), ('RIGHT', 'B'),
)  # fmt: skip
# Actions of a shooter whose ship moves sideways: move or stay, each with and without fire.
SHOOTER: tuple[Combination, ...] = (
    (), ('B',), ('LEFT',), ('RIGHT',), ('LEFT', 'B'), ('RIGHT', 'B'),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ActionSet:
    """A gymnasium action space, and the buttons that its actions press.

    Attributes:
        space: `Discrete(n)` with one row of `table` per action, `MultiBinary(k)` or
            `MultiDiscrete` with one row of `table` per switch position.
        names: Names of the rows of `table`.
        table: `uint8[rows, num_buttons]`, 1 where a button is pressed.
        offsets: First row of each part of a `MultiDiscrete` action.
    """

    space: gymnasium.Space[Any]
    names: tuple[str, ...]
    table: np.ndarray
    offsets: np.ndarray

    def buttons(self, action: Any) -> np.ndarray:
        """Returns the buttons of an action, `uint8[num_buttons]`, 1 where one is pressed."""
        if isinstance(self.space, gymnasium.spaces.Discrete):
            return self.table[int(action)]
        if isinstance(self.space, gymnasium.spaces.MultiBinary):
            rows = self.table[np.asarray(action, bool)]
        else:
            rows = self.table[self.offsets + np.asarray(action)]
        return rows.max(axis=0, initial=0).astype(np.uint8)

    @property
    def noop(self) -> Any:
        """Action that presses nothing, or None."""
        if isinstance(self.space, gymnasium.spaces.MultiBinary):
            return np.zeros(self.space.shape, np.int8)
        if isinstance(self.space, gymnasium.spaces.MultiDiscrete):
            return np.zeros(self.space.shape, np.int64)
        idle = np.flatnonzero(~self.table.any(axis=1))
        return int(idle[0]) if len(idle) else None


class Turbo:
    """Presses a held button again every few frames, like a turbo controller.

    A jump or a shot begins when its button goes down. An agent that sees only pictures cannot know
    whether the button is still down; with a turbo it does not need to. Directions stay held.

    Args:
        num_frames: Frames after which a held button is released for one frame; 0: never. It must be
            longer than a jump rises, since releasing the button ends a jump: 12 in HillHopper and
            in Sonic.
        buttons: The console's buttons in the emulator's order; None where it has none.

    Attributes:
        held: Number of frames for which each button has been held, `int64[num_buttons]`.
    """

    def __init__(self, num_frames: int, buttons: Sequence[str | None]) -> None:
        self._num_frames = num_frames
        usable = _usable(buttons)
        self._applies = np.array([b in usable and b not in _ARROWS for b in buttons])
        self.held = np.zeros(len(buttons), np.int64)

    def __call__(self, pressed: np.ndarray) -> np.ndarray:
        """Returns the buttons for the next frame, `uint8[num_buttons]`, given the wanted ones."""
        if not self._num_frames:
            return pressed
        self.held = (self.held + 1) * pressed
        released = self._applies & (self.held > self._num_frames)
        self.held[released] = 0
        return np.where(released, np.uint8(0), pressed)


def discrete(combinations: Iterable[Combination], buttons: Sequence[str | None]) -> ActionSet:
    """Makes an action set with one action per combination, `Discrete(n)`."""
    combinations = tuple(combinations)
    return ActionSet(
        gymnasium.spaces.Discrete(len(combinations)),
        tuple('+'.join(names) or 'NOOP' for names in combinations),
        _table(combinations, buttons),
        np.zeros(0, np.int64),
    )


def multi_binary(names: Sequence[str], buttons: Sequence[str | None]) -> ActionSet:
    """Makes an action set with a switch per named button, `MultiBinary(len(names))`."""
    table = _table([(name,) for name in names], buttons)
    space = gymnasium.spaces.MultiBinary(len(names))
    return ActionSet(space, tuple(names), table, np.zeros(0, np.int64))


def multi_discrete(
    parts: Sequence[Sequence[Combination]], buttons: Sequence[str | None]
) -> ActionSet:
    """Makes an action set with a switch per part, each position a combination, `MultiDiscrete`."""
    sizes = [len(part) for part in parts]
    rows = list(itertools.chain.from_iterable(parts))
    names = tuple('+'.join(row) or 'NOOP' for row in rows)
    offsets = np.cumsum([0] + sizes[:-1])
    return ActionSet(gymnasium.spaces.MultiDiscrete(sizes), names, _table(rows, buttons), offsets)


def for_console(name: str, family: str, buttons: Sequence[str | None]) -> ActionSet:
    """Makes an action set by its name for the buttons of a console.

    Args:
        name: `default` (the family's), `single`, `combinations`, `multi_binary`,
            `multi_discrete`, or a family of `FAMILIES`.
        family: Name of the action set that `default` stands for.
        buttons: The console's buttons in the emulator's order; None where it has none.

    Raises:
        UsageError: The set does not exist, or this console lacks one of its buttons.
    """
    name = family if name == 'default' else name
    usable = _usable(buttons)
    action_buttons = [b for b in usable if b not in _ARROWS]
    directions = [d for d in DIRECTIONS if set(d) <= set(usable)]
    presses: list[Combination] = [(), *((b,) for b in action_buttons)]
    if name == 'single':
        return discrete([(), *((b,) for b in usable)], buttons)
    if name == 'combinations':
        return discrete([d + p for d in directions for p in presses], buttons)
    if name == 'multi_binary':
        return multi_binary(usable, buttons)
    if name == 'multi_discrete':
        return multi_discrete([directions, presses], buttons)
    if name not in FAMILIES:
        raise UsageError(f'unknown action set {name!r}; there are: {", ".join(CONSOLE_SETS)}')
    missing = _needed(name) - set(usable)
    if missing:
        needs = ', '.join(sorted(missing))
        raise UsageError(f'action set {name!r} needs {needs}, which this console does not have')
    return discrete(FAMILIES[name], buttons)


def sets_for_console(buttons: Sequence[str | None]) -> tuple[str, ...]:
    """Returns the names of the action sets that these buttons allow, `default` first."""
    usable = set(_usable(buttons))
    return tuple(n for n in CONSOLE_SETS if n not in FAMILIES or _needed(n) <= usable)


def _usable(buttons: Sequence[str | None]) -> list[str]:
    return [b for b in buttons if b is not None and b not in MENU_BUTTONS]


def _needed(family: str) -> set[str]:
    return {b for combination in FAMILIES[family] for b in combination}


def _table(combinations: Iterable[Combination], buttons: Sequence[str | None]) -> np.ndarray:
    """Makes a table, `uint8[len(combinations), len(buttons)]`, 1 where a button is pressed."""
    return np.array([[b in pressed for b in buttons] for pressed in combinations], np.uint8)


FAMILIES = {'sonic': SONIC, 'platform': PLATFORM, 'shooter': SHOOTER}
CONSOLE_SETS = (
    'default', 'single', 'combinations', 'multi_binary', 'multi_discrete', *FAMILIES,
)  # fmt: skip
