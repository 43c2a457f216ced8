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
    doom.load_config(os.path.join(vizdoom.scenarios_path, f'{_scenario(game_id)}.cfg'))
    own = (variable.name.lower() for variable in doom.get_available_game_variables())
    names = map(str.lower, vizdoom.GameVariable.__members__)
    return tuple(own), tuple(name for name in names if not name.startswith(_NOT_OF_THE_EPISODE))


def check(game_id: str) -> None:
    """Raises `UsageError` if the game needs a file of Doom that is missing."""
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
        self._action_set = vizdoom_actions.make(actions, _scenario(game_id), buttons)
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
        if 'watched' in snapshot:  # Older versions had no watched variables.
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


def _scenario(game_id: str) -> str:
    """Returns the name of the configuration of an id, such as `basic` or `freedoom1`."""
    if game_id not in _registered():
        raise UsageError(f'ViZDoom has no game {game_id!r}')
    return pathlib.Path(_registered()[game_id]['scenario_config_file']).stem


def _find_game_file(name: str) -> pathlib.Path | None:
    """Finds a file in ViZDoom's folder or the user's, if one is set; letter case is ignored."""
    import vizdoom

    folders = [vizdoom.root_path, os.environ.get(_FOLDER_VARIABLE, '')]
    for folder in map(pathlib.Path, filter(os.path.isdir, folders)):
        for path in sorted(folder.iterdir()):
            if path.name.lower() == name:
                return path.resolve()
    return None
