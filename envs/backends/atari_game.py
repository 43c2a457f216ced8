"""Atari 2600 games, through the Arcade Learning Environment (ale-py, GPL-2.0).

ale-py is imported only to start a game, never to list the games.
"""

import functools
import importlib.util
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from envs.backends.spec import GameSpec
from envs.errors import UsageError
from envs.fields import require
from envs.game import Game, ReplayedGame, Snapshot, Transition

_TWO_PLAYERS_ONLY = {'combat', 'joust', 'maze_craze', 'warlords'}


@functools.cache
def _rom_directory() -> pathlib.Path | None:
    """Finds the folder of ale-py's cartridges without importing it; None if it is missing."""
    package = importlib.util.find_spec('ale_py')
    if package is None or package.origin is None:
        return None
    return pathlib.Path(package.origin).parent / 'roms'


@functools.cache
def _roms() -> dict[str, pathlib.Path]:
    """Returns the cartridge of every game id."""
    directory = _rom_directory()
    if directory is None:
        return {}
    names = [pathlib.Path(file).stem for file in json.loads((directory / 'md5.json').read_text())]
    return {
        f'ALE/{name.title().replace("_", "")}-v5': directory
        / f'{name}.bin'  # ale-py names them so.
        for name in names
        if name not in _TWO_PLAYERS_ONLY
    }


def game_ids() -> tuple[str, ...]:
    """Returns all games for one player in ale-py; none if ale-py is not installed."""
    return tuple(sorted(_roms()))


def canonical_id(name: str) -> str | None:
    """Returns the name itself if it is one of `game_ids()`, otherwise None.

    Raises:
        UsageError: The name is one of an Atari game, but ale-py is not installed.
    """
    if name.startswith('ALE/') and not _roms():
        check(name)
    return name if name in _roms() else None


def describe(game_id: str) -> GameSpec:
    """Describes a game; the number of lives is the only variable that ALE reports."""
    return GameSpec(
        backend='atari',
        id=game_id,
        emulator='ale_py',
        family='atari',
        action_sets=action_sets(game_id),
        own_variables=('lives',),
        variables=('lives',),
    )


def action_sets(game_id: str) -> tuple[str, ...]:
    """Names the action sets: the actions with an effect in the game, or all 18 of the joystick."""
    return ('default', 'full')


def check(game_id: str) -> None:
    """Raises `UsageError` if ale-py or the cartridge of the game is missing."""
    if _rom_directory() is None:
        raise UsageError(f'{game_id} needs ale-py: pip install ale-py')
    if game_id not in _roms():
        raise UsageError(f'ale-py has no game {game_id!r}')
    if not _roms()[game_id].is_file():
        raise UsageError(f'{game_id}: {_roms()[game_id]} is missing; install ale-py again')


def make(game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """Starts a game, an `AtariGame`."""
    return AtariGame(game_id, level, actions, **options)


class AtariGame(ReplayedGame):
    """An Atari 2600 game, one frame per step, without sticky actions.

    An episode is a function of its actions alone: every reset returns to the same first frame
    after power-on, whatever was played before, and seeds change nothing. (ALE's own reset keeps
    the RAM of the previous game, and 15 of the 104 games then start differently.) `NoopStart` and
    `StickyActions` make episodes differ.

    Snapshots are exact, even in another process, and as slow as the replay: 0.04 to 0.1 ms per
    frame. ALE's own states are not exact, with or without its random generator: they lack the
    latches and the drawn picture of the video chip. Restored in a new process, Q*bert and Yars'
    Revenge continue differently and Tetris crashes the process.
    """

    max_episode_frames = 108_000  # 30 minutes; Machado et al. (2018), arXiv:1709.06009

    def __init__(self, game_id: str, level: str = '', actions: str = 'default') -> None:
        super().__init__()
        check(game_id)
        require(not level, f'{game_id} has no level {level!r}')
        require(actions in action_sets(game_id), f'{game_id} has no action set {actions!r}')
        import ale_py

        self._game_id = game_id
        ale_py.ALEInterface.setLoggerMode(
            ale_py.LoggerMode.Error
        )  # This prevents a banner on stderr.
        self._ale = ale_py.ALEInterface()
        self._ale.setFloat('repeat_action_probability', 0.0)
        self._ale.setInt('random_seed', 0)  # Unused here; the default is the time.
        self._ale.loadROM(_roms()[game_id])
        full = actions == 'full'
        self._buttons = self._ale.getLegalActionSet() if full else self._ale.getMinimalActionSet()
        self.action_names = tuple(button.name for button in self._buttons)
        names = self.action_names
        self.noop_action = names.index('NOOP') if 'NOOP' in names else None
        self.action_space = spaces.Discrete(len(names))
        self.observation_space = spaces.Box(0, 255, self._ale.getScreenDims(), np.uint8)
        self._ale.reset_game()
        self._start = self._ale.cloneState(include_rng=True)
        self._start_pictures = self._ale.getScreenGrayscale(), self._ale.getScreenRGB()

    def _begin(self, seed: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
        # The reset clears the video chip, which is not part of the state; the state does the rest.
        self._ale.reset_game()
        self._ale.restoreState(self._start)
        return {'lives': self._ale.lives()}

    def _advance(self, action: Any) -> Transition:
        reward = float(self._ale.act(self._buttons[int(action)]))
        terminated = self._ale.game_over(with_truncation=False)
        return reward, terminated, False, {'lives': self._ale.lives()}

    def screen(self) -> np.ndarray:
        """Returns the current frame in gray, `uint8[210, 160]`; a few games are taller."""
        # ALE does not draw a new picture when it restores a state.
        return self._ale.getScreenGrayscale() if self._actions else self._start_pictures[0].copy()

    def watched(self) -> Sequence[float]:
        """Returns the number of lives if it is watched."""
        return [self._ale.lives()] * len(self.variable_names)

    def render(self) -> np.ndarray:
        """Returns the current frame in colour, `uint8[210, 160, 3]`."""
        return self._ale.getScreenRGB() if self._actions else self._start_pictures[1].copy()

    def snapshot(self) -> Snapshot:
        """Returns the actions of the episode, and the RAM that they lead to."""
        return {**super().snapshot(), 'ram': self._ale.getRAM()}

    def restore(self, snapshot: Snapshot) -> None:
        """Replays the episode up to the snapshot.

        Raises:
            RuntimeError: The replay leads elsewhere: the game or the version of ALE is another one.
        """
        super().restore(snapshot)
        if not np.array_equal(self._ale.getRAM(), snapshot['ram']):
            raise RuntimeError(f'{self._game_id}: this ale-py does not reproduce the snapshot')
