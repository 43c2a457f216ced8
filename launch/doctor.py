"""Check this machine: Python, packages, emulators, video, memory, disk, leftovers."""

import sys

from envs import doctor
from launch import script


def main() -> None:
    """Prints each check as it is made; the exit code is 1 if something needs to be done."""
    well = True
    for name, found, advice in doctor.checks():
        print(f'{"ok" if not advice else "--":3}{name:15}{found}', flush=True)
        if advice:
            well = False
            print(f'   {"":15}{advice}')
    if not well:
        sys.exit(1)


if __name__ == '__main__':
    script.start(main)
