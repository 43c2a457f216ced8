"""Rewards of platform games on scripted variables; `test_contest_reward` has a real game."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import courses
from envs.courses import COURSES, Course
from envs.wrappers import level_rewards
from tests.helpers.tapes import TapeGame

COURSE = Course(
    {(0, 0): 1100, (1, 2): 400}, ('ActB',), bonus_stage_variable='bonus', bonus_stage_values=(16,)
)
START = {'x': 100, 'lives': 3, 'zone': 0, 'act': 0, 'screen_x': 0, 'score': 0, 'bonus': 0}


class Walk(TapeGame):
    """Its frames change the variables as a script says."""

    def __init__(self, *changes):
        super().__init__(range(len(changes) + 1))
        self._changes, self._frame, self._variables = changes, 0, {}

    def reset(self, **kwargs):
        self._frame, self._variables = 0, dict(START)
        return super().reset(**kwargs)[0], dict(self._variables)

    def advance(self, action):
        self._variables = {**self._variables, **self._changes[self._frame]}
        self._frame += 1
        return 7.0, True, False, dict(self._variables)

    def snapshot(self):
        return {'frame': self._frame, 'variables': dict(self._variables)}

    def restore(self, snapshot):
        self._frame, self._variables = snapshot['frame'], dict(snapshot['variables'])


def play(kind, *changes):
    env = level_rewards.REWARDS[kind](Walk(*changes), COURSE)
    env.reset()
    return [env.advance(0) for _ in changes]


def rewards_of(kind, *changes):
    return [reward for reward, *_ in play(kind, *changes)]


def test_the_way_of_the_first_frame_counts():
    """stable-retro's scripts, too, take the position at the reset."""
    assert rewards_of('contest', {'x': 110}, {'x': 120}) == pytest.approx([90, 90])
    assert rewards_of('progress', {'x': 110}) == [10]


def test_contest_pays_for_the_way_and_for_being_quick():
    frames = play('contest', {'x': 100}, {'x': 200}, {'x': 150}, {'x': 1099}, {'x': 1100})
    values = [reward for reward, *_ in frames]
    assert values[:4] == pytest.approx([0, 900, -450, 9000 * 0.949])
    assert values[4] == pytest.approx(9 + 1000 * (1 - 5 / 18000))
    assert [terminated for _, terminated, *_ in frames] == [False] * 4 + [True]
    assert [info['progress'] for *_, info in frames] == pytest.approx([0, 0.1, 0.05, 0.999, 1])


def test_the_names_of_rewards_are_those_of_the_classes():
    assert courses.REWARD_NAMES == tuple(level_rewards.REWARDS)


def test_progress_lets_the_player_go_back():
    assert rewards_of('progress', {'x': 100}, {'x': 160}, {'x': 120}, {'x': 170}) == [0, 60, 0, 10]


def test_score_is_that_of_the_screen():
    assert rewards_of('score', {'score': 3}, {'score': 3}, {'score': 13}) == [30, 0, 100]


@pytest.mark.parametrize('kind', level_rewards.REWARDS)
@pytest.mark.parametrize('change', [{'lives': 2}, {'bonus': 16}, {'x': 1100}, {'x': 2000}], ids=str)
def test_what_ends_an_episode(kind, change):
    frames = play(kind, {}, {'lives': 4, 'bonus': 8, 'x': 0}, {'lives': 3}, change)
    ends = [terminated for _, terminated, *_ in frames]
    assert ends == [False, False, True, True]


def test_a_stage_is_left_if_any_value_tells():
    env = level_rewards.ScoreReward(
        Walk({'bonus': 1}), Course(COURSE.ends, (), bonus_stage_variable='bonus')
    )
    env.reset()
    assert env.advance(0)[1]


