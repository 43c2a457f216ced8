"""Mistakes of a user: one line, exit code 2, nothing written, before TensorFlow is imported."""

import concurrent.futures
import os
import re
import subprocess
import sys

import pytest

from tests.helpers import bad_inputs, launching, paths

TABLE_FOR_PEOPLE = paths.ROOT / 'research' / 'reliability' / 'BAD_INPUTS.md'


def complaint_about(row, places):
    """Complaint about the way a script refuses, or ''."""
    flags = [flag.format(**places) for flag in row.flags]
    variables = {name: value.format(**places) for name, value in row.variables.items()}
    code, out, err = launching.run(places['work'], row.script, *flags, **variables)
    told = row.script == 'roms' or out == ''  # What became of each file, before the line.
    right = code == 2 and told and re.fullmatch(r'error: [^\n]+\n', err) and err[:-1].isprintable()
    if right and row.line.format(**places) in err:
        return ''
    return f'{row.what} {row.script} {" ".join(flags)}: exit code {code}\n{out}{err}'


@pytest.mark.parametrize('title', bad_inputs.TABLE)
def test_mistakes_are_told_in_one_line(tmp_path, title):
    rows = bad_inputs.TABLE[title]
    common = bad_inputs.make_places(tmp_path)
    places = [
        {**common, 'good': bad_inputs.make_run(tmp_path / f'good{i}', row.files)}
        if row.files
        else common
        for i, row in enumerate(rows)
    ]
    before = sorted(tmp_path.rglob('*'))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = '\n'.join(filter(None, pool.map(complaint_about, rows, places)))
    assert complaints == ''
    assert sorted(tmp_path.rglob('*')) == before


def test_the_table_for_people_is_that_of_the_tests():
    assert sum(map(len, bad_inputs.TABLE.values())) >= 120
    made = 'python -m tests.helpers.bad_inputs > research/reliability/BAD_INPUTS.md'
    assert TABLE_FOR_PEOPLE.read_text() == bad_inputs.render(), made


@pytest.mark.parametrize(
    'variables',
    [
        {'COLUMNS': 'abc'},
        {'TMPDIR': '/nonexistent'},
        {'PYTHONIOENCODING': 'ascii'},
        {'HOME': '/no'},
    ],
    ids=str,
)
def test_odd_variables_do_not_matter(tmp_path, variables):
    code, out, err = launching.run(tmp_path, 'train_a2c', '--help', **variables)
    assert (code, err) == (0, '') and '--discount=0.99' in out


def test_another_backend_of_keras_does_not_matter(tmp_path):
    flags = f'--run_dir={bad_inputs.GOOD_RUN}', '--episodes=1'
    code, out, err = launching.run(tmp_path, 'evaluate', *flags, KERAS_BACKEND='jax')
    assert (code, err) == (0, '') and 'mean score' in out


@pytest.mark.parametrize('name, flags', [('train_a2c', ['--game=Doom']), ('evaluate', [])])
def test_mistakes_are_told_before_tensorflow_is_imported(tmp_path, name, flags):
    code, _, err = launching.run(tmp_path, name, *flags, PYTHONPROFILEIMPORTTIME='1')
    imported = {line.rpartition('|')[2].strip() for line in err.splitlines()}
    assert code == 2 and 'agents.configs.actor_critic' in imported
    assert (
        not {'tensorflow', 'keras', 'agents.actor_critic.a2c', 'agents.evaluation.report'}
        & imported
    )


@pytest.mark.parametrize(
    'name',
    [
        'train',
        'train_a2c',
        'train_a3c',
        'train_ddpg',
        'train_td3',
        'train_dqn',
        'train_reinforce',
        'evaluate',
        'tensorboard',
        'roms',
        'doctor',
    ],
)
def test_help_fits_a_terminal(tmp_path, name):
    code, out, err = launching.run(tmp_path, name, '--help')
    assert (code, err) == (0, '')
    assert out.startswith({'train': 'Quick start', 'evaluate': 'Evaluate'}.get(name, ''))
    assert f'Usage: ./run {name} [--name=value ...]' in out
    assert max(map(len, out.splitlines())) <= 80
    topics = out.split('\n\n')[2:]
    assert topics and all(topic.count('\n') < 34 for topic in topics)


@pytest.mark.parametrize('name', ['train_a2c', 'tensorboard'])
def test_a_reader_that_goes_away_is_no_error(tmp_path, name):
    """Acts like `./run train_a2c --help | head`; the longer help does not fit into a buffer."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, '-m', f'launch.{name}', '--help'],
        env={**os.environ, 'PYTHONPATH': str(paths.ROOT)},
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b'')


def test_help_tells_defaults_and_units(tmp_path):
    code, out, _ = launching.run(tmp_path, 'train_a2c', '--help')
    assert code == 0
    assert '--discount=0.99             Discount γ per agent step.' in out
    assert '--[no]resume' in out and '--preset=auto' in out
    assert 'logtostderr' not in out  # Flags of absl, of which nobody asked.
