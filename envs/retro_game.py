"""Console games through stable-retro: Genesis, SNES, NES, Master System and others."""

import functools
import json
import os
import re
from typing import Any

import cv2
import gymnasium
import numpy as np

from envs import actions as action_tables
from envs import scenario as scenarios
from envs.config import require
from envs.courses import COURSES
from envs.errors import UsageError
from envs.game import Game, Snapshot, Transition
from envs.rewards import REWARDS

# The default time limit of the Retro Contest: 4,500 agent steps of 4 frames.
MAX_EPISODE_FRAMES = 18_000
# Genesis Plus GX declares 1 MB of state and fills the first 145 KB; the rest is random memory.
_STATE_BYTES = {'Genesis': 160_000}
_OWN_GAMES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'hillhopper')
# What the `default` action set stands for, by the beginning of the game's name.
_FAMILIES = {
    'SonicTheHedgehog': 'sonic',
    'SonicAndKnuckles': 'sonic',
    'SonicBlast-': 'sonic',
    'HillHopper-': 'platform',
    'Airstriker-': 'shooter',
}


def game_ids() -> tuple[str, ...]:
    """Every game that stable-retro has data for, with or without a ROM."""
    return _game_ids()


@functools.cache
def _stable_retro() -> Any:
    """The package, with the game of our own among its games; imported when it is needed."""
    import stable_retro

    stable_retro.data.Integrations.add_custom_path(_OWN_GAMES)
    return stable_retro


@functools.cache
def _game_ids() -> tuple[str, ...]:
    stable_retro = _stable_retro()
    return tuple(stable_retro.data.list_games(stable_retro.data.Integrations.ALL))


def canonical_id(name: str) -> str | None:
    """`SonicTheHedgehog-Genesis` and `SonicTheHedgehog-Genesis-v0` alike, or None."""
    known = set(game_ids())
    return next((n for n in (name, f'{name}-v0', name.removesuffix('-v0')) if n in known), None)


def levels(game_id: str) -> tuple[str, ...]:
    """The save states that a game may start from."""
    stable_retro = _stable_retro()
    integrations = stable_retro.data.Integrations.ALL
    return tuple(sorted(stable_retro.data.list_states(game_id, integrations)))


def action_sets(game_id: str) -> tuple[str, ...]:
    """Names of the action sets that the game's console has the buttons for, `default` first."""
    stable_retro = _stable_retro()
    system = game_id.removesuffix('-v0').rpartition('-')[2]
    known = stable_retro.data.EMU_INFO.get(system)
    # A few games do not name their console so; `RetroGame` refuses what does not fit.
    return action_tables.sets_for_console(known['buttons']) if known else action_tables.CONSOLE_SETS


def rewards(game_id: str) -> tuple[str, ...]:
    """Names of the rewards that the game's variables allow, `default` first."""
    return ('default', *(REWARDS if game_id in COURSES else ()))


def level_set(game_id: str, name: str) -> tuple[str, ...]:
    """The levels that `train`, `test` or `all` stands for; none if the game has no such set."""
    if name == 'all':
        return levels(game_id)
    if game_id not in COURSES or name not in ('train', 'test'):
        return ()
    held_out = COURSES[game_id].test_levels
    return tuple(level for level in levels(game_id) if (level in held_out) == (name == 'test'))


def family(game_id: str) -> str:
    """What the action set `default` of a game stands for."""
    known = (name for start, name in _FAMILIES.items() if game_id.startswith(start))
    return next(known, 'combinations')


def tells_lives(game_id: str) -> bool:
    """Whether the player's lives are among the variables of a game."""
    stable_retro = _stable_retro()
    integrations = stable_retro.data.Integrations.ALL
    with open(stable_retro.data.get_file_path(game_id, 'data.json', integrations)) as file:
        return 'lives' in json.load(file)['info']


def check(game_id: str) -> None:
    """Raises `UsageError` if the ROM is missing: which one is wanted and how to import it."""
    stable_retro = _stable_retro()
    integrations = stable_retro.data.Integrations.ALL
    try:
        stable_retro.data.get_romfile_path(game_id, integrations)
    except FileNotFoundError:
        path = stable_retro.data.get_file_path(game_id, 'rom.sha', integrations)
        with open(path) as file:
            hashes = ' or '.join(file.read().split())
        raise UsageError(
            f'{game_id} needs its ROM, a file with SHA-1 {hashes}; put yours in a folder and run '
            '.venv/bin/python -m stable_retro.import FOLDER'
        ) from None


