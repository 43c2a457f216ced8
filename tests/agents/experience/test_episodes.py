"""Records of running episodes: results, values, returns, and how all of it is resumed."""

import numpy as np
import pytest
from gymnasium import spaces

from agents.experience.episodes import EpisodeNotes

SPACE = spaces.Discrete(3)


def finished(which, scores):
    """Infos as `SubprocVecEnv` gives them for the episodes that ended."""
    which = np.array(which)
    return {
        'final_info': {'_episode': which, 'episode': {'score': np.array(scores), '_score': which}}
    }


def test_an_ended_episode_is_told_with_its_mean_value_and_its_first_action():
    notes = EpisodeNotes(2, SPACE, 0.5)
    assert notes.starts.tolist() == [True, True]
    go_on, end = np.zeros(2, bool), np.array([False, True])
    assert notes.note(np.array([1.0, 4.0]), np.array([0, 2]), np.ones(2), go_on, {}) == []
    told = notes.note(
        np.array([1.0, 8.0]), np.array([0, 1]), np.ones(2), end, finished(end, [0.0, 9.0])
    )
    assert told == [{'env': 1, 'score': 9.0, 'value': 6.0, 'first_action_share': 0.5}]
    assert notes.starts.tolist() == [False, True]
    both = np.ones(2, bool)
    told = notes.note(
        np.array([4.0, 3.0]), np.array([0, 1]), np.ones(2), both, finished(both, [1.0, 2.0])
    )
    assert [(e['env'], e['value'], e['first_action_share']) for e in told] == [(0, 2, 1), (1, 3, 1)]


def test_the_largest_return_begins_anew_with_each_episode():
    notes = EpisodeNotes(1, SPACE, 0.5)
    for reward, ended in ((4.0, False), (4.0, True), (5.0, False)):
        notes.note(np.zeros(1), np.zeros(1, int), np.array([reward]), np.array([ended]), {})
    assert notes.largest_return == 6.0


def test_what_a_lost_worker_played_is_forgotten():
    notes = EpisodeNotes(1, SPACE, 0.5)
    one = np.ones(1, bool)
    notes.note(np.full(1, 100.0), np.zeros(1, int), np.zeros(1), ~one, {})
    lost = {'final_info': {'worker_error': np.array(['died']), '_worker_error': one}}
    assert notes.note(np.zeros(1), np.zeros(1, int), np.zeros(1), one, lost) == []
    (told,) = notes.note(np.ones(1), np.zeros(1, int), np.zeros(1), one, finished(one, [1.0]))
    assert told['value'] == 1.0


@pytest.mark.parametrize('space', [SPACE, spaces.Box(-1.0, 1.0, (2,))], ids=str)
def test_it_continues_from_its_state(space):
    rng, one = np.random.default_rng(0), EpisodeNotes(2, space, 0.9)
    steps = [
        (rng.normal(size=2), np.array([space.sample() for _ in range(2)]), rng.normal(size=2))
        for _ in range(6)
    ]
    for values, actions, rewards in steps[:3]:
        one.note(values, actions, rewards, np.zeros(2, bool), {})
    other, both = EpisodeNotes(2, space, 0.9), np.ones(2, bool)
    other.set_state(one.state())
    for values, actions, rewards in steps[3:]:
        told = [
            n.note(values, actions, rewards, both, finished(both, [1, 2])) for n in (one, other)
        ]
        assert told[0] == told[1] and len(told[0]) == 2
    assert one.largest_return == other.largest_return
