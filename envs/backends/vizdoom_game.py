"""Doom through ViZDoom: the research scenarios and the maps of the Freedoom and Doom campaigns."""

import functools
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.backends import vizdoom_actions
from envs.backends.spec import GameSpec
from envs.backends.vizdoom_engine import Engine
from envs.errors import UsageError
from envs.game import Game, ReplayedGame, Snapshot, Transition

# Scenarios play with Freedoom's textures, wherever a doom2.wad may lie, so that results compare.
_GAME_FILES = {'doom': 'doom.wad', 'doom2': 'doom2.wad', 'freedoom1': 'freedoom1.wad'}
_SCENARIO_GAME_FILE = 'freedoom2.wad'
_NOT_OF_THE_EPISODE = ('deathcount', 'player', 'user', 'camera')
_FOLDER_VARIABLE = 'DOOMWADDIR'  # As other Doom engines call it.


@functools.cache
def _registered() -> dict[str, dict[str, Any]]:
    """Options of every id that ViZDoom registers: scenario, and map and skill of a campaign."""
    import vizdoom.gymnasium_wrapper  # noqa: F401  Registers, without pygame, in 0.05 s.

    return {
        name: spec.kwargs
        for name, spec in gymnasium.registry.items()
        if str(spec.entry_point).startswith('vizdoom.')
    }


def game_ids() -> tuple[str, ...]:
    """Every Doom id: `VizdoomBasic-v1`, `VizdoomFreedoom1E1M1-S3-v0` (map, skill) and so on."""
    return tuple(_registered())


def canonical_id(name: str) -> str | None:
    """The name itself if it is one of `game_ids()`, otherwise None."""
    return name if name.startswith('Vizdoom') and name in game_ids() else None


def describe(game_id: str) -> GameSpec:
    """The description of a game. It has no levels: every map and skill is an id of its own."""
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
    """Names of the scenario's own variables, and of all that the engine has.

    Left out is what does not follow from the episode: the deaths since the engine's start, other
    players, and what scripts of maps keep; and the camera, which is the player.
    """
    import vizdoom

    doom = vizdoom.DoomGame()
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{_scenario(game_id)}.cfg'))
    own = (variable.name.lower() for variable in doom.get_available_game_variables())
    names = map(str.lower, vizdoom.GameVariable.__members__)
    return tuple(own), tuple(name for name in names if not name.startswith(_NOT_OF_THE_EPISODE))


def check(game_id: str) -> None:
    """Raises `UsageError` if the game needs a file of Doom that is not there."""
    name = _GAME_FILES.get(_scenario(game_id), _SCENARIO_GAME_FILE)
    if _find_game_file(name) is None:
        free_game = game_id.replace('Doom2', 'Freedoom2').replace('DoomE', 'Freedoom1E')
        raise UsageError(
            f'{game_id} needs {name} of the commercial game, which is not free; put yours in a '
            f'folder and set {_FOLDER_VARIABLE} to it, or play {free_game}'
        )


