"""Wrappers over emulator frames, on scripted games."""

import pickle

import numpy as np
import pytest

from envs.wrappers import frames
from tests.helpers.tapes import TapeGame, play


def value(picture):
    """The gray value of a picture of one."""
    assert picture.min() == picture.max()
    return int(picture.flat[0])


def rollout(env, actions, seed=0):
    env.reset(seed=seed)
    for action in actions:
        env.step(action)
    return env.unwrapped.played


@pytest.mark.parametrize(
    'tape, shown, num_frames, terminated',
    [
        ([0, 9, 8, 1, 2, 7], 2, 4, False),  # The maximum of frames 3 and 4 of the repeat.
        ([0, 9, 8, 5, 2, 7], 5, 4, False),
        ([0, 9, 8, 5, 2], 5, 4, True),  # The last frame of a whole repeat ends the episode.
        ([0, 9, 8, 3], 3, 3, True),  # The episode ends inside the repeat: its last frame alone.
        ([0, 9, 3], 3, 2, True),
        ([9, 3], 3, 1, True),
    ],
)
def test_a_step_shows_the_maximum_of_its_last_two_frames(tape, shown, num_frames, terminated):
    env = frames.ActionRepeat(TapeGame(tape, rewards=[100, 1, 2, 4, 8, 16]), 4, max_pool=True)
    env.reset()
    picture, reward, ended, truncated, info = env.step(1)
    assert value(picture) == shown
    assert reward == 2**num_frames - 1
    assert (ended, truncated) == (terminated, False)
    assert info == {'time': num_frames, 'frames': num_frames}
    assert env.unwrapped.played == [1] * num_frames


def test_no_picture_of_the_step_before_is_pooled():
    env = frames.ActionRepeat(TapeGame([0, 1, 1, 99, 99, 5, 6, 7, 8, 9]), 4, max_pool=True)
    env.reset()
    env.step(0)
    assert value(env.step(0)[0]) == 8
    assert value(env.step(0)[0]) == 9  # One frame, then the end.


def test_pooling_does_not_change_pictures_given_before():
    env = frames.ActionRepeat(TapeGame(range(20), end='never'), 4, max_pool=True)
    first, _ = env.reset()
    second = env.step(0)[0]
    env.step(0)
    assert (value(first), value(second)) == (0, 4)


@pytest.mark.parametrize(
    'repeat, max_pool, num_screens', [(4, True, 2), (4, False, 1), (1, True, 1)]
)
def test_only_pictures_that_count_are_drawn(repeat, max_pool, num_screens):
    env = frames.ActionRepeat(TapeGame([0, 9, 8, 7, 1, 0]), repeat, max_pool)
    env.reset()
    before = env.unwrapped.num_screens
    picture = env.step(0)[0]
    assert env.unwrapped.num_screens - before == num_screens
    assert value(picture) == {(4, True): 7, (4, False): 1, (1, True): 9}[repeat, max_pool]


def test_a_picture_that_changes_its_size_is_not_pooled():
    game = TapeGame([0, 9, 8, 7, 1, 0])
    draw = game.screen

    def screen():
        game._size = (6, 8 if game._time < 4 else 10)
        return draw()

    game.screen = screen
    env = frames.ActionRepeat(game, 4, max_pool=True)
    env.reset()
    picture = env.step(0)[0]
    assert picture.shape == (6, 10)
    assert value(picture) == 1


def test_sticky_actions_of_probability_zero_change_nothing():
    actions = np.random.default_rng(0).integers(3, size=200).tolist()
    env = frames.StickyActions(TapeGame(range(300)), 0.0)
    assert rollout(env, actions) == actions


def test_sticky_actions_near_one_keep_the_first_action():
    env = frames.StickyActions(TapeGame(range(300)), 1.0 - 1e-12)
    assert rollout(env, [2, *[0, 1] * 50]) == [2] * 101


