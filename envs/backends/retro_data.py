"""Facts about the games of stable-retro: names, levels, action sets, variables and cartridges."""

import functools
import json
import os
import pathlib
from typing import Any

from envs.backends import actions as action_tables
from envs.backends.spec import GameSpec
from envs.courses import COURSES, REWARD_NAMES
from envs.errors import UsageError

_OWN_GAMES = str(pathlib.Path(__file__).resolve().parents[1] / 'hillhopper')
LEVEL_SETS = ('train', 'test', 'all')  # Collective names of levels.
# The action set that `default` stands for, by the beginning of the game's name.
_DEFAULT_ACTION_SETS = {
    'SonicTheHedgehog': 'sonic',
    'SonicAndKnuckles': 'sonic',
    'SonicBlast-': 'sonic',
    'HillHopper-': 'platform',
    'Airstriker-': 'shooter',
}


@functools.cache
def stable_retro_module() -> Any:
    """Imports stable-retro when it is first needed, and adds our own game and the user's games."""
    import stable_retro

    for path in (_OWN_GAMES, str(roms_folder())):  # These have priority over its own folders.
        if os.path.isdir(path):
            stable_retro.data.Integrations.add_custom_path(path)
    return stable_retro


def roms_folder() -> pathlib.Path:
    """Returns the folder of the user's cartridges: `JOYPAD_ROMS`, or one in the user's data folder.

    Raises:
        UsageError: It is not a folder.
    """
    data = os.environ.get('XDG_DATA_HOME') or os.path.join(pathlib.Path.home(), '.local', 'share')
    chosen = os.environ.get('JOYPAD_ROMS') or os.path.join(data, 'joypad', 'roms')
    folder = pathlib.Path(chosen).absolute()
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(
            f'cartridges are kept in {folder}, but it is not a folder: see JOYPAD_ROMS'
        )
    return folder


def game_ids() -> tuple[str, ...]:
    """Returns the ids of all games that stable-retro has data for, with or without a ROM."""
    return _game_ids()


@functools.cache
def _game_ids() -> tuple[str, ...]:
    stable_retro = stable_retro_module()
    return tuple(stable_retro.data.list_games(stable_retro.data.Integrations.ALL))


def canonical_id(name: str) -> str | None:
    """Finds the id of a game whose name may have a `-v0` too many or too few; None if unknown."""
    known = set(game_ids())
    return next((n for n in (name, f'{name}-v0', name.removesuffix('-v0')) if n in known), None)


def levels(game_id: str) -> tuple[str, ...]:
    """Returns the names of the save states that a game can start from."""
    stable_retro = stable_retro_module()
    integrations = stable_retro.data.Integrations.ALL
    return tuple(sorted(stable_retro.data.list_states(game_id, integrations)))


def action_sets(game_id: str) -> tuple[str, ...]:
    """Returns the action sets that the game's console has the buttons for, `default` first."""
    known = _console(game_id)
    # The names of a few games do not end with their console; `RetroGame` then refuses misfits.
    return action_tables.sets_for_console(known['buttons']) if known else action_tables.CONSOLE_SETS


def _console(game_id: str) -> dict[str, Any]:
    """Returns stable-retro's facts about the console that ends a game's name; empty if unknown."""
    system = game_id.removesuffix('-v0').rpartition('-')[2]
    return stable_retro_module().data.EMU_INFO.get(system, {})


def file_path(game_id: str, name: str) -> str | None:
    """Finds a file of a game in the first folder that has it; None if there is none."""
    data = stable_retro_module().data
    return data.get_file_path(game_id, name, data.Integrations.ALL)


def level_set(game_id: str, name: str) -> tuple[str, ...]:
    """Returns the levels that `train`, `test` or `all` stands for; empty if there are none."""
    if name == 'all':
        return levels(game_id)
    if game_id not in COURSES or name not in ('train', 'test'):
        return ()
    held_out = COURSES[game_id].test_levels
    return tuple(level for level in levels(game_id) if (level in held_out) == (name == 'test'))


def default_action_set(game_id: str) -> str:
    """Returns the name of the action set that `default` stands for."""
    known = (name for start, name in _DEFAULT_ACTION_SETS.items() if game_id.startswith(start))
    return next(known, 'combinations')


def variables(game_id: str) -> tuple[str, ...]:
    """Returns the names of the variables that stable-retro finds in the game's memory."""
    path = file_path(game_id, 'data.json')
    assert path, game_id
    with open(path) as file:
        return tuple(json.load(file)['info'])


def describe(game_id: str) -> GameSpec:
    """Describes a game."""
    names = variables(game_id)
    if game_id in COURSES:
        family = 'platform'
    else:
        family = 'retro_lives' if 'lives' in names else 'retro'
    return GameSpec(
        backend='retro',
        id=game_id,
        emulator='stable_retro',
        family=family,
        levels=levels(game_id),
        level_sets={name: found for name in LEVEL_SETS if (found := level_set(game_id, name))},
        action_sets=action_sets(game_id),
        own_variables=names,
        variables=names,
        rewards=('default', *(REWARD_NAMES if game_id in COURSES else ())),
        has_turbo=True,
        needs_own_process=True,  # An emulator core keeps global state.
    )


def rom_path(game_id: str) -> str:
    """Returns the path of the game's cartridge; '' if it is missing."""
    imported = roms_folder() / game_id / f'rom{rom_suffix(game_id)}'
    if imported.exists():  # It may have been imported a moment ago.
        return str(imported)
    stable_retro = stable_retro_module()
    try:
        return stable_retro.data.get_romfile_path(game_id, stable_retro.data.Integrations.ALL)
    except FileNotFoundError:
        return ''


def rom_hashes(game_id: str) -> tuple[str, ...]:
    """Returns the SHA-1 hashes of the cartridges that fit, in hexadecimal."""
    path = file_path(game_id, 'rom.sha')
    if not path:
        return ()
    with open(path) as file:
        return tuple(file.read().split())


def rom_suffix(game_id: str) -> str:
    """Returns the required suffix of the cartridge's file; '' for an unknown console."""
    endings = _console(game_id).get('ext', ())
    return f'.{endings[0]}' if endings else ''


def check(game_id: str) -> None:
    """Raises `UsageError` if the ROM is missing, with its hash and the command to import it."""
    if not rom_path(game_id):
        hashes = ' or '.join(rom_hashes(game_id))
        raise UsageError(
            f'{game_id} needs its ROM, a file with SHA-1 {hashes}; import yours with '
            './run roms --import=FILE_OR_FOLDER'
        )
