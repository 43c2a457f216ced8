"""Action sets on the consoles' own lists of buttons, and on buttons of any kind."""

import numpy as np
import pytest
import stable_retro
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from envs.backends import actions
from envs.errors import UsageError

CONSOLES = ['Genesis', 'Snes', 'Nes', 'GameBoy', 'Sms', 'Atari2600']
CONSOLE_BUTTONS = {
    name: info['buttons'] for name, info in sorted(stable_retro.data.EMU_INFO.items())
}
OPPOSITES = [{'LEFT', 'RIGHT'}, {'UP', 'DOWN'}]
# Real consoles too have entries that are no button.
BUTTON_LISTS = st.lists(
    st.sampled_from(['A', 'B', 'C', 'X', 'UP', 'DOWN', 'LEFT', 'RIGHT', 'START']),
    unique=True,
    min_size=1,
).map(lambda names: [None, *names, None])


def pressed(action_set, action, buttons):
    """Names of the buttons that an action presses."""
    mask = action_set.buttons(action)
    assert mask.shape == (len(buttons),)
    assert mask.dtype == np.uint8
    assert set(mask.tolist()) <= {0, 1}
    return {name for name, down in zip(buttons, mask, strict=True) if down}


def test_the_consoles_are_there():
    assert set(CONSOLES) <= set(CONSOLE_BUTTONS)


DISCRETE_SETS = [
    (console, name)
    for console, buttons in CONSOLE_BUTTONS.items()
    for name in ('single', 'combinations', *actions.FAMILIES)
    if name in actions.sets_for_console(buttons)
]


@pytest.mark.parametrize('console, name', DISCRETE_SETS)
def test_discrete_actions_press_what_their_names_say(console, name):
    buttons = CONSOLE_BUTTONS[console]
    action_set = actions.for_console(name, 'sonic', buttons)
    assert action_set.space == spaces.Discrete(len(action_set.names))
    combinations = []
    for action, label in enumerate(action_set.names):
        combination = pressed(action_set, np.int64(action), buttons)
        assert combination == set(label.split('+')) - {'NOOP'}
        assert not any(both <= combination for both in OPPOSITES)
        assert not combination & set(actions.MENU_BUTTONS)
        combinations.append(frozenset(combination))
    assert len(set(combinations)) == len(combinations)
    noop = action_set.noop
    assert (noop is None) == (frozenset() not in combinations)
    assert noop is None or not pressed(action_set, noop, buttons)


@pytest.mark.parametrize('console', CONSOLES)
def test_combinations_are_all_directions_with_all_buttons(console):
    buttons = CONSOLE_BUTTONS[console]
    arrows = {'UP', 'DOWN', 'LEFT', 'RIGHT'}
    others = [b for b in buttons if b and b not in actions.MENU_BUTTONS and b not in arrows]
    single = actions.for_console('single', '', buttons)
    assert set(single.names) == {'NOOP', *arrows, *others}
    combined = actions.for_console('combinations', '', buttons)
    assert len(combined.names) == 9 * (1 + len(others))
    assert f'LEFT+UP+{others[0]}' in combined.names


@pytest.mark.parametrize('console', CONSOLES)
def test_multi_binary_presses_every_button_on_its_own(console):
    buttons = CONSOLE_BUTTONS[console]
    action_set = actions.for_console('multi_binary', '', buttons)
    assert action_set.space == spaces.MultiBinary(len(action_set.names))
    for index, name in enumerate(action_set.names):
        assert pressed(action_set, np.eye(len(action_set.names))[index], buttons) == {name}
    everything = np.ones(len(action_set.names), np.int8)
    assert pressed(action_set, everything, buttons) == set(action_set.names)
    assert pressed(action_set, action_set.noop, buttons) == set()
    assert action_set.noop in action_set.space


