"""Finds the backend of a game by its name; refuses an unknown one with the nearest names."""

import dataclasses
import difflib
import importlib
import itertools
import types
from collections.abc import Iterable
from typing import Any

from envs.backends import retro_data
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Game

# Backend -> module, class and emulator. Each module has game_ids, levels, action_sets and check,
# and imports its emulator only when one of them is called.
_BACKENDS = {
    'retro': ('envs.backends.retro_game', 'RetroGame', 'stable_retro'),
    'vizdoom': ('envs.backends.vizdoom_game', 'VizdoomGame', 'vizdoom.gymnasium_wrapper'),
    'atari': ('envs.backends.atari_game', 'AtariGame', 'ale_py'),
    'gymnasium': ('envs.backends.gymnasium_game', 'GymnasiumGame', 'gymnasium'),
}


def resolve(name: str) -> tuple[str, str]:
    """The backend and the backend's own id of a game.

    Raises:
        UsageError: No backend knows the game; the message has the nearest names.
    """
    # In this order no emulator is imported for a game that is not its own.
    if name.startswith('ALE/') or name.startswith('Vizdoom'):
        backend = 'atari' if name.startswith('ALE/') else 'vizdoom'
        known_here = _module(backend).game_ids()
        if name in known_here:
            return backend, name
        if not known_here:
            _module(backend).check(name)  # Says which package is missing.
    elif name in _module('gymnasium').game_ids():
        return 'gymnasium', name
    elif (canonical := retro_data.canonical_id(name)) is not None:
        return 'retro', canonical
    known = [game for backend in _BACKENDS for game in _module(backend).game_ids()]
    raise UsageError(f'unknown game {name!r}{_nearest(name, known)}')


def check(config: EnvConfig) -> None:
    """Raises `UsageError` unless the game, its files, its levels and its action set exist."""
    backend, game_id = resolve(config.game)
    module = _module(backend)
    known_levels = module.levels(game_id)
    for level in config.levels:
        if level not in known_levels:
            there_is = _nearest(level, known_levels) if known_levels else '; it has no levels'
            raise UsageError(f'{game_id} has no level {level!r}{there_is}')
    check_reward(config)
    variables(config)
    if config.turbo_frames and backend != 'retro':
        raise UsageError(f'--turbo_frames: {game_id} is not a console game')
    known_sets = module.action_sets(game_id)
    if config.actions not in known_sets:
        raise UsageError(
            f'{game_id} has no action set {config.actions!r}; there are: {", ".join(known_sets)}'
        )
    module.check(game_id)


def check_reward(config: EnvConfig) -> None:
    """Raises `UsageError` unless the game has the reward."""
    backend, game_id = resolve(config.game)
    known = retro_data.rewards(game_id) if backend == 'retro' else ('default',)
    if config.reward not in known:
        there_is = ', '.join(known)
        raise UsageError(f'{game_id} has no reward {config.reward!r}; there are: {there_is}')


def with_levels(config: EnvConfig) -> EnvConfig:
    """The configuration with the levels that `train`, `test` and `all` stand for."""
    backend, game_id = resolve(config.game)
    if backend != 'retro':
        return config
    levels = [retro_data.level_set(game_id, level) or (level,) for level in config.levels]
    distinct = dict.fromkeys(itertools.chain.from_iterable(levels))
    return dataclasses.replace(config, levels=tuple(distinct))


def variables(config: EnvConfig) -> tuple[str, ...]:
    """The game variables that the agent sees, `all` spelled out.

    Raises:
        UsageError: The game has no such variable.
    """
    if not config.game_variables:
        return ()
    backend, game_id = resolve(config.game)
    own, known = _module(backend).variables(game_id)
    if not known:
        raise UsageError(f'--game_variables: {game_id} has no game variables')
    names: list[str] = []
    for name in config.game_variables:
        if name == 'all' and not own:
            there_are = ', '.join(known)
            raise UsageError(f'--game_variables: {game_id} names none; there are: {there_are}')
        if name != 'all' and name not in known:
            near = _nearest(name, known) or f'; there are: {", ".join(known)}'
            raise UsageError(f'--game_variables: {game_id} has no variable {name!r}{near}')
        names += own if name == 'all' else [name]
    return tuple(dict.fromkeys(names))


def with_variables(config: EnvConfig) -> EnvConfig:
    """The configuration with the game variables that `all` stands for."""
    return dataclasses.replace(config, game_variables=variables(config))


def make(name: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
    """The bare game, one emulator frame per step; `options` are those of its backend alone."""
    backend, game_id = resolve(name)
    game_class = getattr(_module(backend), _BACKENDS[backend][1])
    game = game_class(game_id, level, actions, **options)
    assert isinstance(game, Game)
    game.name = game_id
    return game


def modules(name: str) -> tuple[str, str]:
    """Names of the modules that play a game, for processes that import them in advance."""
    backend, _ = resolve(name)
    module, _, emulator = _BACKENDS[backend]
    return module, emulator


def _module(backend: str) -> types.ModuleType:
    return importlib.import_module(_BACKENDS[backend][0])


def _nearest(name: str, known: Iterable[str]) -> str:
    """`; nearest: A, B`, comparing without case, or '' if nothing is near."""
    by_lower, lower = {k.lower(): k for k in known}, name.lower()
    holding = sorted((k for k in by_lower if lower and lower in k), key=len)
    near = difflib.get_close_matches(lower, by_lower, n=3, cutoff=0.5)
    near = list(dict.fromkeys([*near, *holding]))[:3]
    return f'; nearest: {", ".join(by_lower[k] for k in near)}' if near else ''
