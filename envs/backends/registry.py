"""Finds the description of a game by its name; refuses an unknown one with the nearest names."""

import functools
from typing import TYPE_CHECKING

from envs.backends.spec import Backend, GameSpec, load, nearest
from envs.config import EnvConfig
from envs.errors import UsageError

# Asked one after the other, so that no emulator is imported for a game that is not its own.
BACKENDS = ('atari', 'vizdoom', 'gymnasium', 'retro')
# The order in which messages name games that are equally near.
_LISTED = ('retro', 'vizdoom', 'atari', 'gymnasium')

if TYPE_CHECKING:  # The type checker compares each module with the protocol.
    from envs.backends import atari_game, gymnasium_game, retro_game, vizdoom_game

    _MODULES: tuple[Backend, ...] = (atari_game, vizdoom_game, gymnasium_game, retro_game)


@functools.cache
def find(name: str) -> GameSpec:
    """The description of the game that a user calls `name`.

    A process looks for each name once; whoever has the description hands it on to other processes.

    Raises:
        UsageError: No backend knows the game; the message has the nearest names.
    """
    for backend in map(load, BACKENDS):
        if (game_id := backend.canonical_id(name)) is not None:
            return backend.describe(game_id)
    known = [game_id for backend in _LISTED for game_id in load(backend).game_ids()]
    raise UsageError(f'unknown game {name!r}{nearest(name, known)}')


def check(config: EnvConfig) -> None:
    """Raises `UsageError` unless the game, its files, its levels and its action set exist."""
    find(config.game).check(config)
