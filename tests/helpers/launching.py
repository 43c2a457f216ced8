"""Starts launch scripts as a user does: processes of their own, in a folder of their own."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

from tests.helpers.paths import ROOT

_MARK = 'JOYPAD_TEST_MARK'  # In the environment of a script and of all that it starts.


class Script:
    """A launch script that runs; its output goes to files, which its children cannot block."""

    def __init__(self, folder, name, *flags, **variables):
        self.mark, self._folder = uuid.uuid4().hex, pathlib.Path(folder)
        paths = {'PYTHONPATH': str(ROOT), 'PYTHONSAFEPATH': '1', _MARK: self.mark}
        self._out, self._err = (self._folder / f'{self.mark}.{end}' for end in ('out', 'err'))
        with open(self._out, 'w') as out, open(self._err, 'w') as err:
            self.process = subprocess.Popen(
                [sys.executable, '-m', f'launch.{name}', *flags],
                cwd=folder,
                env={**os.environ, **paths, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def output(self):
        return self._out.read_text()

    def wait(self, seconds=240):
        """Exit code, stdout and stderr, which are no longer files then."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        out, err = self._out.read_text(), self._err.read_text()
        self._out.unlink()
        self._err.unlink()
        return code, out, err

    def wait_until(self, condition, seconds=120):
        """Waits for something that the script does while it runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self._err.read_text()
            assert time.monotonic() < deadline, 'it does not happen'
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def members(self):
        """Ids of the script's process and of all that descend from it and live."""
        mark, found = f'{_MARK}={self.mark}'.encode(), []
        for entry in pathlib.Path('/proc').iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / 'environ').read_bytes():
                    if ') Z ' not in (entry / 'stat').read_text():
                        found.append(int(entry.name))
            except OSError:
                continue  # It has ended, or is not ours.
        return found

    def shared_memory(self):
        """Files in /dev/shm that the script or its children use."""
        used = set()
        for pid in self.members():
            try:
                lines = pathlib.Path(f'/proc/{pid}/maps').read_text().splitlines()
            except OSError:
                continue
            used |= {path for line in lines if (path := line[73:].strip()).startswith('/dev/shm/')}
        return {path for path in used if '(deleted)' not in path}


def run(folder, name, *flags, **variables):
    """Exit code, stdout and stderr of a script."""
    return Script(folder, name, *flags, **variables).wait()


def wait_for_the_end_of(script, seconds=20):
    """Processes that still live of a script that has ended, after some patience."""
    deadline = time.monotonic() + seconds
    while (left := script.members()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
