"""Tables of a run, which a resumed run continues, and events for TensorBoard."""

import csv
import math

import numpy as np
import pytest

from agents.evaluation.results import Episode, Evaluation
from agents.learning.metrics import GUARD_COUNTS, TrainMetrics
from agents.runs import console, logger
from agents.runs.logger import Logger
from tests.helpers.events import event_steps, event_values

COUNTS = dict.fromkeys((*GUARD_COUNTS, 'restarts'), 0)


def update(value):
    return TrainMetrics(*(value + i for i in range(len(TrainMetrics._fields))))


def episode(step, score):
    return {
        'step': step, 'env': 0, 'level': 'L1', 'return': score / 10, 'score': score, 'length': 5,
        'frames': 20, 'value': 0.5, 'terminated': True, 'truncated': False,
    }  # fmt: skip


def rows(directory, name='metrics'):
    with open(directory / f'{name}.csv', newline='') as file:
        return list(csv.DictReader(file))


def without_machine(table):
    return [
        {key: value for key, value in row.items() if key not in logger.MACHINE_METRICS}
        for row in table
    ]


def write_period(log, step):
    """Two updates and an episode, then a row."""
    log.note(update(float(step)), [episode(step - 5, step)])
    log.note(update(float(step + 1)), [])
    return log.write(step, 4 * step, 0.1, COUNTS)


def evaluation():
    episodes = tuple(Episode(score, 0.5, 3, '', True, False) for score in (1.0, 3.0))
    return Evaluation('game', 'sampled', episodes)


def test_a_row_is_the_mean_of_its_period(tmp_path):
    log = Logger(str(tmp_path))
    write_period(log, 100)
    write_period(log, 200)
    log.close()
    first, second = rows(tmp_path)
    assert list(first) == list(logger.METRICS)
    assert (first['steps'], first['frames'], first['episodes']) == ('100', '400', '1')
    assert float(first['policy_loss']) == 100.5
    assert float(second['policy_loss']) == 200.5  # Of its own updates only.
    assert float(second['grad_norm']) == 205.5
    assert float(second['episode_score']) == 150.0  # Of the last hundred episodes.
    assert float(second['episode_return']) == 15.0
    assert 50 < float(first['rss_mb']) < 10_000


def test_each_worker_has_curves_of_its_own(tmp_path):
    """Means of the episodes since the last row, in a run of TensorBoard beside that of all."""
    log = Logger(str(tmp_path))
    log.note(update(0.0), [{**episode(10, 2.0), 'worker': 3}, {**episode(20, 4.0), 'worker': 3}])
    log.write(100, 400, 0.1, COUNTS)
    log.note(update(0.0), [{**episode(110, 6.0), 'worker': 0}])
    state = log.state()
    log.close()
    log = Logger(str(tmp_path), 100)
    log.set_state(state)
    log.write(200, 800, 0.1, COUNTS)
    log.close()
    found = {worker: event_values(tmp_path / 'workers' / str(worker)) for worker in (0, 3)}
    assert found[3]['rollout/episode_score'] == (100, 3.0)
    assert found[0]['rollout/episode_score'] == (200, 6.0)
    assert found[0]['rollout/episode_value'] == (200, 0.5)
    assert set(found[0]) == {
        f'rollout/episode_{key}' for key in ('return', 'score', 'length', 'value')
    }
    assert sorted(path.name for path in (tmp_path / 'workers').iterdir()) == ['0', '3']


def test_without_an_episode_its_columns_are_empty(tmp_path):
    log = Logger(str(tmp_path))
    log.note(update(1.0), [])
    row = log.write(10, 40, 0.1, COUNTS)
    log.close()
    assert (row['episode_return'], row['episodes']) == ('', 0)
    assert rows(tmp_path)[0]['episode_return'] == ''


def test_skipped_updates_are_counted_but_are_no_part_of_the_means(tmp_path):
    log = Logger(str(tmp_path))
    bad = update(1.0)._replace(value_loss=math.nan)
    log.note(bad, [episode(5, 3.0)])
    row = log.write(10, 40, 0.1, {**COUNTS, 'skipped_updates': 1})
    assert (row['policy_loss'], row['entropy'], row['episodes']) == ('', '', 1)
    log.note(update(2.0), [])
    log.note(bad, [])
    guards = {'skipped_updates': 2, 'collapse_alarms': 3, 'rollbacks': 4}
    log.write(20, 80, 0.1, {**COUNTS, **guards})
    log.write_alarm(20, 'a collapse?')
    log.close()
    first, second = rows(tmp_path)
    assert (first['value_loss'], first['skipped_updates']) == ('', '1')
    assert (second['policy_loss'], second['value_loss']) == ('2.0', '3.0')
    found = event_values(tmp_path)
    assert [found[f'guard/{name}'] for name in GUARD_COUNTS] == [(20, 2), (20, 3), (20, 4)]
    assert found['guard/alarm'] == (20, b'a collapse?')
    assert 'no update was made' in console._long({**row, 'episode_score': 3.0})


def test_the_window_holds_a_hundred_episodes(tmp_path):
    log = Logger(str(tmp_path))
    log.note(update(0.0), [episode(i, float(i)) for i in range(150)])
    row = log.write(150, 600, 0.1, COUNTS)
    log.close()
    assert row['episode_score'] == np.mean(range(50, 150))
    assert len(rows(tmp_path, 'episodes')) == 150


