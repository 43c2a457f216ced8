"""The set-up of .venv by `./run`: made, kept right, and never left half made."""

import os
import signal
import subprocess
import time

import pytest

from tests.helpers import run_house
from tests.helpers.run_house import (
    ADDING,
    ADDING_PEERS,
    DONE,
    PIP_BASE,
    PIP_BENCH,
    PIP_DEV,
    SET_UP,
    UPDATING,
)


@pytest.fixture
def house(tmp_path):
    return run_house.House(tmp_path)


@pytest.fixture
def finished_house(tmp_path):
    return run_house.finished_house(tmp_path)


def test_naming_another_python_makes_another_venv(finished_house):
    finished_house.add_python('python3.12', '3.12')
    assert finished_house.run('train', PYTHON='python3.12') == (0, [], [SET_UP, DONE])
    assert finished_house.run('train') == (0, [], [])  # And it stays.
    assert finished_house.run('train', PYTHON='python3') == (0, [], [SET_UP, DONE])


@pytest.mark.parametrize(
    'says, code, message',
    [
        (
            'ERROR: Could not install packages due to an OSError: [Errno 28] '
            'No space left on device',
            2,
            './run: the disk is full: .venv needs 3 GB in {repo}, and pip 1 GB in /tmp',
        ),
        (
            'WARNING: Retrying (Retry(total=0)) after connection broken by NameResolutionError',
            1,
            './run: pip cannot reach the package index: check the network, then run this again',
        ),
        (
            "error: command 'gcc' failed",
            1,
            "error: command 'gcc' failed\n"
            './run: pip failed, for the reason above; rm -rf .venv starts anew',
        ),
    ],
)
@pytest.mark.parametrize('step', ['-r requirements.txt', '--no-deps'])
def test_a_failing_pip_leaves_no_venv(house, step, says, code, message):
    house.add_python()
    lines = [SET_UP, *message.format(repo=house.repo).splitlines()]
    assert house.run('train', FAKE_FAILS=step, FAKE_SAYS=says) == (code, [], lines)
    assert not house.venv.exists()
    assert house.run('train') == (0, [], [SET_UP, DONE])


def test_a_failing_update_keeps_the_venv_and_is_tried_again(finished_house):
    house = finished_house
    old = (house.repo / 'requirements.txt').read_text()
    (house.repo / 'requirements.txt').write_text('something==1\n')
    code, _, err = house.run('train', FAKE_FAILS='--no-deps')
    assert (code, err[0]) == (1, UPDATING)
    assert house.venv.exists()
    # The old requirements do not hold either: pip has been at work.
    (house.repo / 'requirements.txt').write_text(old)
    assert house.run('train') == (0, [], [UPDATING, DONE])
    assert house.run('train') == (0, [], [])


def test_pip_runs_again_only_when_the_requirements_change(finished_house):
    house = finished_house
    assert house.run('evaluate') == (0, [], [])
    assert house.asked() == ['-m launch.evaluate']
    (house.repo / 'requirements-tfagents.txt').write_text('something==1\n')
    assert house.run('evaluate') == (0, [], [UPDATING, DONE])
    assert house.asked() == [*PIP_BASE, '-m launch.evaluate']
    (house.repo / 'requirements-dev.txt').write_text('something==1\n')
    assert house.run('evaluate') == (0, [], [])


def test_only_test_and_lint_install_what_they_need(finished_house):
    house = finished_house
    assert house.run('test', '-k', 'a name') == (0, [], [ADDING, DONE])
    assert house.asked() == [*PIP_DEV, '-m pytest -k a name']
    assert house.run('lint') == (0, [], [])
    assert house.asked() == ['-m ruff format --check .', '-m ruff check .', '-m mypy']
    for name in ('dev', 'mujoco'):  # The first names the second.
        (house.repo / f'requirements-{name}.txt').write_text('something==1\n')
        assert house.run('lint') == (0, [], [ADDING, DONE])
        assert house.asked()[: len(PIP_DEV)] == PIP_DEV


def test_only_the_benchmark_of_peers_installs_them(finished_house):
    house = finished_house
    assert house.run('bench', '--nopeer', '--rounds=1') == (0, [], [])
    assert house.run('bench', '--help') == (0, [], [])
    module = '-m research.benchmarks.throughput'
    assert house.asked() == [f'{module} --nopeer --rounds=1', f'{module} --help']
    assert house.run('bench', '--rounds=1') == (0, [], [ADDING_PEERS, DONE])
    assert house.asked() == [*PIP_BENCH, f'{module} --rounds=1']
    assert house.run('bench') == (0, [], [])


@pytest.mark.parametrize('has_flock', [True, False])
def test_two_at_once_set_up_once(house, has_flock):
    house.add_python()
    if not has_flock:
        (house.bin / 'flock').unlink()
    both = [house.start('evaluate', FAKE_SECONDS='0.3') for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(house.asked()) == sorted([*PIP_BASE, *['-m launch.evaluate'] * 2])
    assert ''.join(errors).count(SET_UP) == 1
    assert not (house.repo / '.venv.lock').exists()


def test_the_script_can_be_started_while_another_sets_up(house):
    """The kernel refuses to start a file that is open for writing: the lock must only read."""
    house.add_python()
    process = start_and_wait_for_pip(house)
    listing = subprocess.run([house.repo / 'run'], capture_output=True, text=True)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert listing.returncode == 0 and 'Usage: ./run' in listing.stdout


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_leaves_no_venv(house, number):
    house.add_python()
    process = start_and_wait_for_pip(house)
    os.killpg(process.pid, number)
    process.communicate()
    assert process.returncode in (128 + number, -number)
    assert not house.venv.exists()


def test_a_killed_set_up_is_started_anew(house):
    house.add_python()
    process = start_and_wait_for_pip(house)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (house.venv / 'rubbish').touch()
    assert house.run('evaluate') == (0, [], [SET_UP, DONE])
    assert not (house.venv / 'rubbish').exists()


def start_and_wait_for_pip(house):
    """Starts a set-up and returns when its pip is at work."""
    process = house.start('evaluate', FAKE_SECONDS='60')
    while not house.log.exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_a_venv_made_by_hand_is_kept(finished_house):
    (finished_house.venv / 'base.stamp').unlink()
    (finished_house.venv / 'mine').touch()
    assert finished_house.run('evaluate') == (0, [], [UPDATING, DONE])
    assert (finished_house.venv / 'mine').exists()


def test_a_venv_whose_python_changed_is_made_anew(finished_house):
    stamp = finished_house.venv / 'base.stamp'
    stamp.write_text('/usr/bin/python3.8\n' + stamp.read_text().partition('\n')[2])
    assert finished_house.run('evaluate') == (0, [], [SET_UP, DONE])
    (finished_house.venv / 'bin/python').unlink()
    assert finished_house.run('evaluate') == (0, [], [SET_UP, DONE])


def test_a_folder_that_cannot_be_written_is_one_line(house):
    if os.geteuid() == 0:
        pytest.skip('root can write everywhere')
    house.add_python()
    house.repo.chmod(0o555)
    try:
        assert house.run('train') == (2, [], [f'./run: cannot write in {house.repo}'])
    finally:
        house.repo.chmod(0o755)
