"""List the cartridges (ROMs) that console games want, and import yours."""

import rich.console
from absl import flags

from envs import courses
from envs.backends import retro_data, retro_roms
from envs.errors import UsageError
from launch.common import script

_GAMES = flags.DEFINE_list('games', [], 'Games to list; empty: those whose ROM is here, and Sonic.')
_IMPORT = flags.DEFINE_list(
    'import', [], 'Files, folders or zip archives from which to import ROMs.'
)


def main() -> None:
    """Imports what was asked for, and lists the cartridges."""
    console = rich.console.Console(highlight=False, soft_wrap=True)
    asked = [retro_roms.wanted(game) for game in _GAMES.value]
    if _IMPORT.value:
        verdicts = retro_roms.import_from(_IMPORT.value)
        for file, game, note in verdicts:
            became = f'the cartridge of {game}{f", {note}" if note else ""}' if game else note
            console.print(f'{file}: {became}', markup=False)
        imported = list(dict.fromkeys(game for _, game, _ in verdicts if game))
        if not imported:
            raise UsageError(f'no cartridge in {", ".join(_IMPORT.value)} is wanted by any game')
        asked += [retro_roms.wanted(game) for game in imported]
    _list(console, asked or _usual())
    console.print(f'Cartridges are kept in {retro_data.roms_folder()}', markup=False)


def _usual() -> list[retro_roms.Wanted]:
    there = [game for game in retro_data.game_ids() if retro_data.rom_path(game)]
    return [retro_roms.wanted(game) for game in dict.fromkeys([*courses.COURSES, *there])]


def _list(console: rich.console.Console, wanted: list[retro_roms.Wanted]) -> None:
    for game, hashes, edition, path in wanted:
        console.print(f'{game}: {path or "missing"}', markup=False)
        if not path:
            about = f' ({edition})' if edition else ''
            console.print(f'  wants a file with SHA-1 {" or ".join(hashes)}{about}', markup=False)


if __name__ == '__main__':
    script.start(main)
