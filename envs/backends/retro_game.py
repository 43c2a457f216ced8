"""Console games through stable-retro: Genesis, SNES, NES, Master System and others."""

import json
import re
from collections.abc import Sequence
from typing import Any

import cv2
import gymnasium
import numpy as np

from envs.backends import actions as action_tables
from envs.backends import retro_scenario
from envs.backends.retro_data import (
    action_sets,
    canonical_id,
    check,
    default_action_set,
    describe,
    file_path,
    game_ids,
    levels,
    stable_retro_module,
)
from envs.courses import FRAME_LIMIT
from envs.fields import require
from envs.game import Game, Snapshot, Transition

# The functions of `spec.Backend`.
__all__ = ['RetroGame', 'canonical_id', 'check', 'describe', 'game_ids', 'make']

# Genesis Plus GX declares 1 MB of state and fills the first 145 KB; the rest is random memory.
_STATE_BYTES = {'Genesis': 160_000}


def make(game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """Starts a game, a `RetroGame`; the only option is `turbo_frames`."""
    return RetroGame(game_id, level, actions, **options)


class RetroGame(Game):
    """A console game. Snapshots continue exactly, even in another process.

    The exceptions are the 43 games whose scenario is a Lua script: a snapshot does not contain the
    variables of the script, so after a restore the reward may be counted from a different start.

    The snapshot consists of the emulator's save state, the variables whose change is the reward,
    and the screen, since a save state has no picture. An emulator core keeps global state, so a
    process can hold only one game at a time; run it in a `SubprocVecEnv`.

    Args:
        game_id: One of `game_ids()`.
        level: One of `levels(game_id)`; '' is the game's default state.
        actions: One of `action_sets(game_id)`.
        turbo_frames: See `actions.Turbo`.
    """

    max_episode_frames = FRAME_LIMIT

    def __init__(
        self, game_id: str, level: str = '', actions: str = 'default', turbo_frames: int = 0
    ) -> None:
        stable_retro = stable_retro_module()
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
        self._actions = action_tables.for_console(
            actions, default_action_set(game_id), self._env.buttons
        )
        self._turbo = action_tables.Turbo(turbo_frames, self._env.buttons)
        self.action_space = self._actions.space
        self.action_names, self.noop_action = self._actions.names, self._actions.noop
        height, width = self._env.observation_space.shape[:2]
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width), np.uint8)
        self.frame_rate = float(self._emulator.get_screen_rate())
        self._scenario = _load_scenario(game_id)
        self._variables: dict[str, float] = {}
        self._restored_screen: np.ndarray | None = None

    def set_level(self, level: str) -> None:
        """Sets the level in which the next episode starts."""
        self._env.load_state(level, stable_retro_module().data.Integrations.ALL)
        self.level = level

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Loads the state of the level; the emulator is not random, so the seed changes nothing."""
        gymnasium.Env.reset(self, seed=seed)
        self._env.reset()
        self._turbo.held[:] = 0
        self._restored_screen = None
        self._variables = self._data.lookup_all()
        return self.screen(), dict(self._variables)

    def advance(self, action: Any) -> Transition:
        """Plays one frame with the scenario's reward and end; the info is the game's variables."""
        self._emulator.set_button_mask(self._turbo(self._actions.buttons(action)), 0)
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
        """Returns the picture in grayscale, `uint8[height, width]`."""
        return cv2.cvtColor(self.render(), cv2.COLOR_RGB2GRAY)

    def watched(self) -> Sequence[float]:
        """Returns the values of the watched variables in the game's memory."""
        return [self._variables[name] for name in self.variable_names]

    def render(self) -> np.ndarray:
        """Returns the picture in colour, `uint8[height, width, 3]`."""
        if self._restored_screen is not None:
            return self._restored_screen.copy()
        return self._env.get_screen(apply_rotation=True)

    def snapshot(self) -> Snapshot:
        """Returns the save state, the variables, the held buttons and the screen."""
        state = np.frombuffer(self._emulator.get_state(), np.uint8).copy()
        state[_STATE_BYTES.get(self._env.system, len(state)) :] = 0
        return {
            'state': state,
            'variables': dict(self._variables),
            'held': self._turbo.held.copy(),
            'screen': self.render().copy(),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Loads the save state; the next frame's reward is the change from the snapshot."""
        if not self._emulator.set_state(np.asarray(snapshot['state'], np.uint8).tobytes()):
            raise ValueError('the emulator refuses this save state')
        self._data.reset()
        self._data.update_ram()
        self._variables = dict(snapshot['variables'])
        self._turbo.held[:] = snapshot['held']
        self._restored_screen = np.asarray(snapshot['screen'], np.uint8)

    def close(self) -> None:
        """Frees the emulator, so that this process may start another."""
        self._emulator = self._data = None
        self._env.close()


def _load_scenario(game_id: str) -> retro_scenario.Scenario | None:
    """Loads the default scenario for live evaluation; None if stable-retro must evaluate it."""
    path = file_path(game_id, 'scenario.json')
    if not path:
        return None
    with open(path) as file:
        return retro_scenario.parse(json.load(file))