def test_the_first_action_of_an_episode_is_never_replaced():
    env = frames.StickyActions(TapeGame(range(3)), 1.0 - 1e-12)
    for action in (2, 0, 1, 2):
        env.reset()
        env.step(action)
        env.step(0)
        assert env.unwrapped.played == [action, action]


def test_sticky_actions_are_as_frequent_as_asked():
    num_frames = 40_000
    env = frames.StickyActions(TapeGame(range(10), end='never'), 0.25)
    wanted = np.arange(num_frames) % 3
    fraction = np.mean(np.array(rollout(env, wanted.tolist())) != wanted)
    # After 3, 6, ... repeats in a row the old action happens to be the wanted one.
    expected = 0.25 - 0.75 * 0.25**3 / (1 - 0.25**3)
    assert abs(fraction - expected) < 5 * np.sqrt(0.25 * 0.75 / num_frames)


def test_a_sticky_action_is_the_one_that_was_played_not_the_one_that_was_wanted():
    env = frames.StickyActions(TapeGame(end='never'), 0.5)
    wanted = (np.arange(300) % 3).tolist()
    played = rollout(env, wanted)
    for frame in range(1, 300):
        assert played[frame] in (wanted[frame], played[frame - 1])
    assert any(
        played[frame] not in (wanted[frame], wanted[frame - 1]) for frame in range(1, 300)
    )  # Twice replaced in a row.


def test_sticky_actions_are_reproducible_by_seed():
    env = frames.StickyActions(TapeGame(range(400)), 0.5)
    actions = np.random.default_rng(0).integers(3, size=100).tolist()
    played = [rollout(env, actions, seed) for seed in (3, 3, 4)]
    assert played[0] == played[1] != played[2]


def test_a_reset_without_seed_goes_on_with_the_random_numbers():
    env = frames.StickyActions(TapeGame(range(400)), 0.5)
    actions = np.random.default_rng(0).integers(3, size=100).tolist()
    episodes = []
    for seed in (3, None, 3, None):
        episodes.append(rollout(env, actions, seed))
    assert episodes[0] == episodes[2] != episodes[1] == episodes[3]


def test_noop_start_plays_one_to_noop_max_frames():
    env = frames.NoopStart(TapeGame(range(50)), 5)
    env.reset(seed=0)
    numbers = []
    for _ in range(200):
        picture, info = env.reset()
        assert env.unwrapped.played == [0] * len(env.unwrapped.played)
        numbers.append(len(env.unwrapped.played))
        assert value(picture) == numbers[-1] == info['time']
    assert set(numbers) == {1, 2, 3, 4, 5}


def test_noop_start_is_reproducible_by_seed():
    def numbers(seed):
        env = frames.NoopStart(TapeGame(range(50)), 30)
        seeds = [seed, *[None] * 9]
        return [env.reset(seed=s)[1]['time'] for s in seeds]

    assert numbers(1) == numbers(1) != numbers(2)


def test_noop_start_begins_again_if_the_game_ends_meanwhile():
    env = frames.NoopStart(TapeGame(range(4)), 30)
    pictures = {value(env.reset(seed=seed)[0]) for seed in range(50)}
    assert pictures == {0, 1, 2}  # Never 3, the picture of the end.


def test_random_streams_of_two_wrappers_differ():
    game = TapeGame()
    sticky, noop = frames.StickyActions(game, 0.5), frames.NoopStart(game, 5)
    sticky.reset(seed=7)
    noop.reset(seed=7)
    assert sticky._rng.bit_generator.state['state'] != noop._rng.bit_generator.state['state']


@pytest.mark.parametrize('max_frames', [1, 3, 8])
def test_the_limit_truncates_at_the_exact_frame(max_frames):
    env = frames.TimeLimit(TapeGame(range(10)), max_frames)
    for _ in range(2):  # It counts anew after a reset.
        env.reset()
        ends = [env.step(0)[2:4] for _ in range(max_frames)]
        assert ends == [(False, False)] * (max_frames - 1) + [(False, True)]