def make(game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """Starts a game, a `VizdoomGame`."""
    return VizdoomGame(game_id, level, actions, **options)


class VizdoomGame(ReplayedGame):
    """A Doom scenario or map at 35 tics per second, seen at 160 x 120 in gray.

    The engine's time limit is off and becomes `max_episode_frames`; `terminated` means death or
    the scenario's own end, whose last picture stays, since the engine shows none afterwards.

    Episodes are functions of their seed and actions, so snapshots are exact, in another process
    too; a restore costs about 0.03 ms a tic. The engine's save games are not exact. The agent sees
    no status bar and no messages, and nothing swings as the player walks: these would make a
    picture depend on which tics were drawn before it, the swing even in the episode before.

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
        self._action_set = vizdoom_actions.make(actions, _scenario(game_id), buttons)
        self.action_space = self._action_set.space
        self.action_names = self._action_set.names
        self.noop_action = self._action_set.noop
        self.observation_space = gymnasium.spaces.Box(0, 255, (120, 160), np.uint8)
        self._engine = Engine(doom)
        self._camera: Engine | None = None
        self._camera_tics = -1  # Tics of this episode that the camera has played; -1 before it.

    def _begin(self, seed: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
        self._camera_tics = -1
        self._engine.begin(seed)
        return self._engine.variables()

    def _advance(self, action: Any) -> Transition:
        reward, terminated = self._engine.play(self._action_set.buttons(action))
        return reward, terminated, False, self._engine.variables()

    def advance_many(self, action: Any, num_frames: int) -> tuple[Transition, int]:
        """Up to so many tics of one action, of which only the last can be looked at.

        Much cheaper than as many calls of `advance`, which must draw for the sake of the reward.

        Returns:
            The transition, with the sum of the rewards, and the number of tics; if the player left
            the map (the engine then forgets the time) `num_frames`, though it may have been fewer.
        """
        before, buttons = self._engine.tic, self._action_set.buttons(action)
        reward, terminated = self._engine.play(buttons, num_frames)
        after = self._engine.tic
        num_played = after - before if after > before else num_frames
        self._actions += [np.array(action)] * num_played
        return (reward, terminated, False, self._engine.variables()), num_played

    def snapshot(self) -> Snapshot:
        """The seed and the actions of the episode, and what is seen, which may be its last."""
        seen = {'screen': self.screen(), 'watched': list(self._engine.watched)}
        return {**super().snapshot(), **seen}

    def restore(self, snapshot: Snapshot) -> None:
        """Plays the episode again up to the snapshot, without drawing it."""
        super().restore({**snapshot, 'actions': ()})
        self._actions = list(snapshot['actions'])
        self._engine.replay([self._action_set.buttons(action) for action in self._actions])
        self._engine.picture = np.array(snapshot['screen'])
        if 'watched' in snapshot:  # Older versions watched nothing.
            self._engine.watched = list(snapshot['watched'])

    def screen(self) -> np.ndarray:
        """`uint8[120, 160]`, gray."""
        return self._engine.picture.copy()

    def watch(self, names: Sequence[str]) -> None:
        """Variables that the agent sees, as they were when the picture was drawn."""
        super().watch(names)
        self._engine.watch(names)

    def watched(self) -> Sequence[float]:
        """Of an episode that has ended those of its last picture."""
        return self._engine.watched

    def render(self) -> np.ndarray:
        """`uint8[480, 640, 3]`, RGB, with the status bar.

        A second engine, the camera, plays the same episode: it starts at the first call, and
        catches up with the tics since the last, so a game that nobody films does not pay for it.
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
    """A `vizdoom.DoomGame` that is not started yet, and the scenario's time limit in tics."""
    import vizdoom

    doom = vizdoom.DoomGame()
    options, scenario = _registered()[game_id], _scenario(game_id)
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{scenario}.cfg'))
    game_file = _find_game_file(_GAME_FILES.get(scenario, _SCENARIO_GAME_FILE))
    doom.set_doom_game_path(str(game_file))
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
    doom.add_game_args('+movebob 0')  # No swing of the weapon; see VizdoomGame.
    for buffer in ('audio', 'automap', 'depth', 'labels', 'notifications'):
        getattr(doom, f'set_{buffer}_buffer_enabled')(False)
    if camera:
        doom.set_screen_format(vizdoom.ScreenFormat.RGB24)
        doom.set_screen_resolution(vizdoom.ScreenResolution.RES_640X480)
    else:
        doom.set_screen_format(vizdoom.ScreenFormat.GRAY8)
        doom.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    return doom, time_limit


def _scenario(game_id: str) -> str:
    """Name of the configuration of an id: `basic`, `freedoom1`."""
    if game_id not in _registered():
        raise UsageError(f'ViZDoom has no game {game_id!r}')
    return pathlib.Path(_registered()[game_id]['scenario_config_file']).stem


def _find_game_file(name: str) -> pathlib.Path | None:
    """The file in ViZDoom's folder, or in the user's if one is set; letter case does not count."""
    import vizdoom

    folders = [vizdoom.root_path, os.environ.get(_FOLDER_VARIABLE, '')]
    for folder in map(pathlib.Path, filter(os.path.isdir, folders)):
        for path in sorted(folder.iterdir()):
            if path.name.lower() == name:
                return path.resolve()
    return None
