"""Our wrappers against gymnasium's own on real Atari frames, pixel by pixel."""

import ale_py
import cv2
import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

from envs import make
from envs.config import EnvConfig

NUM_STEPS = 500


def make_reference(game_id, screen_size=84, frame_skip=4):
    gymnasium.register_envs(ale_py)
    env = gymnasium.make(
        game_id, frameskip=1, repeat_action_probability=0.0, disable_env_checker=True
    )
    env = AtariPreprocessing(env, noop_max=0, frame_skip=frame_skip, screen_size=screen_size)
    return FrameStackObservation(env, 4)


def assert_same_play(env, reference, num_steps):
    """Plays both with the same random actions; returns how many episodes ended."""
    rng = np.random.default_rng(0)
    stack, stack_info = env.reset(seed=0)
    # A seed at every reset makes ale-py begin at power-on, as our games always do.
    expected, expected_info = reference.reset(seed=0)
    num_ends = 0
    for step in range(num_steps):
        np.testing.assert_array_equal(stack, np.moveaxis(expected, 0, -1), err_msg=f'step {step}')
        assert stack_info['lives'] == expected_info['lives']
        action = int(rng.integers(env.action_space.n))
        stack, reward, terminated, truncated, stack_info = env.step(action)
        expected, *expected_rest, expected_info = reference.step(action)
        assert [reward, terminated, truncated] == expected_rest
        if terminated or truncated:
            # gymnasium leaves out the frame that an episode ends with and shows the picture of the
            # step before once more; ours is that last frame. The older three pictures agree.
            np.testing.assert_array_equal(stack[..., :-1], np.moveaxis(expected, 0, -1)[..., :-1])
            stack, stack_info = env.reset()
            expected, expected_info = reference.reset(seed=0)
            num_ends += 1
    env.close()
    reference.close()
    return num_ends


@pytest.mark.parametrize(
    'game_id', ['ALE/Pong-v5', 'ALE/Breakout-v5', 'ALE/SpaceInvaders-v5', 'ALE/Seaquest-v5']
)
def test_pictures_are_those_of_gymnasium(game_id):
    env = make.make_env(EnvConfig(game=game_id))
    num_ends = assert_same_play(env, make_reference(game_id), NUM_STEPS)
    assert num_ends > 0 or game_id != 'ALE/Breakout-v5'  # Which random play loses in time.


def test_other_sizes_and_repeats():
    env = make.make_env(EnvConfig(game='ALE/Pong-v5', screen_size=64, action_repeat=3))
    assert_same_play(env, make_reference('ALE/Pong-v5', screen_size=64, frame_skip=3), 100)


def test_the_last_picture_of_an_episode_is_the_frame_it_ended_with():
    env = make.make_env(EnvConfig(game='ALE/Qbert-v5'))
    env.reset(seed=0)
    terminated = False
    while not terminated:
        stack, _, terminated, _, info = env.step(2)  # Off the pyramid, again and again.
    assert info['frames'] < 4  # Else this would show nothing about ends inside a repeat.
    frame = cv2.resize(env.unwrapped.screen(), (84, 84), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(stack[..., -1], frame)
    assert not np.array_equal(stack[..., -1], stack[..., -2])
