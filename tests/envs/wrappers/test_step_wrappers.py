"""Wrappers over agent steps, on scripted games."""

import pickle

import cv2
import numpy as np
import pytest

from envs.errors import UsageError
from envs.wrappers import frames, pictures
from envs.wrappers.steps import (
    FireOnReset,
    LifeLossEndsEpisode,
    RecordEpisodeStatistics,
    RewardTransform,
)
from tests.helpers.tapes import TapeGame, play


def agent_steps(game, repeat=1):
    """Episode statistics over a game, as in `make_env`."""
    return RecordEpisodeStatistics(frames.ActionRepeat(game, repeat, max_pool=True))


def with_lives(**kwargs):
    game = TapeGame(range(10), rewards=range(10), lives=[3, 3, 3, 2, 2, 1, 1, 1, 0, 0], **kwargs)
    env = RewardTransform(agent_steps(game), 1.0, 'none')
    return LifeLossEndsEpisode(env)


@pytest.mark.parametrize(
    'end, max_frames, score, length, num_frames',
    [
        ('terminated', 0, 45, 3, 9),  # 3 + 3 + 3 frames.
        ('truncated', 0, 45, 3, 9),
        ('never', 7, 28, 3, 7),  # 3 + 3 + 1 frames.
    ],
)
def test_statistics_of_an_episode(end, max_frames, score, length, num_frames):
    game = frames.TimeLimit(TapeGame(range(10), rewards=range(10), end=end), max_frames)
    env = RewardTransform(agent_steps(game, repeat=3), 0.5, 'none')
    for _ in range(2):  # It counts anew after a reset.
        env.reset()
        infos = [env.step(0)[4] for _ in range(length)]
        assert [info.get('episode') for info in infos[:-1]] == [None] * (length - 1)
        assert infos[-1]['episode'] == {
            'score': score,
            'return': score / 2,
            'length': length,
            'frames': num_frames,
            'level': 'tape 1',
            'terminated': end == 'terminated',
            'truncated': end != 'terminated',
        }


@pytest.mark.parametrize(
    'scale, transform, seen',
    [
        (1.0, 'none', [5.0, -3.0, 0.0, 0.5, -0.25]),
        (2.0, 'none', [10.0, -6.0, 0.0, 1.0, -0.5]),
        (1.0, 'sign', [1.0, -1.0, 0.0, 1.0, -1.0]),
        (0.01, 'sign', [1.0, -1.0, 0.0, 1.0, -1.0]),
        (1.0, 'clip', [1.0, -1.0, 0.0, 0.5, -0.25]),
        (0.1, 'clip', [0.5, -0.3, 0.0, 0.05, -0.025]),
        (4.0, 'clip', [1.0, -1.0, 0.0, 1.0, -1.0]),
    ],
)
def test_rewards_for_the_agent(scale, transform, seen):
    raw = [5.0, -3.0, 0.0, 0.5, -0.25]
    game = TapeGame(range(6), rewards=[0.0, *raw])
    env = RewardTransform(agent_steps(game), scale, transform)
    env.reset()
    steps = [env.step(0) for _ in raw]
    rewards = [reward for _, reward, *_ in steps]
    assert rewards == pytest.approx(seen)
    assert all(type(reward) is float for reward in rewards)
    episode = steps[-1][4]['episode']
    assert episode['score'] == sum(raw)
    assert episode['return'] == pytest.approx(sum(seen))


def test_a_lost_life_terminates_for_the_agent_and_the_game_goes_on():
    env = with_lives()
    env.reset()
    ends, infos, starts = [], [], []
    for _ in range(9):
        picture, _, terminated, truncated, info = env.step(0)
        assert not truncated
        ends.append(terminated)
        infos.append(info)
        if terminated:
            start, start_info = env.reset()
            starts.append((start.flat[0], picture.flat[0], start_info['lives']))
    # The life lost last, at frame 8, is left to the game, which ends with frame 9.
    assert [t for t, ended in enumerate(ends, 1) if ended] == [3, 5, 9]
    assert [t for t, info in enumerate(infos, 1) if 'episode' in info] == [9]
    assert infos[-1]['episode']['score'] == infos[-1]['episode']['return'] == 45.0
    assert infos[-1]['episode']['length'] == 9
    # After a lost life the episode begins with the picture of the end, after the game with its own.
    assert starts == [(3, 3, 2), (5, 5, 1), (0, 9, 3)]
    assert env.unwrapped.num_resets == 2


