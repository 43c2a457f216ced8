"""The picture of the scores: running means, ticks, and the line itself, read from its pixels."""

import cv2
import numpy as np
import pytest

from agents.runs import score_plot

STEPS = np.arange(1, 101) * 200


def rows_of(picture, color):
    return np.flatnonzero((picture == np.array(color, np.uint8)).all(axis=2).any(axis=1))


def test_running_means_look_back():
    scores = np.random.default_rng(0).normal(size=30)
    wanted = [scores[max(i - 6, 0) : i + 1].mean() for i in range(30)]
    np.testing.assert_allclose(score_plot.running_means(scores, 7), wanted)


@pytest.mark.parametrize(
    'low, high', [(0, 20_000), (-1600, -3), (0, 1), (3.2, 3.3), (-5, 1e6), (0, 1e-9), (7, 7)]
)
def test_ticks_are_few_and_round_and_hold_everything(low, high):
    ticks = score_plot.ticks(low, high)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-9 and high - 1e-9 <= ticks[-1] and 4 <= len(ticks) <= 13
    np.testing.assert_allclose(np.diff(ticks), step, rtol=1e-6)
    assert f'{step:.0e}'[0] in '125' and np.isclose(step, float(f'{step:.0e}'))


def test_the_line_is_where_the_scores_are():
    """A score that is 0 for long and then 10 is a line from the lower end to the upper one."""
    scores = np.where(STEPS > 10_000, 10.0, 0.0)
    picture = score_plot.draw(STEPS, scores)
    line = rows_of(picture, score_plot._LINE)
    assert picture.shape == (540, 960, 3)
    assert abs(line.max() - 480) <= 2 and abs(line.min() - 50) <= 2
    left, right = picture[:, 200:300], picture[:, 800:900]
    assert rows_of(left, score_plot._LINE).min() > 470
    assert rows_of(right, score_plot._LINE).max() < 60


def test_one_episode_is_enough_and_none_is_no_picture(tmp_path):
    path = tmp_path / 'episodes.csv'
    path.write_text('step,env,score\n')
    score_plot.write(str(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ['episodes.csv']
    path.write_text('step,env,score\n200,0,-1300.5\n')
    score_plot.write(str(tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ['episodes.csv', 'score.png']
    picture = cv2.imread(str(tmp_path / 'score.png'))
    assert picture.shape == (540, 960, 3) and len(rows_of(picture, score_plot._DOTS)) > 0
