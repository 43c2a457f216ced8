"""Doom through ViZDoom: the research scenarios and the maps of the Freedoom and Doom campaigns."""

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.backends import vizdoom_actions, vizdoom_data
from envs.backends.vizdoom_data import canonical_id, check, describe, game_ids
from envs.backends.vizdoom_engine import Engine
from envs.errors import UsageError
from envs.game import Game, ReplayedGame, Snapshot, Transition

# The functions of `spec.Backend`.
__all__ = ['VizdoomGame', 'canonical_id', 'check', 'describe', 'game_ids', 'make']


def make(game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """Starts a game, a `VizdoomGame`."""
    return VizdoomGame(game_id, level, actions, **options)


class VizdoomGame(ReplayedGame):
    """A Doom scenario or map at 35 tics per second, seen at 160 x 120 in gray.

    The engine's time limit is switched off and becomes `max_episode_frames`. `terminated` means
    death or the scenario's own end; the last picture before it stays, since the engine shows none
    afterwards.

    Episodes are functions of their seed and actions, so snapshots are exact, even in another
    process; a restore costs about 0.03 ms per tic. The engine's save games are not exact. The agent
    sees no status bar and no messages, and the weapon does not swing as the player walks: these
    would make a picture depend on which tics were drawn before it, the swing even on the previous
    episode.

    Args:
        game_id: One of `game_ids()`.
        level: Must be ''.
        actions: One of `vizdoom_actions.ACTION_SETS`; `default` is a table made for the scenario,
            and `multi_binary` for ids that end in `-MultiBinary-v1`.

    Raises:
        UsageError: No such id, level or action set, or a file of the game is missing.
    """

    frame_rate = 35.0
    metadata = {'render_modes': ['rgb_array'], 'render_fps': 35}

    def __init__(self, game_id: str, level: str = '', actions: str = 'default') -> None:
        super().__init__()
        check(game_id)
        if level:
            raise UsageError(f'{game_id} has no levels; every map is an id of its own')
        self._game_id = game_id
        doom, self.max_episode_frames = _configure(game_id, camera=False)
        if actions == 'default' and '-MultiBinary' in game_id:
            actions = 'multi_binary'
        buttons = [b.name for b in doom.get_available_buttons()]
        self._action_set = vizdoom_actions.make(actions, vizdoom_data.scenario(game_id), buttons)
        self.action_space = self._action_set.space
        self.action_names = self._action_set.names
        self.noop_action = self._action_set.noop
        self.observation_space = gymnasium.spaces.Box(0, 255, (120, 160), np.uint8)
        self._engine = Engine(doom)
        self._camera: Engine | None = None
        self._camera_tics = -1  # Tics of the episode that the camera has played; -1: none.

    def _begin(self, seed: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
        self._camera_tics = -1
        self._engine.begin(seed)
        return self._engine.variables()

    def _advance(self, action: Any) -> Transition:
        reward, terminated = self._engine.play(self._action_set.buttons(action))
        return reward, terminated, False, self._engine.variables()

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Plays up to `num_frames` tics of one action; only the last one can be looked at.

        This is much cheaper than as many calls of `advance`, which must draw to get the reward.

        Returns:
            The transition, with the sum of the rewards, and the number of tics. If the player left
            the map, the engine has no time any more, and the number is `num_frames`, although it
            may have been fewer.
        """
        before, buttons = self._engine.tic, self._action_set.buttons(action)
        reward, terminated = self._engine.play(buttons, num_frames)
        after = self._engine.tic
        num_played = after - before if after > before else num_frames
        self._actions += [np.array(action)] * num_played
        return (reward, terminated, False, self._engine.variables()), num_played

    def snapshot(self) -> Snapshot:
        """Returns seed and actions of the episode, and the current picture and variables."""
        seen = {'screen': self.screen(), 'watched': list(self._engine.watched)}
        return {**super().snapshot(), **seen}

    def restore(self, snapshot: Snapshot) -> None:
        """Replays the episode up to the snapshot, without drawing it."""
        super().restore({**snapshot, 'actions': ()})
        self._actions = list(snapshot['actions'])
        self._engine.replay([self._action_set.buttons(action) for action in self._actions])
        self._engine.picture = np.array(snapshot['screen'])
        self._engine.watched = list(snapshot['watched'])

    def screen(self) -> np.ndarray:
        """Returns the current picture in gray, `uint8[120, 160]`."""
        return self._engine.picture.copy()

    def watch(self, names: Sequence[str]) -> None:
        """Shows these variables to the agent, as they were when the picture was drawn."""
        super().watch(names)
        self._engine.watch(names)

    def watched(self) -> Sequence[float]:
        """Returns the watched variables; after the end, those at the episode's last picture."""
        return self._engine.watched

    def render(self) -> np.ndarray:
        """Returns the picture for people, `uint8[480, 640, 3]`, RGB, with the status bar.

        A second engine, the camera, plays the same episode. It starts at the first call and catches
        up with the tics since the last call, so it costs nothing if nobody films the game.
        """
        if self._camera is None:
            self._camera = Engine(_configure(self._game_id, camera=True)[0])
        if self._camera_tics < 0:
            self._camera.begin(self._episode_seed)
            self._camera_tics = 0
        missed = self._actions[self._camera_tics :]
        self._camera.replay([self._action_set.buttons(action) for action in missed])
        self._camera_tics = len(self._actions)
        return self._camera.picture.copy()

    def close(self) -> None:
        """Ends the engines."""
        self._engine.close()
        if self._camera is not None:
            self._camera.close()


def _configure(game_id: str, camera: bool) -> tuple[Any, int]:
    """Configures a `vizdoom.DoomGame`; returns it, not started, and its time limit in tics."""
    import vizdoom

    doom = vizdoom.DoomGame()
    options = vizdoom_data.options(game_id)
    scenario = vizdoom_data.scenario(game_id)
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{scenario}.cfg'))
    doom.set_doom_game_path(str(vizdoom_data.game_file(game_id)))
    if 'doom_map' in options:
        doom.set_doom_map(options['doom_map'])
        doom.set_doom_skill(options['doom_skill'])
    time_limit = doom.get_episode_timeout()
    doom.set_episode_timeout(0)
    doom.set_mode(vizdoom.Mode.PLAYER)
    doom.set_window_visible(False)
    doom.set_sound_enabled(False)
    doom.set_render_hud(camera)
    doom.set_render_messages(camera)
    doom.add_game_args('+movebob 0')  # The weapon does not swing; see VizdoomGame.
    for buffer in ('audio', 'automap', 'depth', 'labels', 'notifications'):
        getattr(doom, f'set_{buffer}_buffer_enabled')(False)
    if camera:
        doom.set_screen_format(vizdoom.ScreenFormat.RGB24)
        doom.set_screen_resolution(vizdoom.ScreenResolution.RES_640X480)
    else:
        doom.set_screen_format(vizdoom.ScreenFormat.GRAY8)
        doom.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    return doom, time_limit
