"""Levels from end to end: results by level, and a training on some that is tested on others."""

import csv
import json

import numpy as np
import pytest

from agents.evaluation import results
from agents.evaluation.results import Episode, Evaluation, LevelResult
from agents.learning.metrics import GUARD_COUNTS, TrainMetrics
from agents.runs.logger import Logger
from tests.helpers import launching
from tests.helpers.events import event_values

GAME = '--game=HillHopper-Genesis'
TRAIN = [f'{zone}Zone.Act{act}' for zone in ('Canyon', 'Glacier', 'Meadow') for act in (1, 3)]
TEST = [f'{zone}Zone.Act2' for zone in ('Canyon', 'Glacier', 'Meadow')]


def episode(level, score, length=100, progress=None):
    return Episode(score, score / 100, length, level, True, False, progress)


def test_results_by_level():
    episodes = [
        episode('b', 9900.0, 250, 1.0),
        episode('a', 100.0, 30, 0.25),
        episode('b', 9700.0, 300, 1.0),
        episode('a', 300.0, 20, 0.75),
    ]
    first, second = results.by_level(episodes)
    assert first == LevelResult('a', 2, 200.0, 0.5, 0.0, None)
    assert second == LevelResult('b', 2, 9800.0, 1.0, 1.0, 250)
    mean, half = results.mean_over([first, second])
    assert mean == 5000.0
    assert half == pytest.approx(12.706205 * np.std([200, 9800], ddof=1) / np.sqrt(2))


def test_what_a_game_does_not_tell_is_left_out():
    (result,) = results.by_level([episode('Level1', 5.0)])
    assert (result.mean_progress, result.completion_rate, result.best_length) == (None,) * 3
    content = Evaluation('Game', 'sampled', (episode('Level1', 5.0),)).as_json()
    assert 'levels' not in content and 'progress' not in content['episodes'][0]


def test_json_has_the_levels():
    content = Evaluation('G', 'sampled', (episode('a', 1.0, 9, 0.5), episode('b', 3.0))).as_json()
    assert [level['level'] for level in content['levels']] == ['a', 'b']
    assert content['levels'][0]['mean_progress'] == content['episodes'][0]['progress'] == 0.5
    assert content == json.loads(json.dumps(content))


def test_tensorboard_has_a_run_for_each_level(tmp_path):
    logger, counts = Logger(str(tmp_path)), dict.fromkeys((*GUARD_COUNTS, 'restarts'), 0)

    def note(step, level, value):
        about = {'step': step, 'env': 0, 'level': level, 'length': 5, 'frames': 20, 'value': 0.5,
                 'terminated': True, 'truncated': False}  # fmt: skip
        told = {'return': value, 'score': value, 'progress': value, 'completed': value >= 1.0}
        metrics = TrainMetrics(*[0.0] * len(TrainMetrics._fields))
        logger.note(metrics, [{**about, **told}])

    note(10, 'a', 0.5)
    row = logger.write(10, 40, 0.1, counts)
    assert not (tmp_path / 'levels').exists()  # One level is no comparison.
    assert (row['episode_progress'], row['episode_completed']) == (0.5, 0.0)
    for value in (0.25, 1.0):
        note(20, 'b', value)
    row = logger.write(20, 80, 0.1, counts)
    assert row['episode_completed'] == pytest.approx(1 / 3)
    logger.close()
    assert [path.name for path in (tmp_path / 'levels').iterdir()] == ['b']
    values = event_values(tmp_path / 'levels' / 'b')
    assert values['rollout/episode_progress'] == (20, 0.625)
    assert values['rollout/episode_completed'] == (20, 0.5)


def test_training_on_some_levels_and_testing_on_others(tmp_path):
    flags = (
        GAME, '--levels=train', '--num_envs=4', '--network=a3c', '--total_steps=400',
        '--log_period=200', '--eval_period=200', '--eval_episodes=2', '--max_episode_steps=12',
        '--run_dir=run',
    )  # fmt: skip
    code, out, err = launching.run(tmp_path, 'train_a2c', *flags)
    assert (code, err) == (0, '')
    assert 'preset hill_hopper' in out and 'a life is lost, the level is completed' in out
    assert '6 episodes: mean score' in out  # Of evaluations: as many of each level.
    run_dir = tmp_path / 'run'
    config = json.loads((run_dir / 'config.json').read_text())['environment']
    assert (config['levels'], config['reward']) == (TRAIN, 'contest')
    with open(run_dir / 'episodes.csv', newline='') as file:
        episodes = list(csv.DictReader(file))
    by_env = [[e['level'] for e in episodes if e['env'] == str(env)] for env in range(4)]
    for env, played in enumerate(by_env):
        assert len(played) > 6 and played == [TRAIN[(env + i) % 6] for i in range(len(played))]
    assert all(0.0 <= float(e['progress']) < 1.0 for e in episodes)
    assert sorted(path.name for path in (run_dir / 'levels').iterdir()) == sorted(TRAIN)

    code, out, err = launching.run(
        tmp_path, 'train_a2c', '--resume', '--run_dir=run', '--total_steps=600'
    )
    assert (code, err) == (0, '')

    flags = '--run_dir=run', '--levels=test', '--episodes=4', '--video=a.mp4', '--json=a.json'
    code, out, err = launching.run(tmp_path, 'evaluate', *flags)
    assert (code, err) == (0, '')
    assert 'HillHopper-Genesis by level' in out and 'mean of 3 levels: score' in out
    content = json.loads((tmp_path / 'a.json').read_text())
    assert [level['level'] for level in content['levels']] == TEST
    assert [level['num_episodes'] for level in content['levels']] == [2, 2, 2]
    assert (tmp_path / 'a.mp4').stat().st_size > 1000
