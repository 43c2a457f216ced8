"""Runs repeat themselves, and interrupted runs continue as if nothing had happened."""

import csv
import os
import shlex
import shutil
import signal

import numpy as np
import pytest

from agents.storage import checkpoints
from tests.helpers import launching
from tests.helpers.runs import assert_same_run, finish, interrupt, last_state, num_rows, table
from tests.helpers.trees import first_difference

# Presets are left alone: they may be tuned without changing what is tested here.
CART_POLE = (
    '--preset=none', '--game=CartPole-v1', '--network=mlp', '--action_repeat=1', '--frame_stack=1',
    '--num_envs=2', '--total_steps=3000', '--log_period=100', '--checkpoint_period=600',
    '--eval_period=1200', '--eval_episodes=2', '--seed=3', '--lr_schedule=constant',
)  # fmt: skip
PICTURES = (
    '--preset=none', '--network=a3c', '--num_envs=2', '--eval_period=0', '--seed=3',
    '--optimizer=adam',
)  # fmt: skip
DOOM = (
    *PICTURES, '--game=VizdoomDefendLine-v1', '--total_steps=600', '--log_period=40',
    '--lstm_units=8', '--feed_last_action_reward', '--game_variables=all',
)  # fmt: skip
AIRSTRIKER = (
    *PICTURES, '--game=Airstriker-Genesis', '--total_steps=1500', '--log_period=50',
    '--checkpoint_period=300', '--sticky_actions=0.25', '--noop_max=30',
)  # fmt: skip


def start(folder, flags):
    run_dir = folder / 'run'
    return launching.Script(folder, 'train_a2c', f'--run_dir={run_dir}', *flags), run_dir


def whole_run(tmp_path_factory, flags):
    script, run_dir = start(tmp_path_factory.mktemp('whole'), flags)
    out = finish(script)
    return run_dir, out


@pytest.fixture(scope='module')
def cart_pole(tmp_path_factory):
    return whole_run(tmp_path_factory, CART_POLE)[0]


def test_an_interrupted_run_continues_exactly(cart_pole, tmp_path):
    """Ctrl-C, then SIGTERM, then SIGKILL; each time it goes on as the last line says."""
    script, run_dir = start(tmp_path, CART_POLE)
    for number, rows in ((signal.SIGINT, 3), (signal.SIGTERM, 8)):
        flags = interrupt(script, run_dir, number, rows)
        assert num_rows(run_dir) < 30
        script = launching.Script(tmp_path, 'train_a2c', *flags)
    script.wait_until(lambda: num_rows(run_dir) >= 16)
    script.process.kill()
    script.wait()
    assert launching.wait_for_the_end_of(script) == []
    assert num_rows(run_dir) < 30
    out = finish(launching.Script(tmp_path, 'train_a2c', *flags))
    assert 'the resumed run' in out and 'continuing at ' in out
    assert_same_run(run_dir, cart_pole)
    names = sorted(os.listdir(run_dir / 'checkpoints'))
    assert (len(names), names[0]) == (4, 'best.zip')


def test_the_end_is_logged_and_evaluated_once(cart_pole):
    assert [row['steps'] for row in table(cart_pole, 'metrics')] == [
        str(steps) for steps in range(100, 3001, 100)
    ]
    assert [row['step'] for row in table(cart_pole, 'evaluations')] == ['1200', '2400', '3000']
    assert last_state(cart_pole)['last'] == {'log': 3000, 'evaluation': 3000, 'checkpoint': 3000}


def test_a_whole_checkpoint_of_something_else_is_refused(cart_pole, tmp_path):
    run_dir = shutil.copytree(cart_pole, tmp_path / 'run')
    (path, *_) = checkpoints.paths(str(run_dir / 'checkpoints'))
    tree = checkpoints.load(path)
    tree['agent']['weights'].pop()
    checkpoints.write(path, tree)
    before = (run_dir / 'metrics.csv').read_bytes()
    flags = (f'--run_dir={run_dir}', '--resume', '--total_steps=4000')
    code, _, err = launching.run(tmp_path, 'train_a2c', *flags)
    assert code == 2 and err.startswith('error: --resume: nothing goes on from ')
    assert 'ValueError: ' in err and err.count('\n') == 1
    assert (run_dir / 'metrics.csv').read_bytes() == before


