"""The picture of the scores: running means, ticks, and the line itself, read from its pixels."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from agents.runs import score_plot
from tests.helpers.paths import ROOT

STEPS = np.arange(1, 101) * 200
DRAW = 'import sys; from agents.runs import score_plot; score_plot.write(sys.argv[1])'


def pixels_of(content, color):
    """Whether each pixel of a PNG file has a color, `[540, 960]`."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (540, 960, 3)
    return (picture == np.array([*bytes.fromhex(color[1:])][::-1], np.uint8)).all(axis=2)


@pytest.fixture
def run_dir(tmp_path):
    """A run of one episode."""
    (tmp_path / 'episodes.csv').write_text('step,env,score\n200,0,-1300.5\n')
    return tmp_path


def test_running_means_look_back():
    scores = np.random.default_rng(0).normal(size=30)
    wanted = [scores[max(i - 6, 0) : i + 1].mean() for i in range(30)]
    np.testing.assert_allclose(score_plot.running_means(scores, 7), wanted)


@pytest.mark.parametrize(
    'low, high', [(0, 20_000), (-1600, -3), (0, 1), (3.2, 3.3), (-5, 1e6), (0, 1e-9), (7, 7)]
)
def test_all_scores_and_their_means_are_within_the_axes(low, high):
    scores = np.linspace(low, high, len(STEPS))
    [axes] = score_plot.figure(STEPS, scores).axes
    dots, line = axes.lines
    np.testing.assert_array_equal(dots.get_xydata(), np.stack([STEPS, scores], axis=1))
    np.testing.assert_array_equal(line.get_ydata(), score_plot.running_means(scores, 10))
    assert axes.get_xlim()[0] == 0 and axes.get_xlim()[1] >= STEPS[-1]
    assert axes.get_ylim()[0] < low <= high < axes.get_ylim()[1]
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert len(ticks) <= 13


def test_the_line_is_where_the_scores_are():
    """A score that is 0 for long and then 10 is a line from the lower end to the upper one."""
    scores = np.where(STEPS > 10_000, 10.0, 0.0)
    line = pixels_of(score_plot.png(STEPS, scores, 'title'), score_plot._LINE)
    line[:50] = False  # The legend.
    left, right = (np.flatnonzero(part.any(axis=1)) for part in (line[:, 200:300], line[:, 800:]))
    assert 0 < len(left) <= 3 and 0 < len(right) <= 3
    assert left.min() > 450 and right.max() < 100


@pytest.mark.parametrize('title', ['runs', 'a$b$c', r'$\frac', '中文', '\udcff', 'x' * 200])
def test_every_name_of_a_directory_makes_a_title(title):
    assert pixels_of(score_plot.png(STEPS, STEPS / 7.0, title), score_plot._DOTS).any()


def test_one_episode_is_enough_and_none_is_no_picture(run_dir):
    score_plot.write(str(run_dir))
    assert sorted(file.name for file in run_dir.iterdir()) == ['episodes.csv', 'score.png']
    assert pixels_of((run_dir / 'score.png').read_bytes(), score_plot._DOTS).any()
    (run_dir / 'score.png').unlink()
    (run_dir / 'episodes.csv').write_text('step,env,score\n')
    score_plot.write(str(run_dir))
    assert [file.name for file in run_dir.iterdir()] == ['episodes.csv']


@pytest.mark.parametrize('home', [{}, {'HOME': '/proc/1'}, {'HOME': 'settings'}])
def test_no_home_display_or_settings_of_the_user_are_wanted(run_dir, home):
    """Matplotlib warns of a home that it cannot write to, and reads `matplotlibrc` where it is."""
    (run_dir / 'settings').mkdir()
    (run_dir / 'matplotlibrc').write_text('text.usetex: True\nsavefig.dpi: 30\nno.such: 1\n')
    variables = {'PYTHONPATH': str(ROOT), 'PYTHONDONTWRITEBYTECODE': '1', **home}
    command = [sys.executable, '-c', DRAW, '.']
    told = subprocess.run(command, cwd=run_dir, env=variables, capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b'', b'')
    assert pixels_of((run_dir / 'score.png').read_bytes(), score_plot._DOTS).any()


def test_a_picture_that_cannot_be_drawn_is_as_one_that_cannot_be_written(run_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    with pytest.raises(OSError, match=r'score.png cannot be drawn: import of matplotlib'):
        score_plot.write(str(run_dir))
    assert os.listdir(run_dir) == ['episodes.csv']
