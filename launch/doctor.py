"""Check this machine: Python, packages, emulators, video, memory, disk, leftovers."""

import os
import sys

from absl import flags

from envs import doctor
from envs.fields import require
from launch.common import script

_FOLDER = flags.DEFINE_string('folder', '.', 'Folder in which runs are, or will be, written.')
_CLEAN = flags.DEFINE_boolean(
    'clean', False, 'Remove what dead runs left behind: processes, shared memory, torn files.'
)


def main() -> None:
    """Prints each check as it is made; the exit code is 1 if something needs to be done."""
    require(os.path.isdir(_FOLDER.value), f'--folder: there is no directory {_FOLDER.value}')
    well = True
    for name, found, advice in doctor.checks(_FOLDER.value, _CLEAN.value):
        print(f'{"ok" if not advice else "--":3}{name:15}{found}', flush=True)
        if advice:
            well = False
            print(f'   {"":15}{advice}')
    if not well:
        sys.exit(1)


if __name__ == '__main__':
    script.start(main)