def test_where_a_level_changes_act_half_way_the_way_goes_on():
    frames = play(
        'progress',
        {'x': 100, 'screen_x': 0},
        {'x': 500, 'screen_x': 400},
        {'x': 700, 'screen_x': 600},
        {'x': 110, 'screen_x': 10, 'act': 1},  # The same place by other numbers.
        {'x': 150, 'screen_x': 50},
    )
    assert [reward for reward, *_ in frames] == [0, 400, 200, 0, 40]


POSITIONS = st.lists(st.integers(-500, 1500), min_size=2, max_size=30)


@given(POSITIONS)
def test_contest_adds_up_to_the_progress(positions):
    """The sum is 9000 times the progress on any way, and the bonus of each frame at the end."""
    frames = play('contest', *({'x': 100}, *({'x': x} for x in positions)))
    bonus = sum(1000 * (1 - (i + 1) / 18000) for i, f in enumerate(frames) if f[3]['progress'] == 1)
    total = sum(reward for reward, *_ in frames)
    assert total == pytest.approx(9000 * frames[-1][3]['progress'] + bonus)


@given(POSITIONS, st.integers(0, 30), st.sampled_from(sorted(level_rewards.REWARDS)))
def test_a_snapshot_goes_on_exactly(positions, cut, kind):
    changes = [{'x': x, 'score': abs(x)} for x in positions]
    cut = min(cut, len(changes) - 1)
    env, other = (level_rewards.REWARDS[kind](Walk(*changes), COURSE) for _ in range(2))
    env.reset()
    for _ in range(cut):
        env.advance(0)
    snapshot = env.snapshot()
    rest = [env.advance(0) for _ in changes[cut:]]
    for target in (other, env):  # In a new one, and in one that has gone further.
        target.restore(snapshot)
        assert [target.advance(0) for _ in changes[cut:]] == rest


class Levels(TapeGame):
    """Tells its level."""

    def set_level(self, level):
        self.level = level


def test_levels_take_turns():
    env = level_rewards.LevelCycle(Levels(), ('a', 'b', 'c'), first=1, stride=1)
    seen = [(env.reset(), env.unwrapped.level)[1] for _ in range(5)]
    assert seen == ['b', 'c', 'a', 'b', 'c']
    env.reset(seed=3)
    assert env.unwrapped.level == 'b'
    snapshot = env.snapshot()
    env.reset()
    env.restore(snapshot)
    assert env.unwrapped.level == 'b'
    env.reset()
    assert env.unwrapped.level == 'c'


@given(st.integers(1, 20), st.integers(1, 8), st.integers(1, 5))
def test_with_the_number_of_environments_as_stride_all_levels_are_played_alike(levels, envs, times):
    counts = np.zeros(levels, int)
    for number in range(envs):
        game = Levels()
        env = level_rewards.LevelCycle(game, [str(i) for i in range(levels)], number % levels, envs)
        for episode in range(number, levels * times, envs):
            env.reset()
            counts[int(game.level)] += 1
            assert int(game.level) == episode % levels
    assert (counts == times).all()


@pytest.mark.parametrize('game_id', COURSES)
def test_courses_know_every_level_of_their_game(game_id):
    """The contest trained on 47 levels and tested on 11."""
    from envs.backends import retro_data

    course, known = COURSES[game_id], retro_data.levels(game_id)
    assert set(course.test_levels) < set(known) and len(course.ends) == len(known)
    train, test = (retro_data.level_set(game_id, name) for name in ('train', 'test'))
    assert sorted(train + test) == sorted(known) == sorted(retro_data.level_set(game_id, 'all'))
    assert set(test) == set(course.test_levels)


def test_the_contest_has_47_levels_to_train_and_11_to_test():
    from envs.backends import retro_data

    sonic = [game_id for game_id in COURSES if game_id.startswith('Sonic')]
    sizes = {n: sum(len(retro_data.level_set(g, n)) for g in sonic) for n in ('train', 'test')}
    assert sizes == {'train': 47, 'test': 11}