def test_another_seed_is_another_run(cart_pole, tmp_path):
    flags = (*CART_POLE, '--seed=4', '--total_steps=300', '--eval_period=0')
    script, run_dir = start(tmp_path, flags)
    finish(script)
    other, same = table(run_dir, 'metrics'), table(cart_pole, 'metrics')[:3]
    assert len(other) == 3
    for key in ('policy_loss', 'entropy', 'grad_norm'):
        assert other[0][key] != same[0][key]


def test_a_finished_run_can_be_made_longer(cart_pole, tmp_path):
    """It goes on from the end; neither the evaluation there nor anything else is repeated."""
    script, run_dir = start(tmp_path, (*CART_POLE, '--total_steps=1400'))
    finish(script)
    assert [row['step'] for row in table(run_dir, 'evaluations')] == ['1200', '1400']
    longer = ('--resume', f'--run_dir={run_dir}', '--total_steps=3000', '--eval_period=0')
    finish(launching.Script(tmp_path, 'train_a2c', *longer))
    assert table(run_dir, 'metrics') == table(cart_pole, 'metrics')
    weights = [last_state(path)['agent']['weights'] for path in (run_dir, cart_pole)]
    assert first_difference(*weights) == ''
    assert len(table(run_dir, 'evaluations')) == 2


def test_an_interrupted_evaluation_is_made_up_for(tmp_path):
    flags = ('--total_steps=400', '--eval_period=200', '--eval_episodes=60')
    script, run_dir = start(tmp_path, (*CART_POLE, *flags))
    flags = interrupt(script, run_dir, signal.SIGTERM, 2)  # The evaluation follows the row.
    assert last_state(run_dir)['last'] == {'log': 200, 'evaluation': 0, 'checkpoint': 200}
    assert table(run_dir, 'evaluations') == []
    finish(launching.Script(tmp_path, 'train_a2c', *flags))
    assert [row['step'] for row in table(run_dir, 'evaluations')] == ['200', '400']


def test_a_changed_setting_is_refused_when_resuming(cart_pole, tmp_path):
    flags = ('--resume', f'--run_dir={cart_pole}', '--discount=0.5')
    code, out, err = launching.run(tmp_path, 'train_a2c', *flags)
    assert (code, out) == (2, '')
    assert err == 'error: --resume: --discount was 0.99 in this run, now it is 0.5\n'


def test_diverging_stops_in_one_line_and_saves_no_damage(tmp_path):
    flags = (*CART_POLE, '--learning_rate=1e30', '--max_grad_norm=0', '--checkpoint_period=10')
    script, run_dir = start(tmp_path, flags)
    code, _, err = script.wait()
    assert code == 2
    assert err.startswith('error: training diverged before step ') and err.count('\n') == 1
    assert not (run_dir / 'model').exists()
    for array in last_state(run_dir)['agent']['weights']:
        assert np.isfinite(array).all()


@pytest.mark.parametrize('name', ['train_a2c', 'train_a3c'])
def test_too_many_failures_end_a_run_that_can_go_on(tmp_path, name):
    run_dir = tmp_path / 'run'
    flags = [flag for flag in CART_POLE if name == 'train_a2c' or 'num_envs' not in flag]
    flags += [f'--run_dir={run_dir}', '--eval_period=0', '--total_steps=20000']
    script = launching.Script(tmp_path, name, *flags, '--max_restarts=1')
    for rows in (3, 6):
        script.wait_until(lambda rows=rows: num_rows(run_dir) >= rows)
        # A worker leads a group of processes.
        os.kill(next(p for p in script.members() if os.getpgid(p) == p), signal.SIGKILL)
    code, out, err = script.wait()
    assert code == 2, err
    *warnings, last = err.splitlines()
    wanted = 'error: --max_restarts: workers failed more than 1 times within an hour, the last time'
    assert last.startswith(f'{wanted}: environment') and 'died (SIGKILL)' in last
    assert len(warnings) == 2 and all('Replaced a worker: ' in line for line in warnings)
    saved, _, more = out.splitlines()[-1].partition('continue with: ')
    assert saved.startswith('too many restarts: saved at ')
    assert (run_dir / 'model' / 'final' / 'model.keras').exists()
    before = last_state(run_dir)['agent']['num_steps']
    assert 500 < before < 20000
    more = [*shlex.split(more)[2:], '--max_restarts=0', f'--total_steps={before + 400}']
    finish(launching.Script(tmp_path, name, *more))
    with open(run_dir / 'metrics.csv', newline='') as file:
        restarts = [row['restarts'] for row in csv.DictReader(file)]
    assert restarts[0] == '0' and restarts[-1] == '2'