@pytest.mark.parametrize('console', CONSOLES)
def test_multi_discrete_never_presses_opposite_directions(console):
    buttons = CONSOLE_BUTTONS[console]
    action_set = actions.for_console('multi_discrete', '', buttons)
    num_directions, num_presses = action_set.space.nvec
    assert num_directions == 9
    found = set()
    for action in np.ndindex(num_directions, num_presses):
        combination = pressed(action_set, np.array(action), buttons)
        assert not any(both <= combination for both in OPPOSITES)
        found.add(frozenset(combination))
    assert len(found) == num_directions * num_presses
    assert pressed(action_set, action_set.noop, buttons) == set()
    assert action_set.noop in action_set.space


@given(st.data(), BUTTON_LISTS)
def test_multi_binary_masks(data, buttons):
    names = [name for name in buttons if name]
    action_set = actions.multi_binary(names, buttons)
    down = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    expected = {name for name, is_down in zip(names, down, strict=True) if is_down}
    for action in (np.array(down, np.int8), np.array(down), list(map(int, down))):
        assert pressed(action_set, action, buttons) == expected


@given(st.data(), BUTTON_LISTS)
def test_multi_discrete_masks(data, buttons):
    names = [name for name in buttons if name]
    combination = st.lists(st.sampled_from(names), unique=True)
    parts = data.draw(
        st.lists(st.lists(combination.map(tuple), min_size=1, max_size=4), min_size=1, max_size=4)
    )
    action_set = actions.multi_discrete(parts, buttons)
    assert action_set.space.nvec.tolist() == [len(part) for part in parts]
    position = [data.draw(st.integers(0, len(part) - 1)) for part in parts]
    expected = {b for part, p in zip(parts, position, strict=True) for b in part[p]}
    assert pressed(action_set, np.array(position), buttons) == expected


def test_actions_do_not_change_the_table():
    buttons = CONSOLE_BUTTONS['Genesis']
    for name in ('multi_binary', 'multi_discrete'):
        action_set = actions.for_console(name, '', buttons)
        before = action_set.table.copy()
        action_set.space.seed(0)
        for _ in range(20):
            action_set.buttons(action_set.space.sample())[:] = 1
        np.testing.assert_array_equal(action_set.table, before)


@pytest.mark.parametrize(
    'console, lacking',
    [('Genesis', []), ('Snes', []), ('Sms', []), ('Atari2600', ['sonic', 'platform', 'shooter'])],
)
def test_sets_of_a_console(console, lacking):
    names = actions.sets_for_console(CONSOLE_BUTTONS[console])
    assert names[0] == 'default'
    assert set(actions.CONSOLE_SETS) - set(names) == set(lacking)


def test_default_is_the_set_of_the_family():
    buttons = CONSOLE_BUTTONS['Genesis']
    for family in ('sonic', 'combinations'):
        default = actions.for_console('default', family, buttons)
        assert default.names == actions.for_console(family, '', buttons).names


def test_unknown_sets_and_missing_buttons_are_refused():
    with pytest.raises(UsageError, match="'sonik'; there are: default, single"):
        actions.for_console('sonik', 'sonic', CONSOLE_BUTTONS['Genesis'])
    with pytest.raises(UsageError, match="'shooter' needs B, which"):
        actions.for_console('shooter', 'sonic', CONSOLE_BUTTONS['Atari2600'])


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80),
)
def test_a_turbo_releases_for_one_frame_what_is_held(num_frames, frames):
    """Against a log of the frames since each button went down."""
    turbo = actions.Turbo(num_frames, ['B', None, 'RIGHT', 'START'])
    since = 0
    for b, right, start in frames:
        asked = np.array([b, 0, right, start], np.uint8)
        got = turbo(asked)
        assert got.dtype == np.uint8
        assert got[1:].tolist() == asked[1:].tolist()  # Only B can be held too long.
        released = b and since == num_frames
        assert got[0] == (b and not released)
        since = since + 1 if got[0] else 0


def test_without_a_turbo_all_is_held():
    turbo = actions.Turbo(0, ['A'])
    assert all(turbo(np.ones(1, np.uint8))[0] == 1 for _ in range(1000))