def test_no_frame_is_played_between_two_lives():
    env = with_lives()
    env.reset()
    for _ in range(3):
        env.step(1)
    env.reset()
    assert env.unwrapped.played == [1, 1, 1]
    assert env.step(1)[1] == 4.0


@pytest.mark.parametrize('num_steps', [0, 2, 3, 9])
def test_a_seed_starts_the_game_again(num_steps):
    env = with_lives()
    env.reset()
    for _ in range(num_steps):
        env.step(0)
    picture, info = env.reset(seed=1)
    assert (picture.flat[0], info['lives'], env.unwrapped.num_resets) == (0, 3, 2)


def test_a_reset_within_a_life_starts_the_game_again():
    env = with_lives()
    env.reset()
    env.step(0)
    assert env.reset()[0].flat[0] == 0
    assert env.unwrapped.num_resets == 2


def test_a_truncation_stays_one_and_ends_the_game():
    env = with_lives(end='truncated')
    env.reset()
    for _ in range(8):
        if env.step(0)[2]:
            env.reset()
    _, _, terminated, truncated, info = env.step(0)
    assert (terminated, truncated, info['episode']['truncated']) == (False, True, True)
    env.reset()
    assert env.unwrapped.num_resets == 2


def test_a_life_lost_at_the_limit_is_a_termination_and_the_game_is_over():
    game = frames.TimeLimit(TapeGame(range(10), lives=[3, 3, 3, 2]), 3)
    env = LifeLossEndsEpisode(agent_steps(game))
    env.reset()
    env.step(0)
    env.step(0)
    _, _, terminated, truncated, info = env.step(0)
    assert (terminated, truncated) == (True, False)
    assert info['episode']['truncated'] and not info['episode']['terminated']
    assert env.reset()[0].flat[0] == 0


def test_gained_lives_end_nothing():
    env = LifeLossEndsEpisode(agent_steps(TapeGame(lives=[1, 2, 3, 3, 4])))
    env.reset()
    assert not any(env.step(0)[2] for _ in range(4))


def test_a_game_without_lives_is_refused():
    env = LifeLossEndsEpisode(agent_steps(TapeGame()))
    with pytest.raises(UsageError, match='--life_loss_ends_episode'):
        env.reset()


def test_fire_is_pressed_after_every_reset():
    env = FireOnReset(agent_steps(TapeGame(), repeat=4))
    for _ in range(2):
        picture, info = env.reset()
        assert env.unwrapped.played == [2, 2, 2, 2]
        assert (picture.flat[0], info['time']) == (4, 4)


def test_fire_that_ends_the_game_starts_it_again():
    env = FireOnReset(agent_steps(TapeGame(range(4)), repeat=4))
    assert env.reset()[0].flat[0] == 0
    assert env.unwrapped.num_resets == 2


def test_a_game_without_fire_is_refused():
    game = TapeGame()
    game.action_names = ('NOOP', 'JUMP')
    with pytest.raises(UsageError, match='--fire_on_reset.*NOOP, JUMP'):
        FireOnReset(game)


class Noise(TapeGame):
    """A game whose pictures have something to see."""

    def screen(self):
        return np.random.default_rng(self._time).integers(0, 256, self._size).astype(np.uint8)


