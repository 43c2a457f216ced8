"""Records of running episodes: results, values, returns, and how all of it is resumed."""

import numpy as np
import pytest
from gymnasium import spaces

from agents.experience.episodes import EpisodeTracker

SPACE = spaces.Discrete(3)
DISCOUNT = 0.9


def finished(which, scores):
    """Infos as `SubprocVecEnv` gives them for the episodes that ended."""
    which = np.array(which)
    return {
        'final_info': {'_episode': which, 'episode': {'score': np.array(scores), '_score': which}}
    }


def random_play(num_steps, num_envs, event_shape, seed):
    """Actions, rewards, starts of episodes and ends of games; a game may have several lives."""
    rng = np.random.default_rng(seed)
    actions = (rng.random((num_steps, num_envs, *event_shape)) < 0.2).astype(np.int32)
    rewards = rng.normal(size=(num_steps, num_envs)).astype(np.float32)
    ends = rng.random((num_steps, num_envs)) < 0.1
    is_life = ends & (rng.random(ends.shape) < 0.5)
    starts = np.vstack([np.ones((1, num_envs), bool), ends[:-1]])
    return actions, rewards, starts, ends & ~is_life


def running_return_by_hand(rewards, starts, t, env):
    """Σ_k γ^k r_{t-k}, back to the beginning of the episode."""
    total, weight = 0.0, 1.0
    for k in range(t, -1, -1):
        total += weight * rewards[k, env]
        weight *= DISCOUNT
        if starts[k, env]:
            break
    return total


def repeats_by_hand(actions, ends, t, env):
    """Steps of the game so far with the action of its first one."""
    before = np.flatnonzero(ends[:t, env])
    game = actions[(before[-1] + 1 if before.size else 0) : t + 1, env]
    return sum(np.array_equal(action, game[0]) for action in game), len(game)


def follow(tracker, play, t):
    """Adds step t; a life that is lost ends an episode, but there are no statistics of it."""
    actions, rewards, starts, ends = play
    ended = starts[t + 1] if t + 1 < len(starts) else ends[t]
    infos = finished(ends[t], np.zeros(len(ends[t]))) if ends[t].any() else {}
    return tracker.update(np.zeros(len(ended)), actions[t], rewards[t], ended, infos)


def space_of(event_shape):
    return spaces.MultiBinary(event_shape[0]) if event_shape else spaces.Discrete(2)


@pytest.mark.parametrize('event_shape', [(), (2,)])
def test_it_equals_sums_over_the_history(event_shape):
    play = actions, rewards, starts, ends = random_play(200, 3, event_shape, seed=1)
    tracker, largest = EpisodeTracker(3, space_of(event_shape), DISCOUNT), 0.0
    for t in range(200):
        told = {episode['env']: episode for episode in follow(tracker, play, t)}
        assert set(told) == set(np.flatnonzero(ends[t]))
        for env in range(3):
            largest = max(largest, abs(running_return_by_hand(rewards, starts, t, env)))
            repeats, length = repeats_by_hand(actions, ends, t, env)
            if env in told:
                assert told[env]['first_action_share'] == repeats / length
            else:
                assert tracker.state()['conduct']['repeats'][env] == repeats
        assert tracker.max_abs_return == pytest.approx(largest)


@pytest.mark.parametrize('event_shape', [(), (2,)])
def test_a_state_continues_exactly(event_shape):
    play = random_play(60, 3, event_shape, seed=2)
    tracker, twin = (EpisodeTracker(3, space_of(event_shape), DISCOUNT) for _ in range(2))
    for t in range(60):
        for one in (tracker, twin) if t >= 30 else (tracker,):
            follow(one, play, t)
        if t == 29:
            state = tracker.state()
            twin.set_state(state)
    after, other = tracker.state(), twin.state()
    np.testing.assert_equal(other, after)
    assert (state['conduct']['returns'] != after['conduct']['returns']).any()  # It was a copy.


def test_rewards_that_are_not_finite_are_no_returns():
    tracker = EpisodeTracker(2, SPACE, DISCOUNT)
    for reward in (np.inf, np.nan):
        rewards = np.array([1.0, reward])
        tracker.update(np.zeros(2), np.zeros(2, int), rewards, np.zeros(2, bool), {})
    assert tracker.max_abs_return == 0.0


def test_the_names_in_a_checkpoint_are_those_of_older_versions():
    state = EpisodeTracker(2, SPACE, DISCOUNT).state()
    assert set(state) == {'starts', 'value_sums', 'lengths', 'conduct'}
    assert set(state['conduct']) == {'first_actions', 'repeats', 'returns', 'largest_return'}


def test_an_ended_episode_is_told_with_its_mean_value_and_its_first_action():
    tracker = EpisodeTracker(2, SPACE, 0.5)
    assert tracker.starts.tolist() == [True, True]
    go_on, end = np.zeros(2, bool), np.array([False, True])
    assert tracker.update(np.array([1.0, 4.0]), np.array([0, 2]), np.ones(2), go_on, {}) == []
    told = tracker.update(
        np.array([1.0, 8.0]), np.array([0, 1]), np.ones(2), end, finished(end, [0.0, 9.0])
    )
    assert told == [{'env': 1, 'score': 9.0, 'value': 6.0, 'first_action_share': 0.5}]
    assert tracker.starts.tolist() == [False, True]
    both = np.ones(2, bool)
    told = tracker.update(
        np.array([4.0, 3.0]), np.array([0, 1]), np.ones(2), both, finished(both, [1.0, 2.0])
    )
    assert [(e['env'], e['value'], e['first_action_share']) for e in told] == [(0, 2, 1), (1, 3, 1)]


def test_the_largest_return_begins_anew_with_each_episode():
    tracker = EpisodeTracker(1, SPACE, 0.5)
    for reward, ended in ((4.0, False), (4.0, True), (5.0, False)):
        tracker.update(np.zeros(1), np.zeros(1, int), np.array([reward]), np.array([ended]), {})
    assert tracker.max_abs_return == 6.0


def test_what_a_lost_worker_played_is_forgotten():
    tracker = EpisodeTracker(1, SPACE, 0.5)
    one = np.ones(1, bool)
    tracker.update(np.full(1, 100.0), np.zeros(1, int), np.zeros(1), ~one, {})
    lost = {'final_info': {'worker_error': np.array(['died']), '_worker_error': one}}
    assert tracker.update(np.zeros(1), np.zeros(1, int), np.zeros(1), one, lost) == []
    (told,) = tracker.update(np.ones(1), np.zeros(1, int), np.zeros(1), one, finished(one, [1.0]))
    assert told['value'] == 1.0


@pytest.mark.parametrize('space', [SPACE, spaces.Box(-1.0, 1.0, (2,))], ids=str)
def test_it_continues_from_its_state(space):
    rng, one = np.random.default_rng(0), EpisodeTracker(2, space, DISCOUNT)
    steps = [
        (rng.normal(size=2), np.array([space.sample() for _ in range(2)]), rng.normal(size=2))
        for _ in range(6)
    ]
    for values, actions, rewards in steps[:3]:
        one.update(values, actions, rewards, np.zeros(2, bool), {})
    other, both = EpisodeTracker(2, space, DISCOUNT), np.ones(2, bool)
    other.set_state(one.state())
    for values, actions, rewards in steps[3:]:
        told = [
            tracker.update(values, actions, rewards, both, finished(both, [1, 2]))
            for tracker in (one, other)
        ]
        assert told[0] == told[1] and len(told[0]) == 2
    assert one.max_abs_return == other.max_abs_return
