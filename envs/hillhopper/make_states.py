"""Saves the beginning of every act: `python -m envs.hillhopper.make_states`.

This is needed after every change of the ROM, because a save state holds addresses of the program.
It starts the game from its title, where left and right choose the first act.
"""

import gzip

from envs.hillhopper.emulator import FOLDER, GAME, LEVELS, PLAY, Console

_STATE_BYTES = 160_000  # The emulator fills the first 145 KB of its state; the rest is random.


def beginning(act: int) -> bytes:
    """Returns the state in which an act begins; acts are numbered 0 to 8."""
    console = Console()
    console.press('', 40)
    for _ in range(act):
        console.press('RIGHT', 3)
        console.press('', 3)
    console.press('START', 3)
    for _ in range(300):
        if console.press()['game_mode'] == PLAY:
            break
    else:
        raise RuntimeError('the act does not begin')
    console.press()
    state = console.save()
    console.close()
    return state[:_STATE_BYTES].ljust(len(state), b'\0')


def main() -> None:
    """Writes the nine files of states."""
    for act, level in enumerate(LEVELS):
        data = gzip.compress(beginning(act), mtime=0)
        (FOLDER / GAME / f'{level}.state').write_bytes(data)
        print(f'{level}: {len(data)} bytes')


if __name__ == '__main__':
    main()