def test_doom_repeats_itself_and_continues_exactly(tmp_path_factory, tmp_path):
    whole, _ = whole_run(tmp_path_factory, DOOM)
    script, run_dir = start(tmp_path, DOOM)
    flags = interrupt(script, run_dir, signal.SIGTERM, 4)
    assert num_rows(run_dir) < 15
    finish(launching.Script(tmp_path, 'train_a2c', *flags))
    assert_same_run(run_dir, whole)


def test_a3c_with_one_worker_continues_exactly(tmp_path):
    flags = [flag for flag in CART_POLE if 'num_envs' not in flag]
    flags += ['--num_workers=1', '--envs_per_worker=2', '--total_steps=1800']
    folders = [tmp_path / name for name in ('whole', 'broken')]
    for folder in folders:
        folder.mkdir()
    finish(launching.Script(folders[0], 'train_a3c', '--run_dir=run', *flags))
    run_dir = folders[1] / 'run'
    script = launching.Script(folders[1], 'train_a3c', f'--run_dir={run_dir}', *flags)
    flags = interrupt(script, run_dir, signal.SIGTERM, 5, 'train_a3c')
    finish(launching.Script(folders[1], 'train_a3c', *flags))
    assert_same_run(run_dir, folders[0] / 'run')


def test_a3c_saves_when_it_is_asked_to_stop_and_goes_on(tmp_path):
    """Numbers differ, as workers do not wait for each other, but no step and no file is lost."""
    run_dir = tmp_path / 'run'
    flags = [flag for flag in CART_POLE if 'num_envs' not in flag]
    workers = ('--num_workers=3', '--lstm_units=4', f'--run_dir={run_dir}')
    script = launching.Script(tmp_path, 'train_a3c', *flags, *workers)
    for number, rows in ((signal.SIGINT, 3), (signal.SIGTERM, 8)):
        flags = interrupt(script, run_dir, number, rows, 'train_a3c')
        assert num_rows(run_dir) < 30
        script = launching.Script(tmp_path, 'train_a3c', *flags)
    finish(script)
    assert [int(row['steps']) for row in table(run_dir, 'metrics')] == list(range(100, 3001, 100))
    lengths = {}
    for row in table(run_dir, 'episodes'):
        lengths[row['env']] = lengths.get(row['env'], 0) + int(row['length'])
    state = last_state(run_dir)['agent']
    done = {str(i): r['num_steps'] // 3 for i, r in enumerate(state['runners'])}
    assert set(lengths) == set(done) and sum(done.values()) == 3000
    running = {env: done[env] - lengths[env] for env in done}
    assert all(0 <= steps <= 500 for steps in running.values())
    assert running == {str(i): int(r['lengths'][0]) for i, r in enumerate(state['runners'])}


@pytest.mark.slow
def test_airstriker_repeats_itself_and_continues_exactly(tmp_path_factory, tmp_path):
    whole, out = whole_run(tmp_path_factory, AIRSTRIKER)
    again, _ = whole_run(tmp_path_factory, AIRSTRIKER)
    assert_same_run(again, whole)
    assert 'Level1' in out
    script, run_dir = start(tmp_path, AIRSTRIKER)
    flags = interrupt(script, run_dir, signal.SIGTERM, 5)
    script = launching.Script(tmp_path, 'train_a2c', *flags)
    script.wait_until(lambda: num_rows(run_dir) >= 15)
    script.process.kill()
    script.wait()
    assert launching.wait_for_the_end_of(script) == []
    finish(launching.Script(tmp_path, 'train_a2c', *flags))
    assert_same_run(run_dir, whole)
