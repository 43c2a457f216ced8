"""The action sets of Doom: combinations of buttons that make sense together."""

import os

import numpy as np
import pytest
import vizdoom

from envs.backends import vizdoom_actions, vizdoom_data


def scenario_buttons():
    """The buttons of every scenario that an id plays, by its name."""
    names = {options['scenario_config_file'] for options in vizdoom_data._registered().values()}
    buttons = {}
    for name in sorted(names):  # The same in every process that runs tests.
        doom = vizdoom.DoomGame()
        doom.load_config(os.path.join(vizdoom.scenarios_path, name))
        buttons[name.removesuffix('.cfg')] = [b.name for b in doom.get_available_buttons()]
    return buttons


SCENARIO_BUTTONS = scenario_buttons()


@pytest.mark.parametrize('name', vizdoom_actions.ACTION_SETS)
@pytest.mark.parametrize('scenario', SCENARIO_BUTTONS)
def test_action_sets_are_sound(scenario, name):
    buttons = SCENARIO_BUTTONS[scenario]
    actions = vizdoom_actions.make(name, scenario, buttons)
    assert len(set(actions.names)) == len(actions.names) > 1
    pressed = [set(np.array(buttons)[row == 1]) for row in actions.table]
    assert len({frozenset(row) for row in pressed}) == len(pressed)
    for row in pressed:
        assert not any(button.endswith('_DELTA') for button in row)
        for opposites in vizdoom_actions._OPPOSITES:
            assert not set(opposites) <= row
    binary = {button for button in buttons if not button.endswith('_DELTA')}
    if name == 'default':
        assert len(pressed) <= 20 and set().union(*pressed) <= binary
    else:
        assert set().union(*pressed) == binary


def test_action_sets_of_the_basic_scenario():
    buttons = SCENARIO_BUTTONS['basic']
    sets = {name: vizdoom_actions.make(name, 'basic', buttons) for name in ('default', 'single')}
    assert sets['default'].names == ('MOVE_LEFT', 'MOVE_RIGHT', 'ATTACK')
    assert sets['default'].noop is None
    assert sets['single'].names == ('NOOP', 'MOVE_LEFT', 'MOVE_RIGHT', 'ATTACK')
    assert sets['single'].noop == 0
    combinations = vizdoom_actions.make('combinations', 'basic', buttons)
    assert set(combinations.names) == {
        'NOOP', 'MOVE_LEFT', 'MOVE_RIGHT', 'ATTACK', 'MOVE_LEFT+ATTACK', 'MOVE_RIGHT+ATTACK',
    }  # fmt: skip


def test_many_buttons_are_pressed_three_at_a_time():
    buttons = SCENARIO_BUTTONS['deathmatch']
    table = vizdoom_actions.make('combinations', 'deathmatch', buttons).table
    assert table.sum(axis=1).max() == 3
    few = vizdoom_actions.make(
        'combinations', 'deadly_corridor', SCENARIO_BUTTONS['deadly_corridor']
    )
    assert few.table.sum(axis=1).max() == 4  # Forward or back, left or right, a turn, attack.
