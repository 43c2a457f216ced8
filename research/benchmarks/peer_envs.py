"""The same games with the wrappers that users of Stable-Baselines3 take for them.

Four frames per step, the maximum of the last two (not in Doom), grayscale, 84 x 84, INTER_AREA.
Pictures are stacked by its VecFrameStack.
"""

import os
import tempfile
from typing import Any

import cv2
import gymnasium
import numpy as np
from stable_baselines3.common import atari_wrappers

from envs.backends import actions, registry, retro_data


def make(game: str) -> gymnasium.Env[Any, Any]:
    """An environment of pictures, `uint8[84, 84, 1]`."""
    spec = registry.find(game)
    if spec.backend == 'retro':
        import stable_retro

        every_button = stable_retro.Actions.ALL
        console = stable_retro.make(
            spec.id, render_mode='rgb_array', use_restricted_actions=every_button
        )
        default = retro_data.default_action_set(spec.id)
        table = actions.for_console('default', default, console.buttons).table
        return atari_wrappers.WarpFrame(
            atari_wrappers.MaxAndSkipEnv(_ButtonCombinations(console, table), 4)
        )
    if spec.backend == 'vizdoom':
        os.chdir(tempfile.mkdtemp(dir=os.environ.get('TMPDIR')))  # Engines share a file in it.
        import vizdoom
        from vizdoom import gymnasium_wrapper  # noqa: F401

        return _DoomScreen(
            gymnasium.make(
                spec.id,
                frame_skip=4,
                screen_resolution=vizdoom.ScreenResolution.RES_160X120,
                screen_format=vizdoom.ScreenFormat.GRAY8,
            )
        )
    import ale_py

    gymnasium.register_envs(ale_py)
    return atari_wrappers.AtariWrapper(gymnasium.make(spec.id, frameskip=1))


class _ButtonCombinations(gymnasium.ActionWrapper[Any, Any, Any]):
    """The discrete actions of the Sonic tutorials."""

    def __init__(self, env: gymnasium.Env[Any, Any], table: np.ndarray) -> None:
        super().__init__(env)
        self._table = table
        self.action_space = gymnasium.spaces.Discrete(len(table))

    def action(self, action: Any) -> np.ndarray:
        return self._table[int(action)]


class _DoomScreen(gymnasium.ObservationWrapper[Any, Any, Any]):
    """The screen alone, resized."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.observation_space = gymnasium.spaces.Box(0, 255, (84, 84, 1), np.uint8)

    def observation(self, observation: Any) -> np.ndarray:
        screen = observation['screen']
        return cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA)[:, :, None]