@pytest.mark.parametrize('end', ['terminated', 'both'])
def test_an_end_at_the_limit_is_no_truncation(end):
    env = frames.TimeLimit(TapeGame(range(4), end=end), 3)
    env.reset()
    assert [env.step(0)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(True, False)]


def test_a_limit_of_zero_is_no_limit():
    env = frames.TimeLimit(TapeGame(range(4), end='never'), 0)
    env.reset()
    assert not any(any(env.step(0)[2:4]) for _ in range(1000))


def test_frames_of_the_start_count_for_the_limit():
    env = frames.NoopStart(frames.TimeLimit(TapeGame(range(100)), 10), 5)
    _, info = env.reset(seed=0)
    num_steps, truncated = 0, False
    while not truncated:
        truncated = env.step(0)[3]
        num_steps += 1
    assert info['time'] + num_steps == 10


def test_a_truncation_inside_a_repeat_ends_the_step():
    env = frames.ActionRepeat(frames.TimeLimit(TapeGame(range(100)), 6), 4, max_pool=True)
    env.reset()
    env.step(0)
    picture, _, terminated, truncated, info = env.step(0)
    assert (value(picture), terminated, truncated, info['frames']) == (6, False, True, 2)


STACKS = {
    'limit': lambda game: frames.TimeLimit(game, 11),
    'sticky': lambda game: frames.StickyActions(game, 0.5),
    'noop': lambda game: frames.NoopStart(game, 5),
    'repeat': lambda game: frames.ActionRepeat(game, 3, max_pool=True),
    'all': lambda game: frames.ActionRepeat(
        frames.NoopStart(frames.StickyActions(frames.TimeLimit(game, 13), 0.5), 5), 3, True
    ),
}


@pytest.mark.parametrize('make', STACKS.values(), ids=STACKS)
@pytest.mark.parametrize('num_before', [0, 1, 7, 20])
def test_a_restored_wrapper_goes_on_exactly(make, num_before):
    actions = np.random.default_rng(0).integers(3, size=300).tolist()

    def new_env():
        return make(TapeGame(range(17), rewards=range(17)))

    env = new_env()
    env.reset(seed=5)
    play(env, actions[:num_before])
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    expected = play(env, actions[num_before:])
    other = new_env()
    other.reset(seed=99)
    play(other, actions[:3])
    other.restore(snapshot)
    assert play(other, actions[num_before:]) == expected
    fresh = new_env()  # Never reset.
    fresh.restore(snapshot)
    assert play(fresh, actions[num_before:]) == expected
    assert fresh.unwrapped.played == env.unwrapped.played


def test_a_frame_wrapper_steps_with_its_own_frames():
    env = frames.TimeLimit(TapeGame(range(10), rewards=range(10)), 2)
    env.reset()
    picture, reward, terminated, truncated, info = env.step(1)
    assert (value(picture), reward, terminated, truncated, info) == (
        1,
        1,
        False,
        False,
        {'time': 1},
    )
    assert value(env.screen()) == 1
    assert env.advance(1)[2]
    assert env.game is env.unwrapped


@pytest.mark.parametrize(
    'wrapper, stream',
    [(frames.StickyActions, 'StickyActions'), (frames.NoopStart, 'NoopStart')],
)
def test_random_numbers_do_not_depend_on_the_name_of_a_class(wrapper, stream):
    """Saved runs go on with these numbers, and published scores were made with them."""
    renamed = type('Renamed', (wrapper,), {})
    states = []
    for kind in (wrapper, renamed):
        env = kind(TapeGame(range(50)), 0.5 if wrapper is frames.StickyActions else 1)
        env.reset(seed=3)
        states.append(str(env.snapshot()['rng']))
    assert wrapper.stream == stream and states[0] == states[1]
