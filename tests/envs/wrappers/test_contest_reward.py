"""The contest reward on a real game, against the script that stable-retro runs."""

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import envs
from envs import courses, make
from envs.backends import registry
from envs.config import EnvConfig
from envs.wrappers.level_rewards import ContestReward
from tests.helpers.paths import PLANS
from tests.helpers.processes import new_process

GAME = 'HillHopper-Genesis'
FOLDER = Path(envs.__file__).parent / 'hillhopper' / GAME


@pytest.fixture(scope='module')
def call():
    """Calls a function in another process: an emulator core can be there but once."""
    with new_process() as call:
        yield call


@pytest.fixture(scope='module')
def reference_folder(tmp_path_factory):
    """Our game with the scripts of Sonic the Hedgehog, which know our levels' ends instead."""
    import stable_retro

    folder = tmp_path_factory.mktemp('games') / 'Reference-Genesis'
    shutil.copytree(FOLDER, folder)
    sonic = Path(stable_retro.data.path(), 'stable', 'SonicTheHedgehog-Genesis-v0')
    shutil.copy(sonic / 'contest.json', folder / 'scenario.json')
    ends = courses.COURSES[GAME].ends.items()
    table = ', '.join(f'["zone={zone},act={act}"] = {end}' for (zone, act), end in ends)
    script = (sonic / 'script.lua').read_text()
    script, count = re.subn(
        r'level_max_x = \{.*?\n\}', f'level_max_x = {{{table}}}', script, flags=re.S
    )
    assert count == 1
    (folder / 'script.lua').write_text(script)
    return folder


def buttons(env, plan):
    names = list(env.unwrapped.action_names)
    for token in plan.split():
        name, count = token.split('*')
        yield from [names.index(name)] * int(count)


def running_start(folder):
    """A state in which the player runs already."""
    game = registry.find(GAME).make()
    game.reset()
    for action in buttons(game, 'RIGHT*40'):
        game.advance(action)
    with gzip.open(folder / 'Running.state', 'wb') as file:
        file.write(game._emulator.get_state())
    game.close()


def play_reference(folder, level, plan):
    import stable_retro

    stable_retro.data.Integrations.add_custom_path(str(folder.parent))
    everything = stable_retro.data.Integrations.ALL
    table = registry.find(GAME).make()
    presses = [table._actions.buttons(action) for action in buttons(table, plan)]
    table.close()
    actions = stable_retro.Actions.ALL
    env = stable_retro.make(
        folder.name,
        level,
        inttype=everything,
        use_restricted_actions=actions,
        render_mode='rgb_array',
    )
    env.reset()
    trace = []
    for press in presses:
        _, reward, terminated, _, _ = env.step(press)
        trace.append((reward, bool(terminated)))
        if terminated:
            break
    env.close()
    return trace


def play_ours(level, plan, cut):
    """The frames of an episode; those after `cut` again, in the same and in a new environment."""
    config = EnvConfig(GAME, (level,), reward='contest', action_repeat=1, frame_stack=1)
    env = make.make_env(config)
    env.reset()
    trace, snapshot = [], None
    actions = list(buttons(env, plan))
    for frame, action in enumerate(actions):
        if frame == cut:
            snapshot = env.snapshot()
        _, reward, terminated, truncated, info = env.step(action)
        trace.append((reward, terminated))
        if terminated or truncated:
            break
    for _ in ('the same', 'a new one'):
        env.restore(snapshot)
        again = []
        for action in actions[cut : len(trace)]:
            again.append(env.step(action)[1:3])
        assert again == trace[cut:]
        env.close()
        env = make.make_env(config)
    env.close()
    return trace, info


@pytest.mark.parametrize('level', PLANS)
def test_equals_the_script_frame_by_frame(call, reference_folder, level):
    expected = call(play_reference, reference_folder, level, PLANS[level])
    trace, info = call(play_ours, level, PLANS[level], 300)
    assert len(trace) == len(expected)
    difference = np.abs(np.subtract([r for r, _ in trace], [r for r, _ in expected]))
    assert difference.max() < 1e-3
    assert (
        [end for _, end in trace]
        == [end for _, end in expected]
        == [False] * (len(trace) - 1) + [True]
    )
    assert info['level_end_bonus'] and info['progress'] == info['episode']['progress'] == 1.0
    assert info['episode']['completed'] and info['episode']['level'] == level
    assert 9000 < info['episode']['score'] < 10000


def test_a_running_start_counts_from_where_it_is(call, reference_folder):
    call(running_start, reference_folder)
    plan = 'RIGHT*60 LEFT*30'
    expected = call(play_reference, reference_folder, 'Running', plan)
    trace = call(play_from, reference_folder, plan)
    assert trace[0] > 5  # The first frame's way is paid.
    np.testing.assert_allclose(trace, [reward for reward, _ in expected], atol=1e-3)


def play_from(folder, plan):
    game = registry.find(GAME).make()
    with gzip.open(folder / 'Running.state') as file:
        game._env.initial_state = file.read()
    env = ContestReward(game, courses.COURSES[GAME])
    env.reset()
    trace = [env.advance(action)[0] for action in buttons(env, plan)]
    env.close()
    return trace


def test_a_lost_life_ends_the_episode_in_both(call, reference_folder):
    plan = 'RIGHT+B*40 RIGHT*600 RIGHT+B*600 RIGHT*2000'
    level = 'GlacierZone.Act3'
    expected = call(play_reference, reference_folder, level, plan)
    trace, info = call(play_ours, level, plan, 20)
    assert len(trace) == len(expected) and trace[-1][1] and info['lives'] == 2
    np.testing.assert_allclose([r for r, _ in trace], [r for r, _ in expected], atol=1e-3)
    assert not info['episode']['completed']
