"""`./run` and `.ci/run`, run for real in a copy whose PATH holds only what a test puts there."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers import run_house
from tests.helpers.run_house import BASH, DONE, SET_UP, UPDATING, WANTED

INSTALL_ONE = ': install one, or name one with PYTHON=/path/to/python3.12'


@pytest.fixture
def house(tmp_path):
    return run_house.House(tmp_path)


@pytest.fixture
def finished_house(tmp_path):
    return run_house.finished_house(tmp_path)


@pytest.mark.parametrize('arguments', [[], ['help'], ['--help'], ['-h']])
def test_lists_what_there_is_without_any_python(house, arguments):
    code, out, err = house.run(*arguments)
    assert (code, err) == (0, [])
    assert out[0].startswith('Usage: ./run NAME [flags]')
    assert [' '.join(line.split()) for line in out[2:]] == [
        'evaluate Evaluates it.',
        'train Trains an agent.',
        'bench Measure agent steps per second, ours and those of Stable-Baselines3.',
        'test Run the tests; takes the arguments of pytest.',
        'lint Check format, style and types with ruff and mypy.',
    ]
    assert not house.venv.exists()


@pytest.mark.parametrize(
    'name, nearest',
    [
        ('trian', '; the nearest: train, lint'),
        ('flags_helper', ''),  # No main: not a launcher.
        ('_private', '; the nearest: evaluate'),
        ('../launch/train', '; the nearest: train'),
        ('qqq', ''),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(house, name, nearest):
    house.add_python()
    message = f"./run: there is no '{name}'{nearest}. ./run alone lists everything"
    assert house.run(name) == (2, [], [message])
    assert not house.venv.exists()


def test_an_unknown_name_is_refused_without_python_too(house):
    message = "./run: there is no 'trian'. ./run alone lists everything"
    assert house.run('trian') == (2, [], [message])


@pytest.mark.parametrize(
    'pythons, named, message',
    [
        ([], '', WANTED + ': sudo apt install python3 python3-venv'),
        (
            [('python3', '3.9', True)],
            '',
            WANTED + ', but python3 is 3.9' + INSTALL_ONE,
        ),
        (
            [('python3', '3.14', True)],
            '',
            WANTED + ', but python3 is 3.14' + INSTALL_ONE,
        ),
        (
            [('python3', '3.11', False)],
            '',
            './run: python3 cannot make a virtual environment: sudo apt install python3-venv',
        ),
        (
            [('python3', '3.14', True), ('python3.12', '3.12', False)],
            '',
            './run: python3.12 cannot make a virtual environment: sudo apt install python3.12-venv',
        ),
        (
            [('python3', '3.11', True), ('python3.9', '3.9', True)],
            'python3.9',
            WANTED + ', but python3.9 is 3.9' + INSTALL_ONE,
        ),
        (
            [('python3', '3.11', True)],
            '/no where/python',
            WANTED + ', but PYTHON=/no where/python cannot be run: sudo apt install python3 '
            'python3-venv',
        ),
    ],
)
def test_an_unusable_python_is_one_line(house, pythons, named, message):
    for name, version, has_venv in pythons:
        house.add_python(name, version, has_venv)
    assert house.run('train', PYTHON=named) == (2, [], [message])
    assert not house.venv.exists()


@pytest.mark.parametrize(
    'pythons, named, chosen',
    [
        ([('python3', '3.10'), ('python3.13', '3.13')], '', '3.10'),
        ([('python3', '3.14'), ('python3.12', '3.12')], '', '3.12'),
        ([('python3', '3.11'), ('python3.12', '3.12')], 'python3.12', '3.12'),
    ],
)
def test_which_python_is_chosen(house, pythons, named, chosen):
    for name, version in pythons:
        house.add_python(name, version)
    assert house.run('train', PYTHON=named)[0] == 0
    version = 'import sys; print("%d.%d" % sys.version_info[:2])'
    command = [house.venv / 'bin/python', '-c', version]
    assert subprocess.check_output(command, text=True).strip() == chosen


def test_python_with_venv_is_preferred_to_one_without(house):
    house.add_python('python3', '3.11', has_venv=False)
    house.add_python('python3.12', '3.12')
    assert house.run('train') == (0, [], [SET_UP, DONE])


@pytest.mark.parametrize('failing', ['ruff format', 'ruff check', 'mypy'])
def test_lint_runs_everything_and_fails_with_one(finished_house, failing):
    finished_house.run('lint')
    finished_house.asked()
    assert finished_house.run('lint', FAKE_FAILS=failing)[0] == 1
    assert len(finished_house.asked()) == 3


@pytest.mark.parametrize(
    'failing, worst', [('pytest', 6), ('mypy', 1), ('mypy,pytest', 6), ('nothing', 0)]
)
def test_ci_runs_lint_and_tests_and_tells_the_worst(finished_house, failing, worst):
    house = finished_house
    variables = {'CI': 'true', 'FAKE_FAILS': failing, 'FAKE_SAYS': 'wrong'}
    (house.repo / 'run').chmod(0o755)
    (house.bin / 'env').symlink_to(shutil.which('env'))
    (house.bin / 'bash').symlink_to(BASH)
    code, out, _ = house.run(script='.ci/run', cwd=house.repo.parent, **variables)
    assert code == worst
    headings = [line for line in out if line in ('== ./run lint', '== ./run test')]
    assert headings == ['== ./run lint', '== ./run test']
    assert house.asked()[-1] == '-m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile'


def test_a_real_venv_runs_a_launcher_from_any_folder(house, tmp_path):
    """One real .venv: arguments, exit code, current folder, path; then pip without network."""
    house.add_real_python()
    (house.repo / 'requirements.txt').write_text('# Nothing.\n')
    elsewhere = tmp_path / 'else where'
    (elsewhere / 'launch').mkdir(parents=True)  # Must not hide ours.
    link = tmp_path / 'link'
    link.symlink_to(house.repo / 'run')
    code, out, err = house.run('train', '--a=b c', '*', script=link, cwd=elsewhere)
    assert (code, err) == (7, [SET_UP, DONE])
    arguments, cwd, first_path = out[0].split('|')
    assert (arguments, cwd) == ("['--a=b c', '*']", str(elsewhere))
    if sys.version_info >= (3, 11):
        assert first_path == str(house.repo)

    (house.repo / 'requirements.txt').write_text('no-such-package-anywhere==1\n')
    offline = {'PIP_INDEX_URL': 'http://127.0.0.1:9/simple', 'PIP_RETRIES': '1'}
    message = './run: pip cannot reach the package index: check the network, then run this again'
    variables = {**offline, 'PIP_CONFIG_FILE': os.devnull}
    assert house.run('train', **variables) == (1, [], [UPDATING, message])
