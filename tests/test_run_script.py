"""`./run` and `.ci/run`, run for real in a copy whose PATH holds only what the test puts there."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASH = shutil.which('bash')
TOOLS = 'cat df dirname flock grep mkdir readlink rm rmdir sleep tail'.split()
REAL_PYTHON = os.path.realpath(sys.executable)
SET_UP = 'Setting up .venv (once; about a minute, 1 GB download) ...'
ADDING = 'Adding to .venv what test and lint need (once; some seconds) ...'
UPDATING = 'Updating .venv to the requirements ...'
DONE = 'Done in N s.'
WANTED = './run: Python 3.10 to 3.13 is needed'

LAUNCHER = '''"""{summary}

More about it.
"""

import os
import sys

def main(argv):
    print(argv[1:], os.getcwd(), sys.path[0], sep='|')
    sys.exit(7)

if __name__ == '__main__':
    main(sys.argv)
'''

# Makes a .venv that holds itself; notes everything else that it is asked to run, and may fail.
FAKE_PYTHON = """#!{interpreter} -IS
import os, sys, time
arguments = [argument for argument in sys.argv[1:] if argument != '-I']
command = ' '.join(arguments).replace({repo!r} + '/', '')
if arguments[0] == '-c':
    sys.version_info = {version}
    if not {has_venv}:
        sys.modules['ensurepip'] = None
    sys.argv = arguments[::2]
    exec(arguments[1])
elif command.startswith('-m venv'):
    import shutil  # Not above: most calls do without, and there are hundreds.
    os.makedirs(arguments[-1] + '/bin')
    shutil.copy(__file__, arguments[-1] + '/bin/python')
else:
    with open({log!r}, 'a') as log:
        print(command, file=log)
    time.sleep(float(os.environ.get('FAKE_SECONDS', 0)))
    for failing in filter(None, os.environ.get('FAKE_FAILS', '').split(',')):
        if failing in command:
            print(os.environ.get('FAKE_SAYS', 'failed'))
            sys.exit(len(failing))
"""

PIP = '-m pip install --disable-pip-version-check --no-input --progress-bar off '
PIP_BASE = [PIP + '-r requirements.txt', PIP + '--no-deps -r requirements-tfagents.txt']
PIP_DEV = [PIP + '-r requirements.txt -r requirements-dev.txt']


class House:
    """A copy of the repository as `./run` sees it, and a PATH with a few tools."""

    def __init__(self, directory):
        self.repo = directory / 'repo'
        self.bin = directory / 'bin'
        self.venv = self.repo / '.venv'
        self.log = directory / 'asked'
        for folder in (self.repo / 'launch', self.repo / '.ci', self.bin):
            folder.mkdir(parents=True)
        for script in ('run', '.ci/run'):
            shutil.copy(ROOT / script, self.repo / script)
        for name in ('requirements', 'requirements-tfagents', 'requirements-dev'):
            (self.repo / f'{name}.txt').touch()
        launch = self.repo / 'launch'
        (launch / '__init__.py').write_text('"""Launchers."""\n')
        (launch / 'flags_helper.py').write_text('"""A helper."""\n\n\ndef define_main(): ...\n')
        (launch / '_private.py').write_text(LAUNCHER.format(summary='Private.'))
        (launch / 'train.py').write_text(LAUNCHER.format(summary='Trains an agent.'))
        (launch / 'evaluate.py').write_text('"""Evaluates it."""\n\n\ndef main(argv): ...\n')
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def add_python(self, name='python3', version='3.11', has_venv=True):
        numbers = (*map(int, version.split('.')), 2)
        text = FAKE_PYTHON.format(
            interpreter=REAL_PYTHON,
            version=numbers,
            has_venv=has_venv,
            log=str(self.log),
            repo=str(self.repo),
        )
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def add_real_python(self):
        (self.bin / 'python3').write_text(f'#!{BASH}\nexec {REAL_PYTHON} "$@"\n')
        (self.bin / 'python3').chmod(0o755)

    def start(self, *arguments, script='run', cwd=None, **variables):
        """Starts `./run` with the arguments; `variables` join the small environment."""
        return subprocess.Popen(
            [BASH, str(self.repo / script), *arguments],
            cwd=cwd or self.repo,
            env={'PATH': str(self.bin), 'HOME': str(self.repo.parent), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **options):
        """The exit code, the lines of stdout and of stderr (with the seconds as N)."""
        with self.start(*arguments, **options) as process:
            out, err = process.communicate()
        return process.returncode, out.splitlines(), without_seconds(err.splitlines())

    def asked(self):
        """What Python was asked to run since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


def without_seconds(lines):
    return [DONE if line.startswith('Done in ') else line for line in lines]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.fixture
def finished_house(house):
    """A house that is set up by a fake Python."""
    house.add_python()
    assert house.run('evaluate') == (0, [], [SET_UP, DONE])
    assert house.asked() == [*PIP_BASE, '-m launch.evaluate']
    return house


@pytest.mark.parametrize('arguments', [[], ['help'], ['--help'], ['-h']])
def test_lists_what_there_is_without_any_python(house, arguments):
    code, out, err = house.run(*arguments)
    assert (code, err) == (0, [])
    assert out[0].startswith('Usage: ./run NAME [flags]')
    assert [' '.join(line.split()) for line in out[2:]] == [
        'evaluate Evaluates it.',
        'train Trains an agent.',
        'test Runs the tests; takes the arguments of pytest.',
        'lint Checks format, style and types: ruff and mypy.',
    ]
    assert not house.venv.exists()


@pytest.mark.parametrize(
    'name, nearest',
    [
        ('trian', '; the nearest: train, lint'),
        ('flags_helper', ''),  # No main: not a launcher.
        ('_private', ''),
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
            WANTED + ', but python3 is 3.9: install one, or name one with '
            'PYTHON=/path/to/python3.12',
        ),
        (
            [('python3', '3.14', True)],
            '',
            WANTED + ', but python3 is 3.14: install one, or name one with '
            'PYTHON=/path/to/python3.12',
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
            WANTED + ', but python3.9 is 3.9: install one, or name one with '
            'PYTHON=/path/to/python3.12',
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
    (house.repo / 'requirements-dev.txt').write_text('something==1\n')
    assert house.run('lint') == (0, [], [ADDING, DONE])
    assert house.asked()[: len(PIP_DEV)] == PIP_DEV


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
    assert house.asked()[-1] == '-m pytest'


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
