"""Builds environments from a configuration. This is the only place that orders the wrappers."""

import functools
import math
from collections.abc import Iterable
from typing import Any

import gymnasium

from envs.backends import registry
from envs.backends.spec import GameSpec
from envs.config import EnvConfig
from envs.courses import COURSES
from envs.errors import UsageError
from envs.game import Game
from envs.vector import cores
from envs.vector.restarts import RestartBudget
from envs.vector.subproc_vec_env import SubprocVecEnv
from envs.wrappers import frames, pictures, steps
from envs.wrappers.level_rewards import REWARDS, LevelCycle

__all__ = ['EnvConfig', 'make_env', 'make_vec_env']


def make_env(
    config: EnvConfig,
    index: int = 0,
    film: str = '',
    level_stride: int = 1,
    *,
    spec: GameSpec | None = None,
) -> gymnasium.Env[Any, Any]:
    """Builds the environment that a configuration describes.

    Observations are stacked pictures, vectors, or stacked pictures with numbers beside them.

    Args:
        config: The configuration.
        index: Number of the environment among several, and of its first level.
        film: File for a film of the first episodes, at every emulator frame; '' for none.
        level_stride: Number of levels by which each episode is ahead of the previous one.
        spec: Description of the game, if the caller has it; otherwise it is found by its name.

    Raises:
        UsageError: The configuration does not fit the game.
    """
    spec = spec or registry.find(config.game)
    first = index % max(len(config.levels), 1)
    level = config.levels[first] if config.levels else ''
    options = {'turbo_frames': config.turbo_frames} if config.turbo_frames else {}
    names = spec.shown_variables(config)
    game = spec.make(level, config.actions, **options)
    try:
        if names:
            game.watch(names)
        return _wrap(_leveled(game, spec, config, first, level_stride), config, film)
    except BaseException:
        game.close()  # Otherwise an emulator with one game per process would refuse the next.
        raise


def make_vec_env(
    config: EnvConfig,
    numbers: Iterable[int],
    *,
    num_groups: int = 1,
    film: str = '',
    level_stride: int = 1,
    restarts: RestartBudget | None = None,
) -> SubprocVecEnv:
    """Starts environments in worker processes; the infos of single steps are not returned.

    Games share processes, so that all groups together have about one process per core, or two for
    ViZDoom, whose engines are processes, too. Each retro game has a process of its own, because its
    emulator requires it.

    Args:
        config: Configuration of all environments.
        numbers: Numbers of the environments, and of their first levels.
        num_groups: Number of such groups of environments that play at the same time.
        film: File for a film of the first episodes of environment 0; '' for none.
        level_stride: Number of levels by which each episode is ahead of the previous one.
        restarts: Counter of replaced workers, if it is shared with other environments.

    Raises:
        UsageError: The configuration does not fit the game.
    """
    spec = registry.find(config.game)
    env_fns = [
        functools.partial(make_env, config, i, '' if i else film, level_stride, spec=spec)
        for i in numbers
    ]
    return SubprocVecEnv(
        env_fns,
        hang_seconds=config.hang_seconds,
        restarts=restarts or RestartBudget(config.max_restarts),
        max_memory_mb=0
        if film
        else config.worker_memory_mb,  # Replacing a worker would end its film.
        step_infos=False,
        envs_per_process=_envs_per_process(spec, config, len(env_fns), num_groups),
        preload=(__name__, *spec.modules),
    )


def _envs_per_process(spec: GameSpec, config: EnvConfig, num_envs: int, num_groups: int) -> int:
    if spec.needs_own_process:
        return 1
    processes = len(cores.of_process()) * spec.processes_per_core
    return config.envs_per_process or math.ceil(num_envs / max(1, processes // num_groups))


def _leveled(game: Any, spec: GameSpec, config: EnvConfig, first: int, stride: int) -> Any:
    """The game with the wrappers that know its levels."""
    if len(config.levels) > 1:
        game = LevelCycle(game, config.levels, first, stride)
    spec.check_reward(config)
    if config.reward != 'default':
        game = REWARDS[config.reward](game, COURSES[spec.id])
    return game


def _wrap(screens: Any, config: EnvConfig, film: str) -> gymnasium.Env[Any, Any]:
    game: Game = screens.unwrapped
    max_frames = config.max_episode_steps * config.action_repeat or game.max_episode_frames
    env: Any = frames.TimeLimit(screens, max_frames)  # A picture uint8[H, W], per frame
    if film:
        from envs.wrappers.film import Film  # The encoder is imported only for filming.

        env = Film(env, film)
    if config.sticky_actions:
        env = frames.StickyActions(env, config.sticky_actions)
    if config.noop_max:
        if game.noop_action is None:
            raise UsageError(f'--noop_max: {config.game} has no action that does nothing')
        env = frames.NoopStart(env, config.noop_max)
    has_pictures = len(game.observation_space.shape or ()) == 2
    env = frames.ActionRepeat(env, config.action_repeat, config.max_pool and has_pictures)
    env = steps.RecordEpisodeStatistics(env)  # Per agent step from here on
    env = steps.RewardTransform(env, config.reward_scale, config.reward_transform)
    if config.life_loss_ends_episode:
        env = steps.LifeLossEndsEpisode(env)
    if config.fire_on_reset:
        env = steps.FireOnReset(env)
    if has_pictures:
        env = pictures.ResizeObservation(env, config.screen_size, config.crop)  # uint8[84, 84]
        env = pictures.FrameStackObservation(env, config.frame_stack)  # uint8[84, 84, 4]
    elif config.frame_stack > 1:
        raise UsageError(f'--frame_stack: {config.game} has no pictures to stack; set it to 1')
    if game.variables_space is not None:
        env = pictures.ShowVariables(env)  # {'screen': uint8[84, 84, 4], 'variables': [D]}
    return env
