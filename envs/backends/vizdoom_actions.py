"""Action sets of Doom: a table for each scenario, and the sets that every map has."""

import itertools
from collections.abc import Sequence

from envs.backends import actions
from envs.backends.actions import ActionSet, Combination
from envs.errors import UsageError

ACTION_SETS = ('default', 'single', 'combinations', 'multi_binary')

_OPPOSITES = (
    ('MOVE_LEFT', 'MOVE_RIGHT'), ('MOVE_FORWARD', 'MOVE_BACKWARD'), ('TURN_LEFT', 'TURN_RIGHT'),
)  # fmt: skip
_MAX_COMBINATIONS = 200  # If there are more, at most three buttons are pressed at a time.

# The three actions of ViZDoom's own tutorials.
_BASIC: tuple[Combination, ...] = (('MOVE_LEFT',), ('MOVE_RIGHT',), ('ATTACK',))
# Ammunition is limited, so an aimed weapon may have to wait: doing nothing is useful, too.
_TURRET: tuple[Combination, ...] = (
    (), ('TURN_LEFT',), ('TURN_RIGHT',), ('ATTACK',), ('TURN_LEFT', 'ATTACK'),
    ('TURN_RIGHT', 'ATTACK'),
)  # fmt: skip
# There is one rocket, to be fired at the right moment.
_ONE_SHOT: tuple[Combination, ...] = ((), ('TURN_LEFT',), ('TURN_RIGHT',), ('ATTACK',))
_WALK: tuple[Combination, ...] = (
    ('TURN_LEFT',), ('TURN_RIGHT',), ('MOVE_FORWARD',), ('MOVE_FORWARD', 'TURN_LEFT'),
    ('MOVE_FORWARD', 'TURN_RIGHT'),
)  # fmt: skip
_DODGE: tuple[Combination, ...] = ((), ('MOVE_LEFT',), ('MOVE_RIGHT',))
_CORRIDOR: tuple[Combination, ...] = (
    ('ATTACK',), ('MOVE_FORWARD',), ('MOVE_LEFT',), ('MOVE_RIGHT',), ('TURN_LEFT',),
    ('TURN_RIGHT',), ('MOVE_FORWARD', 'ATTACK'), ('TURN_LEFT', 'ATTACK'),
    ('TURN_RIGHT', 'ATTACK'),
)  # fmt: skip
# Whole maps; a scenario that lacks a button goes without the combinations that need it.
_MAP: tuple[Combination, ...] = (
    (), ('ATTACK',), *_WALK, ('MOVE_BACKWARD',), ('MOVE_LEFT',), ('MOVE_RIGHT',),
    ('MOVE_FORWARD', 'SPEED'), ('MOVE_FORWARD', 'ATTACK'), ('MOVE_BACKWARD', 'ATTACK'),
    ('MOVE_LEFT', 'ATTACK'), ('MOVE_RIGHT', 'ATTACK'), ('TURN_LEFT', 'ATTACK'),
    ('TURN_RIGHT', 'ATTACK'), ('USE',), ('MOVE_FORWARD', 'USE'), ('SELECT_NEXT_WEAPON',),
)  # fmt: skip
_TABLES = {
    'basic': _BASIC,
    'basic_audio': _BASIC,
    'basic_notifications': _BASIC,
    'deadly_corridor': _CORRIDOR,
    'defend_the_center': _TURRET,
    'defend_the_line': _TURRET,
    'health_gathering': _WALK,
    'health_gathering_supreme': _WALK,
    'my_way_home': _WALK,
    'predict_position': _ONE_SHOT,
    'take_cover': _DODGE,
}


def make(name: str, scenario: str, buttons: Sequence[str]) -> ActionSet:
    """Makes an action set of a scenario by its name.

    Args:
        name: One of `ACTION_SETS`.
        scenario: Name of the scenario's configuration, such as `basic`.
        buttons: The scenario's buttons in the engine's order. Buttons that are not pressed but
            turned by an angle (`..._DELTA`) stay at rest.

    Raises:
        UsageError: There is no such set.
    """
    usable = [b for b in buttons if not b.endswith('_DELTA')]
    if name == 'default':
        table = [c for c in _TABLES.get(scenario, _MAP) if set(c) <= set(usable)]
        return actions.discrete(table, buttons)
    if name == 'single':
        return actions.discrete([(), *((b,) for b in usable)], buttons)
    if name == 'combinations':
        return actions.discrete(_combinations(usable), buttons)
    if name == 'multi_binary':
        return actions.multi_binary(usable, buttons)
    raise UsageError(f'unknown action set {name!r}; there are: {", ".join(ACTION_SETS)}')


def _combinations(buttons: Sequence[str]) -> list[Combination]:
    """Lists all combinations without opposite directions and with at most one weapon."""
    weapons = tuple(b for b in buttons if b.startswith('SELECT_'))
    exclusive = [tuple(b for b in group if b in buttons) for group in (*_OPPOSITES, weapons)]
    others = [(b,) for b in buttons if not any(b in group for group in exclusive)]
    choices = [('', *group) for group in (*exclusive, *others)]
    found = [tuple(b for b in row if b) for row in itertools.product(*choices)]
    if len(found) > _MAX_COMBINATIONS:
        found = [combination for combination in found if len(combination) <= 3]
    return sorted(found, key=len)
