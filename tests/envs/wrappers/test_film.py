"""Films, read back."""

import os
import pathlib

import cv2
import numpy as np
import pytest

from envs import make
from envs.config import EnvConfig
from envs.wrappers.film import Film, FilmWriter
from envs.wrappers.frames import NoopStart
from tests.helpers.processes import new_process
from tests.helpers.tapes import TapeGame

# Gray values far enough apart to survive the encoder, frame by frame.
FRAMES = list(range(10, 250, 10))


def read(path):
    """The gray value of every frame, the size, and the frame rate."""
    assert not pathlib.Path(path).with_suffix('.partial.mp4').exists()
    capture, grays, shapes = cv2.VideoCapture(str(path)), [], set()
    while True:
        is_there, frame = capture.read()
        if not is_there:
            break
        grays.append(frame.mean())
        shapes.add(frame.shape[:2])
    rate = capture.get(cv2.CAP_PROP_FPS)
    assert len(grays) == capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    (size,) = shapes
    return grays, size, rate


def play(env, num_frames):
    """Plays so many frames over episode ends; how many pictures there were, resets' included."""
    env.reset(seed=0)
    num_pictures = 1
    for _ in range(num_frames):
        _, _, terminated, truncated, _ = env.step(0)
        num_pictures += 1
        if terminated or truncated:
            env.reset()
            num_pictures += 1
    return num_pictures


def test_an_episode_has_its_frames_and_the_first_picture(tmp_path):
    path = tmp_path / 'films' / 'a.mp4'  # The folder is made.
    env = Film(TapeGame(FRAMES), str(path), seconds=0.1)
    play(env, len(FRAMES) - 1)
    grays, size, rate = read(path)  # Finished with the episode, before the environment is closed.
    assert len(grays) == len(FRAMES)
    np.testing.assert_allclose(grays, FRAMES, atol=4)
    assert rate == 50.0
    assert size == (450, 600)  # 75 times the 6 x 8 of the game.
    env.close()


@pytest.mark.parametrize('seconds, num_episodes', [(0.0, 1), (0.48, 1), (0.5, 2), (1.0, 3)])
def test_whole_episodes_are_filmed_until_there_are_enough(tmp_path, seconds, num_episodes):
    path = tmp_path / 'a.mp4'
    env = Film(TapeGame(FRAMES), str(path), seconds)  # 24 pictures, 0.48 seconds, an episode.
    play(env, 5 * len(FRAMES))
    env.close()
    np.testing.assert_allclose(read(path)[0], FRAMES * num_episodes, atol=4)


def test_an_episode_that_is_broken_off_is_one(tmp_path):
    path = tmp_path / 'a.mp4'
    env = Film(TapeGame(FRAMES), str(path), seconds=0.2)
    env.reset()
    for _ in range(4):
        env.step(0)
    env.reset()
    for _ in range(9):
        env.step(0)
    assert not path.exists()
    env.reset()  # Fifteen pictures are enough.
    np.testing.assert_allclose(read(path)[0], FRAMES[:5] + FRAMES[:10], atol=4)
    env.step(0)
    env.close()
    assert len(read(path)[0]) == 15


def test_closing_leaves_what_there_was(tmp_path):
    path = tmp_path / 'a.mp4'
    env = Film(TapeGame(FRAMES), str(path))
    env.reset()
    for _ in range(3):
        env.step(0)
    assert os.listdir(tmp_path) == ['a.partial.mp4']
    env.close()
    np.testing.assert_allclose(read(path)[0], FRAMES[:4], atol=4)
    assert env.unwrapped.closed
    env.close()  # Twice is fine.


def test_without_a_reset_there_is_no_film(tmp_path):
    Film(TapeGame(FRAMES), str(tmp_path / 'a.mp4')).close()
    assert os.listdir(tmp_path) == []


def test_frames_before_the_first_decision_are_filmed_too(tmp_path):
    path = tmp_path / 'a.mp4'
    env = NoopStart(Film(TapeGame(FRAMES), str(path)), 5)
    env.reset(seed=0)
    num_noops = len(env.unwrapped.played)
    env.close()
    np.testing.assert_allclose(read(path)[0], FRAMES[: num_noops + 1], atol=4)


def test_pictures_that_change_their_size_get_the_first_size(tmp_path):
    path = tmp_path / 'a.mp4'
    writer = FilmWriter(str(path), 60.0)
    for gray, shape in enumerate([(224, 320), (224, 256), (448, 320), (15, 17), (224, 320)]):
        writer.write(np.full((*shape, 3), 50 * gray, np.uint8))
    writer.close()
    grays, size, _ = read(path)
    assert size == (448, 640)
    np.testing.assert_allclose(grays, [0, 50, 100, 150, 200], atol=4)


@pytest.mark.parametrize('shape, size', [((480, 640), (480, 640)), ((191, 159), (572, 476))])
def test_small_and_odd_pictures_are_enlarged_to_even_sizes(tmp_path, shape, size):
    path = tmp_path / 'a.mp4'
    writer = FilmWriter(str(path), 35.0)
    writer.write(np.zeros((*shape, 3), np.uint8)[::-1, ::-1])  # As rotated screens come.
    writer.close()
    writer.close()  # Twice is fine.
    assert read(path)[1] == size


def test_a_film_leaves_no_trace_in_snapshots(tmp_path):
    env = Film(TapeGame(FRAMES), str(tmp_path / 'a.mp4'))
    env.reset()
    env.step(1)
    snapshot = env.snapshot()
    game = TapeGame(FRAMES)
    game.restore(snapshot)
    assert game.played == [1]
    env.step(2)
    env.restore(snapshot)
    assert env.unwrapped.played == [1]
    env.close()


def film_stack(path, config, num_steps):
    """Films the environment of a configuration; how many pictures there should be, frame rate."""
    env = make.make_env(config, film=path)
    env.reset(seed=0)
    num_frames, num_episodes, rng = 0, 0, np.random.default_rng(0)
    for _ in range(num_steps):
        *_, terminated, truncated, info = env.step(int(rng.integers(env.action_space.n)))
        num_frames += info['frames']
        if terminated or truncated:
            num_episodes += 1
            env.reset()
    frame_rate = env.unwrapped.frame_rate
    env.close()
    return num_frames + num_episodes + 1, frame_rate


@pytest.mark.parametrize(
    'config, num_steps, rate, size',
    [
        (EnvConfig(game='Airstriker-Genesis', sticky_actions=0.25), 80, 59.92, (448, 640)),
        (EnvConfig(game='VizdoomBasic-v1'), 40, 35.0, (480, 640)),
    ],
    ids=lambda value: getattr(value, 'game', ''),
)
def test_films_of_games(tmp_path, config, num_steps, rate, size):
    path = str(tmp_path / 'a.mp4')
    with new_process() as call:
        num_pictures, frame_rate = call(film_stack, path, config, num_steps)
    assert abs(frame_rate - rate) < 0.01
    grays, film_size, film_rate = read(path)
    assert len(grays) == num_pictures
    assert film_size == size
    assert abs(film_rate - frame_rate) < 0.02
    assert np.std(grays) > 0  # Something moves.