class RetroGame(Game):
    """A console game. Snapshots continue exactly, in another process too.

    Not so for the 43 games whose scenario is a Lua script: the variables of the script are in no
    snapshot, and the reward after a restore may be counted from another beginning.

    The snapshot is the emulator's save state, the variables that the reward is the change of, and
    the screen, since a save state has no picture. An emulator core keeps global state, so a
    process can hold one game at a time; run it in a `SubprocVecEnv`.

    Args:
        game_id: An id of `game_ids()`.
        level: A name of `levels(game_id)`; '' is the game's default state.
        actions: A name of `action_sets(game_id)`.
    """

    max_episode_frames = MAX_EPISODE_FRAMES

    def __init__(self, game_id: str, level: str = '', actions: str = 'default') -> None:
        stable_retro = _stable_retro()
        check(game_id)
        require(not level or level in levels(game_id), f'{game_id} has no level {level!r}')
        known = action_sets(game_id)
        require(actions in known, f'{game_id} has no action set {actions!r}')
        self._env = stable_retro.make(
            game_id,
            state=level or stable_retro.State.DEFAULT,
            use_restricted_actions=stable_retro.Actions.ALL,
            inttype=stable_retro.data.Integrations.ALL,
            render_mode='rgb_array',
        )
        self._emulator, self._data = self._env.em, self._env.data
        self.level = re.sub(r'\.state$', '', self._env.statename or '')
        self._actions = action_tables.for_console(actions, family(game_id), self._env.buttons)
        self.action_space = self._actions.space
        self.action_names, self.noop_action = self._actions.names, self._actions.noop
        height, width = self._env.observation_space.shape[:2]
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width), np.uint8)
        self.frame_rate = float(self._emulator.get_screen_rate())
        self._scenario = _load_scenario(game_id)
        self._variables: dict[str, float] = {}
        self._restored_screen: np.ndarray | None = None

    def set_level(self, level: str) -> None:
        """The level that the next episode starts in."""
        self._env.load_state(level, _stable_retro().data.Integrations.ALL)
        self.level = level

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Loads the level's state; the emulator has no randomness, so the seed changes nothing."""
        gymnasium.Env.reset(self, seed=seed)
        self._env.reset()
        self._restored_screen = None
        self._variables = self._data.lookup_all()
        return self.screen(), dict(self._variables)

    def advance(self, action: Any) -> Transition:
        """One frame: the scenario's reward and end; the game's variables are the info."""
        self._emulator.set_button_mask(self._actions.buttons(action), 0)
        self._emulator.step()
        self._restored_screen = None
        before, self._variables = self._variables, self._data.lookup_all()
        if self._scenario is None:
            self._data.update_ram()
            reward, done = self._data.current_reward(), self._data.is_done()
        else:
            reward = self._scenario.reward(before, self._variables)
            done = self._scenario.done(before, self._variables)
        return float(reward), bool(done), False, dict(self._variables)

    def screen(self) -> np.ndarray:
        """The picture in grayscale, `uint8[height, width]`."""
        return cv2.cvtColor(self.render(), cv2.COLOR_RGB2GRAY)

    def render(self) -> np.ndarray:
        """The picture in colour."""
        if self._restored_screen is not None:
            return self._restored_screen.copy()
        return self._env.get_screen(apply_rotation=True)

    def snapshot(self) -> Snapshot:
        """Save state, variables and screen."""
        state = np.frombuffer(self._emulator.get_state(), np.uint8).copy()
        state[_STATE_BYTES.get(self._env.system, len(state)) :] = 0
        return {
            'state': state,
            'variables': dict(self._variables),
            'screen': self.render().copy(),
            'level': self.level,
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Loads the save state; the next frame's reward is the change from the snapshot."""
        if not self._emulator.set_state(np.asarray(snapshot['state'], np.uint8).tobytes()):
            raise ValueError('the emulator refuses this save state')
        self._data.reset()
        self._data.update_ram()
        self._variables = dict(snapshot['variables'])
        self._restored_screen = np.asarray(snapshot['screen'], np.uint8)
        self.level = snapshot['level']

    def close(self) -> None:
        """Frees the emulator, so that this process may start another."""
        self._emulator = self._data = None
        self._env.close()


def _load_scenario(game_id: str) -> scenarios.Scenario | None:
    """The game's default scenario for live evaluation, or None: stable-retro evaluates it."""
    stable_retro = _stable_retro()
    integrations = stable_retro.data.Integrations.ALL
    path = stable_retro.data.get_file_path(game_id, 'scenario.json', integrations)
    if not path or not os.path.exists(path):
        return None
    with open(path) as file:
        return scenarios.parse(json.load(file))