def test_every_episode_and_evaluation_is_a_row(tmp_path):
    log = Logger(str(tmp_path))
    write_period(log, 100)
    log.write_evaluation(100, evaluation())
    log.close()
    [ended] = rows(tmp_path, 'episodes')
    assert (ended['step'], ended['level'], ended['score']) == ('95', 'L1', '100')
    [result] = rows(tmp_path, 'evaluations')
    assert (float(result['mean_score']), float(result['standard_error'])) == (2.0, 1.0)


def test_a_resumed_logger_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    for directory in (whole, broken):
        directory.mkdir()
        log = Logger(str(directory))
        write_period(log, 100)
        log.write_evaluation(100, evaluation())
        log.note(update(7.0), [episode(105, 9.0)])  # In the middle of a period.
        if directory == broken:
            state = log.state()
            log.note(update(8.0), [episode(110, 8.0)])
            log.write(120, 480, 0.1, COUNTS)  # Lost: after the last checkpoint.
            log.write_evaluation(120, evaluation())
            log.close()
            with open(directory / 'metrics.csv', 'a') as file:
                file.write('13')  # A line that was being written.
            log = Logger(str(directory), 105, {'log': 100, 'evaluation': 100})
            log.set_state(state)
            log.write_text('agent', {'learning_rate': 0.1})
        write_period(log, 200)
        log.close()
    for name in ('metrics', 'episodes', 'evaluations'):
        assert without_machine(rows(broken, name)) == without_machine(rows(whole, name))
    assert event_steps(broken, 'train/entropy') == event_steps(whole, 'train/entropy') == [100, 200]
    seconds = [float(row['wall_seconds']) for row in rows(broken)]
    assert seconds == sorted(seconds)
    assert not list(broken.glob('*.partial'))


def test_rows_of_a_version_with_fewer_columns_are_kept(tmp_path):
    log = Logger(str(tmp_path))
    for step in (100, 200):
        write_period(log, step)
    log.close()
    before = rows(tmp_path)
    lines = (tmp_path / 'metrics.csv').read_text().splitlines()
    assert lines[0].endswith(',restarts')
    old = '\n'.join(line.rpartition(',')[0] for line in lines)
    (tmp_path / 'metrics.csv').write_text(old + '\n150,600')
    log = Logger(str(tmp_path), 150)
    log.note(update(7.0), [])
    log.write(200, 800, 0.1, {**COUNTS, 'restarts': 3})
    log.close()
    first, second = rows(tmp_path)
    assert first == {**before[0], 'restarts': ''}
    assert (second['steps'], second['restarts']) == ('200', '3')


def test_the_same_is_in_the_events(tmp_path):
    log = Logger(str(tmp_path))
    log.write_text('agent', {'learning_rate': 0.1})
    write_period(log, 100)
    log.write_evaluation(100, evaluation())
    log.close()
    values = event_values(tmp_path)
    assert values['train/policy_loss'] == (100, 100.5)
    assert values['rollout/episode_score'] == (100, 100.0)
    assert values['time/frames'] == (100, 400.0)
    assert values['time/restarts'] == (100, 0.0)
    assert values['eval/sampled_mean_score'] == (100, 2.0)
    assert b'| learning_rate | `0.1` |' in values['agent'][1].item()


ROW = {
    'steps': 1_250_000, 'frames': 5_000_000, 'steps_per_second': 1234.5,
    'episode_return': -1234.567, 'episode_score': -2000.0, 'entropy': 0.5,
}  # fmt: skip


def test_the_display_fits_a_narrow_terminal():
    text = console._short(ROW, '10:20:30')
    assert text == '1.25M steps  5.00M frames  1,234/s  return -1235  10:20:30 left'
    assert len(text) + len('━' * 8 + ' 100% ') <= 79
    assert 'no return' in console._short({**ROW, 'episode_return': ''}, '1:00')


def test_a_line_tells_steps_and_frames_in_full():
    text = console._long(ROW)
    assert '1,250,000 steps (5,000,000 frames)' in text and 'score -2000.0' in text
    assert 'no episode has ended yet' in console._long({**ROW, 'episode_return': ''})


@pytest.mark.parametrize(
    'number, text',
    [(0, '0'), (999, '999'), (1000, '1.00k'), (80_000, '80.0k'), (123_456, '123k'),
     (10_000_000, '10.0M')],
)  # fmt: skip
def test_counts_have_three_digits(number, text):
    assert console._count(number) == text


def test_the_time_left_is_told_from_the_speed_of_this_session(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(console.time, 'monotonic', lambda: now[0])
    progress = console.Progress(total_steps=10_000, steps=4_000)
    now[0] += 60
    assert progress._time_left(5_000) == '5:00'
    now[0] += 60 * 60
    assert progress._time_left(6_000) == '2:02:00'
    assert progress._time_left(10_000) == '0:00'
    assert math.isclose(now[0], 4660.0)


def test_the_time_left_forgets_a_quick_beginning(monkeypatch):
    """Agents with a replay memory step without learning at first, twenty times as fast."""
    now = [0.0]
    monkeypatch.setattr(console.time, 'monotonic', lambda: now[0])
    progress = console.Progress(total_steps=100_000)
    for done in range(1_000, 60_001, 1_000):
        now[0] += 1.0 if done <= 10_000 else 20.0
        left = progress._time_left(done)
    assert left == '13:20'
