"""Scenarios in Python against stable-retro's own evaluation."""

import itertools
import json

import numpy as np
import pytest
import stable_retro

from envs.backends import retro_game, retro_scenario
from envs.backends.retro_game import RetroGame
from tests.helpers.processes import new_process

OPERATORS = [
    'equal', 'not-equal', 'less-than', 'greater-than', 'less-or-equal', 'greater-or-equal',
    'zero', 'nonzero', 'negative', 'positive',
]  # fmt: skip
# Variables in the first, unused page of the console's RAM: address, type, range of values.
RAM = 0xFF0000
VARIABLES = {
    'signed': (RAM + 0x100, '>i2', (-3, 4)),
    'byte': (RAM + 0x104, '|u1', (0, 4)),
    'large': (RAM + 0x108, '>u4', (0, 2**20)),
    'decimal': (RAM + 0x10C, '>n2', (0, 100)),
}
REFERENCES = {'signed': -1, 'byte': 1, 'large': 2**19, 'decimal': 50}
REWARDS = {
    'signed': {'reward': 2.5},
    'byte': {'penalty': 5.0, 'reward': -1.5},
    'decimal': {'penalty': 0.5},
}


def conditions(operator, measurement, condition, names):
    """A scenario of conditions on these variables."""
    test = {'op': operator, **({'measurement': measurement} if measurement else {})}
    done = {'variables': {name: {**test, 'reference': REFERENCES[name]} for name in names}}
    if condition:
        done['condition'] = condition
    return {'done': done, 'reward': {'variables': REWARDS}}


ALL_CONDITIONS = [
    (*kind, names)
    for kind in itertools.product(OPERATORS, [None, 'absolute', 'delta'], [None, 'any', 'all'])
    for names in (('signed', 'byte'), ('large', 'decimal'))
]
CORNERS = [
    {},
    {'done': {}},
    {'done': {'condition': 'all'}},
    {'done': {'variables': {}, 'condition': 'any'}},
    {'reward': {}},
    {'reward': {'variables': {'byte': {}}}},
    {'crop': [0, 0, 10, 10], 'actions': [], 'reward': {'variables': {'byte': {'reward': 1}}}},
]


def evaluate_both(directory, contents, num_frames=60):
    """Rewards and ends by stable-retro and by us, of random changes of the variables."""
    info_file, scenario_file = f'{directory}/data.json', f'{directory}/scenario.json'
    info = {n: {'address': address, 'type': t} for n, (address, t, _) in VARIABLES.items()}
    with open(info_file, 'w') as file:
        json.dump({'info': info}, file)
    env = stable_retro.make('Airstriker-Genesis-v0', render_mode='rgb_array')
    env.reset()
    results = []
    for content in contents:
        with open(scenario_file, 'w') as file:
            json.dump(content, file)
        data = stable_retro.data.GameData()
        env.em.configure_data(data)
        assert data.load(info_file, scenario_file)
        data.reset()
        data.update_ram()
        results.append(evaluate_one(data, retro_scenario.parse(content), num_frames))
    env.close()
    return results


def evaluate_one(data, ours, num_frames):
    rng, theirs_and_ours = np.random.default_rng(0), []
    before = data.lookup_all()
    for _ in range(num_frames):
        for name, (_, _, limits) in VARIABLES.items():
            if rng.random() < 0.8:
                data.set_value(name, int(rng.integers(*limits)))
        now = data.lookup_all()
        data.update_ram()
        theirs = data.current_reward(), bool(data.is_done())
        theirs_and_ours.append((theirs, (ours.reward(before, now), ours.done(before, now))))
        before = now
    return theirs_and_ours


@pytest.fixture(scope='module')
def evaluated(tmp_path_factory):
    """Both evaluations of all scenarios, in one process."""
    contents = [*(conditions(*kind) for kind in ALL_CONDITIONS), *CORNERS]
    with new_process() as call:
        return call(evaluate_both, str(tmp_path_factory.mktemp('scenarios')), contents)


def test_every_operator_measurement_and_condition(evaluated):
    num_both_outcomes = 0
    for kind, frames in zip(ALL_CONDITIONS, evaluated, strict=False):
        for theirs, ours in frames:
            assert theirs == ours, kind
        num_both_outcomes += len({done for (_, done), _ in frames}) == 2
    rewards = {reward for (reward, _), _ in evaluated[0]}
    assert min(rewards) < 0 < max(rewards)
    assert num_both_outcomes > 0.7 * len(ALL_CONDITIONS)  # The frames do tell them apart.


def test_scenarios_without_conditions_or_rewards(evaluated):
    for content, frames in zip(CORNERS, evaluated[len(ALL_CONDITIONS) :], strict=True):
        for theirs, ours in frames:
            assert theirs == ours, content


def play_both(num_frames):
    """Rewards and ends of the game's own scenario, with random buttons held for 10 frames."""
    game = RetroGame('Airstriker-Genesis-v0', actions='multi_binary')
    frames = []
    game.reset()
    game.action_space.seed(0)
    for frame in range(num_frames):
        if frame % 10 == 0:
            action = game.action_space.sample()
        reward, done, _, _ = game.advance(action)
        game._data.update_ram()
        theirs = game._data.current_reward(), bool(game._data.is_done())
        frames.append((theirs, (reward, done)))
        if done:
            game.reset()
    game.close()
    return frames


def test_the_scenario_of_a_running_game():
    with new_process() as call:
        frames = call(play_both, 5000)
    for theirs, ours in frames:
        assert theirs == ours
    assert sum(done for _, (_, done) in frames) >= 2
    assert sum(reward > 0 for _, (reward, _) in frames) >= 10


def installed_scenarios():
    integrations = stable_retro.data.Integrations.ALL
    for game_id in retro_game.game_ids():
        path = stable_retro.data.get_file_path(game_id, 'scenario.json', integrations)
        with open(path) as file:
            yield game_id, json.load(file)


def test_installed_scenarios_are_parsed_or_left_to_stable_retro():
    num_parsed = num_left = 0
    for game_id, content in installed_scenarios():
        if retro_scenario.parse(content) is not None:
            num_parsed += 1
            continue
        num_left += 1
        terms = content.get('reward', {}).get('variables', {}).values()
        reasons = {*content, *content.get('done', {}), *itertools.chain(*terms)}
        known = {'scripts', 'rewards', 'nodes', 'measurement', 'op', 'reference'}
        assert reasons & known, game_id
    assert num_parsed > 900
    assert num_left < 80


@pytest.mark.parametrize(
    'content',
    [
        {'scripts': ['script.lua']},
        {'reward': {'script': 'lua:reward'}},
        {'rewards': [{'variables': {}}]},
        {'done': {'nodes': {}}},
        {'done': {'condition': 'most'}},
        {'done': {'variables': {'lives': {'op': 'nearly-zero'}}}},
        {'done': {'variables': {'lives': {}}}},
        {'done': {'variables': {'lives': {'op': 'zero', 'measurement': 'relative'}}}},
        {'reward': {'variables': {'score': {'reward': 1.0, 'measurement': 'absolute'}}}},
    ],
)
def test_what_only_stable_retro_understands_is_left_to_it(content):
    assert retro_scenario.parse(content) is None