@pytest.mark.parametrize('size', [(210, 160), (224, 320), (84, 84), (20, 30)])
def test_pictures_are_averaged_over_areas(size):
    game = Noise(size=size)
    env = pictures.ResizeObservation(agent_steps(game), 84)
    shown = [env.reset()[0], env.step(0)[0]]
    assert env.observation_space.shape == (84, 84)
    for time, picture in enumerate(shown):
        game._time = time
        expected = cv2.resize(game.screen(), (84, 84), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(picture, expected)
        assert picture in env.observation_space


@pytest.mark.parametrize('crop', [(10, 0, 0, 5), (0, 7, 3, 0), (1, 2, 3, 4), (0, 0, 0, 0)])
def test_edges_are_cut_off_before_resizing(crop):
    env = pictures.ResizeObservation(agent_steps(Noise(size=(60, 50))), 20, crop)
    top, bottom, left, right = crop
    rest = env.unwrapped.screen()[top : 60 - bottom, left : 50 - right]
    expected = cv2.resize(rest, (20, 20), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(env.reset()[0], expected)


@pytest.mark.parametrize('crop', [(30, 30, 0, 0), (0, 0, 50, 0), (100, 0, 0, 0)])
def test_cutting_everything_off_is_refused(crop):
    with pytest.raises(UsageError, match='--crop leaves nothing of a picture of 60 x 50'):
        pictures.ResizeObservation(agent_steps(Noise(size=(60, 50))), 20, crop)


def test_halving_a_picture_takes_the_mean_of_four():
    env = pictures.ResizeObservation(agent_steps(Noise(size=(84, 84))), 42)
    picture, _ = env.reset()
    blocks = env.unwrapped.screen().reshape(42, 2, 42, 2).astype(float)
    assert np.abs(picture - blocks.mean(axis=(1, 3))).max() <= 0.5


@pytest.mark.parametrize('depth', [1, 2, 4])
def test_the_stack_has_the_newest_picture_last(depth):
    env = pictures.FrameStackObservation(agent_steps(TapeGame()), depth)
    assert env.observation_space.shape == (6, 8, depth)
    for _ in range(2):  # A reset fills the stack with its picture.
        stack, _ = env.reset()
        stacks = [stack, *[env.step(0)[0] for _ in range(9)]]
        for time, stack in enumerate(stacks):
            assert stack in env.observation_space
            assert stack.flags.c_contiguous
            expected = [max(0, time - age) for age in reversed(range(depth))]
            np.testing.assert_array_equal(stack, np.broadcast_to(expected, stack.shape))


def test_stacks_given_before_do_not_change():
    env = pictures.FrameStackObservation(agent_steps(TapeGame(end='never')), 2)
    stacks = [env.reset()[0], *[env.step(0)[0] for _ in range(5)]]
    assert [stack[0, 0].tolist() for stack in stacks] == [[0, 0], *[[t, t + 1] for t in range(5)]]


def whole_stack():
    game = TapeGame(
        range(3, 40), rewards=range(37), lives=[3, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    )
    env = frames.StickyActions(frames.TimeLimit(game, 25), 0.3)
    env = agent_steps(frames.NoopStart(env, 3), repeat=2)
    env = RewardTransform(env, 0.5, 'clip')
    env = FireOnReset(LifeLossEndsEpisode(env))
    return pictures.FrameStackObservation(pictures.ResizeObservation(env, 5), 3)


@pytest.mark.parametrize('num_before', [0, 1, 2, 3, 4, 5, 11])
def test_a_restored_stack_goes_on_exactly(num_before):
    actions = np.random.default_rng(0).integers(3, size=150).tolist()
    env = whole_stack()
    env.reset(seed=5)
    play(env, actions[:num_before])
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    expected = play(env, actions[num_before:])
    fresh = whole_stack()
    fresh.restore(snapshot)
    assert play(fresh, actions[num_before:]) == expected
    assert fresh.unwrapped.played == env.unwrapped.played
    ends = [len(step) == 5 and (step[2], 'episode' in step[4]) for step in expected]
    assert {(True, False), (False, True)} <= set(ends)  # Lost lives, and ends of the game.


def test_a_snapshot_between_a_lost_life_and_the_reset():
    env = with_lives()
    env.reset()
    while not env.step(0)[2]:
        pass
    snapshot = env.snapshot()
    fresh = with_lives()
    fresh.restore(snapshot)
    picture, info = fresh.reset()
    assert (picture.flat[0], info['lives'], fresh.unwrapped.num_resets) == (3, 2, 0)


def test_snapshots_do_not_change_afterwards():
    env = pictures.FrameStackObservation(agent_steps(TapeGame()), 2)
    env.reset()
    env.step(0)
    snapshot = env.snapshot()
    env.step(0)
    env.restore(snapshot)
    assert env.step(0)[0][0, 0].tolist() == [1, 2]
    assert snapshot['stack'][0, 0].tolist() == [0, 1]
