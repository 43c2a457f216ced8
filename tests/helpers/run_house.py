"""A copy of the repository as `./run` sees it, and a Python that only pretends to install."""

import os
import shutil
import signal
import subprocess
import sys

from tests.helpers.paths import ROOT

BASH = shutil.which('bash')
TOOLS = 'cat df dirname flock grep mkdir readlink rm rmdir sleep tail'.split()
REAL_PYTHON = os.path.realpath(sys.executable)
SET_UP = 'Setting up .venv (once; one to three minutes, 1 GB download) ...'
ADDING = 'Adding to .venv what test and lint need (once; some seconds) ...'
ADDING_PEERS = (
    'Adding to .venv Stable-Baselines3 and torch (once; gigabytes; not with --nopeer) ...'
)
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
    sys.argv = ['-c', *arguments[2:]]
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
PIP_BENCH = [PIP + '-r requirements.txt -r requirements-bench.txt']


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
        for name in (
            'requirements',
            'requirements-tfagents',
            'requirements-dev',
            'requirements-bench',
            'requirements-mujoco',
        ):
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
            # A background job ignores SIGINT, and so would its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments, **options):
        """The exit code, the lines of stdout and of stderr (with the seconds as N)."""
        with self.start(*arguments, **options) as process:
            out, err = process.communicate()
        return process.returncode, out.splitlines(), without_seconds(err.splitlines())

    def asked(self):
        """Commands that Python was asked to run since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


def without_seconds(lines):
    return [DONE if line.startswith('Done in ') else line for line in lines]


def finished_house(directory):
    """A house that is set up by a fake Python."""
    house = House(directory)
    house.add_python()
    assert house.run('evaluate') == (0, [], [SET_UP, DONE])
    assert house.asked() == [*PIP_BASE, '-m launch.evaluate']
    return house
