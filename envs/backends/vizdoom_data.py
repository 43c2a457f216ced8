"""Facts about the games of ViZDoom: ids, scenarios, variables and the files that they need."""

import functools
import os
import pathlib
from typing import Any

import gymnasium

from envs.backends import vizdoom_actions
from envs.backends.spec import GameSpec
from envs.errors import UsageError

# Scenarios always use Freedoom's textures, even if there is a doom2.wad, so that results compare.
_GAME_FILES = {'doom': 'doom.wad', 'doom2': 'doom2.wad', 'freedoom1': 'freedoom1.wad'}
_SCENARIO_GAME_FILE = 'freedoom2.wad'
_NOT_OF_THE_EPISODE = ('deathcount', 'player', 'user', 'camera')
_FOLDER_VARIABLE = 'DOOMWADDIR'  # Other Doom engines use the same name.


@functools.cache
def _registered() -> dict[str, dict[str, Any]]:
    """Returns the options of each id in ViZDoom: the scenario; map and skill in a campaign."""
    import vizdoom.gymnasium_wrapper  # noqa: F401  Registers the games, without pygame, in 0.05 s.

    return {
        name: spec.kwargs
        for name, spec in gymnasium.registry.items()
        if str(spec.entry_point).startswith('vizdoom.')
    }


def game_ids() -> tuple[str, ...]:
    """Returns all Doom ids: `VizdoomBasic-v1`, `VizdoomFreedoom1E1M1-S3-v0` (map, skill), ..."""
    return tuple(_registered())


def canonical_id(name: str) -> str | None:
    """Returns the name itself if it is one of `game_ids()`, otherwise None."""
    return name if name.startswith('Vizdoom') and name in game_ids() else None


def describe(game_id: str) -> GameSpec:
    """Describes a game, which has no levels: every map and skill is an id of its own."""
    own, every = variables(game_id)
    return GameSpec(
        backend='vizdoom',
        id=game_id,
        emulator='vizdoom.gymnasium_wrapper',
        family='doom',
        action_sets=vizdoom_actions.ACTION_SETS,
        own_variables=own,
        variables=every,
        processes_per_core=2,  # The engine of each game is a process, too.
    )


@functools.cache
def variables(game_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names of the scenario's own variables, and of all variables of the engine.

    Variables that do not follow from the episode are left out: the deaths since the engine was
    started, other players, and the memory of map scripts; so is the camera, which is the player.
    """
    import vizdoom

    doom = vizdoom.DoomGame()
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{scenario(game_id)}.cfg'))
    own = (variable.name.lower() for variable in doom.get_available_game_variables())
    names = map(str.lower, vizdoom.GameVariable.__members__)
    return tuple(own), tuple(name for name in names if not name.startswith(_NOT_OF_THE_EPISODE))


def check(game_id: str) -> None:
    """Raises `UsageError` if the game needs a file of Doom that is missing."""
    if game_file(game_id) is None:
        name = _GAME_FILES.get(scenario(game_id), _SCENARIO_GAME_FILE)
        free_game = game_id.replace('Doom2', 'Freedoom2').replace('DoomE', 'Freedoom1E')
        raise UsageError(
            f'{game_id} needs {name} of the commercial game, which is not free; put yours in a '
            f'folder and set {_FOLDER_VARIABLE} to it, or play {free_game}'
        )


def options(game_id: str) -> dict[str, Any]:
    """Returns the options that ViZDoom registers for an id: the scenario; map and skill.

    Raises:
        UsageError: ViZDoom has no such game.
    """
    if game_id not in _registered():
        raise UsageError(f'ViZDoom has no game {game_id!r}')
    return _registered()[game_id]


def scenario(game_id: str) -> str:
    """Returns the name of the configuration of an id, such as `basic` or `freedoom1`.

    Raises:
        UsageError: ViZDoom has no such game.
    """
    return pathlib.Path(options(game_id)['scenario_config_file']).stem


def game_file(game_id: str) -> pathlib.Path | None:
    """Finds the file of textures and maps for a game; None if it is missing.

    It is looked for in ViZDoom's folder, and in the user's if one is set; letter case is ignored.
    """
    import vizdoom

    name = _GAME_FILES.get(scenario(game_id), _SCENARIO_GAME_FILE)
    folders = [vizdoom.root_path, os.environ.get(_FOLDER_VARIABLE, '')]
    for folder in map(pathlib.Path, filter(os.path.isdir, folders)):
        for path in sorted(folder.iterdir()):
            if path.name.lower() == name:
                return path.resolve()
    return None
