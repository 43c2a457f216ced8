"""Robots for real: silent, exact to restore, drawn without a display, and refused in one line."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from envs.backends import mujoco
from envs.backends.gymnasium_game import GymnasiumGame
from envs.errors import UsageError
from tests.helpers import launching, paths

pytest.importorskip('mujoco', reason='without requirements-mujoco.txt there are no robots')
ROBOTS = {'HalfCheetah-v5': 17, 'Walker2d-v5': 17, 'Hopper-v5': 11, 'Ant-v5': 105}


@pytest.mark.parametrize('name, size', ROBOTS.items())
def test_snapshots_are_exact(name, size):
    game, other = GymnasiumGame(name), GymnasiumGame(name)
    assert game.observation_space.shape == (size,) and game.max_episode_frames == 1000
    game.reset(seed=3)
    game.action_space.seed(0)
    for _ in range(30):
        game.step(2.0 * game.action_space.sample())
    other.reset(seed=4)
    other.restore(game.snapshot())
    np.testing.assert_array_equal(game.screen(), other.screen())
    for _ in range(20):
        action = game.action_space.sample()
        one, two = game.step(action), other.step(action)
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:4] == two[1:4]
    for each in (game, other):
        each.close()


def test_what_concerns_the_user_is_logged_and_noise_is_not(capfd, caplog, tmp_path, monkeypatch):
    import mujoco

    monkeypatch.chdir(tmp_path)
    GymnasiumGame('HalfCheetah-v5').close()
    assert (capfd.readouterr().err, caplog.messages, list(tmp_path.iterdir())) == ('', [], [])
    mujoco.get_mju_user_warning()('the robot explodes\n')
    assert caplog.messages == ['MuJoCo: the robot explodes']


def drawn(folder, game, script):
    """Output of a script in a process of its own, as in training; skips if nothing can be drawn.

    OpenGL does not go with TensorFlow everywhere.
    """
    environment = {**os.environ, 'PYTHONPATH': str(paths.ROOT)}
    for name in ('DISPLAY', 'MUJOCO_GL'):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, '-c', script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = done.stderr.splitlines()[-1]
        assert f'UsageError: {game} cannot be drawn' in last and 'libegl1' in last
        pytest.skip(last)
    assert done.stderr == ''
    return done.stdout


def test_a_robot_is_drawn_or_it_is_said_what_is_missing(tmp_path):
    script = """if True:
        from envs.backends.gymnasium_game import GymnasiumGame

        game = GymnasiumGame('Hopper-v5')
        game.reset(seed=0)
        picture = game.render()
        print(picture.shape, picture.std() > 10)
        game.close()
    """
    assert drawn(tmp_path, 'Hopper-v5', script) == '(480, 480, 3) True\n'


def test_the_camera_follows_a_robot_that_has_run_far(tmp_path):
    script = """if True:
        import numpy as np
        from envs.backends.gymnasium_game import GymnasiumGame

        game = GymnasiumGame('HalfCheetah-v5')
        game.reset(seed=0)
        env = game._env.unwrapped
        for metres in (0.0, 30.0):
            env.set_state(env.init_qpos + metres * (np.arange(9) == 0), env.init_qvel)
            red, green, blue = np.moveaxis(game.render().astype(int), -1, 0)
            print((red > blue + 40).sum() > 1000)  # The robot is the one thing that is orange.
        game.close()
    """
    assert drawn(tmp_path, 'HalfCheetah-v5', script) == 'True\nTrue\n'


def test_without_mujoco_the_command_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(UsageError) as refusal:
        mujoco.prepare('Ant-v5')
    wanted = 'Ant-v5 needs MuJoCo: .venv/bin/pip install -r requirements-mujoco.txt'
    assert str(refusal.value) == wanted


def test_a_robot_is_trained_and_evaluated(tmp_path):
    code, out, err = launching.run(
        tmp_path, 'train_a2c', '--game=HalfCheetah-v5', '--run_dir=run', '--total_steps=320',
        '--eval_period=0', '--log_period=160', '--max_episode_steps=20',
    )  # fmt: skip
    assert (code, err) == (0, '') and 'preset mujoco' in out
    code, out, err = launching.run(
        tmp_path, 'evaluate', '--run_dir=run', '--episodes=2', '--greedy', '--json=result.json'
    )
    assert (code, err) == (0, '') and (tmp_path / 'result.json').exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ['result.json', 'run']
