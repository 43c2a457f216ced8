"""Description of a game, found once and handed on, and the interface of a backend."""

import dataclasses
import difflib
import importlib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Game


class Backend(Protocol):
    """Everything that is asked of a backend.

    A backend is a module, `envs.backends.<name>_game`, with these functions. Importing it imports
    no emulator; a function may import the backend's own emulator, except as stated below.
    """

    def game_ids(self) -> tuple[str, ...]:
        """The ids of all its games; empty if its emulator is not installed."""

    def canonical_id(self, name: str) -> str | None:
        """The id of the game that a user calls `name`; None if this backend has no such game.

        It is asked for names of other backends' games, too, and imports its emulator only if the
        name may be one of its own.
        """

    def describe(self, game_id: str) -> 'GameSpec':
        """The description of the game with this id, one of `game_ids()`."""

    def check(self, game_id: str) -> None:
        """Raises `UsageError` unless the game can be started on this machine."""

    def make(self, game_id: str, level: str = '', actions: str = 'default', **options: Any) -> Game:
        """Starts the game.

        Args:
            game_id: One of `game_ids()`.
            level: A level of the game; '' for its default.
            actions: An action set of the game.
            **options: Options of this backend alone.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class GameSpec:
    """Everything known about a game before it is started. It can be pickled and is small.

    Attributes:
        backend: Name of the backend; `envs.backends.<backend>_game` is its module.
        id: The backend's own id of the game.
        emulator: Module that a process imports to play the game.
        family: Family of games that the game belongs to; presets are chosen by it.
        levels: Levels that an episode can start in; empty if the game has none.
        level_sets: Levels that a collective name, such as `train`, stands for.
        action_sets: Names of the action sets, `default` first.
        own_variables: Game variables that `all` stands for.
        variables: All game variables that can be shown to the agent.
        rewards: Names of the rewards, `default` first.
        has_turbo: Whether held buttons can be released and pressed anew.
        needs_own_process: Whether a process can hold only one game of this backend.
        processes_per_core: Worker processes per core that keep the machine busy.
    """

    backend: str
    id: str
    emulator: str
    family: str
    levels: tuple[str, ...] = ()
    level_sets: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    action_sets: tuple[str, ...] = ('default',)
    own_variables: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    rewards: tuple[str, ...] = ('default',)
    has_turbo: bool = False
    needs_own_process: bool = False
    processes_per_core: int = 1

    @property
    def modules(self) -> tuple[str, str]:
        """Names of the modules that play the game, for processes that import them in advance."""
        return module_name(self.backend), self.emulator

    def make(self, level: str = '', actions: str = 'default', **options: Any) -> Game:
        """Starts the bare game, one emulator frame per step.

        Args:
            level: One of `levels`; '' for the game's default.
            actions: One of `action_sets`.
            **options: Options of the game's backend alone.
        """
        game = load(self.backend).make(self.id, level, actions, **options)
        game.name = self.id
        return game

    def check(self, config: EnvConfig) -> None:
        """Raises `UsageError` unless the game can be played here as the configuration says."""
        for level in config.levels:
            if level not in self.levels:
                there_is = nearest(level, self.levels) if self.levels else '; it has no levels'
                raise UsageError(f'{self.id} has no level {level!r}{there_is}')
        self.check_reward(config)
        self.shown_variables(config)
        if config.turbo_frames and not self.has_turbo:
            raise UsageError(f'--turbo_frames: {self.id} is not a console game')
        if config.actions not in self.action_sets:
            there_are = ', '.join(self.action_sets)
            raise UsageError(
                f'{self.id} has no action set {config.actions!r}; there are: {there_are}'
            )
        load(self.backend).check(self.id)

    def check_reward(self, config: EnvConfig) -> None:
        """Raises `UsageError` unless the game has the reward."""
        if config.reward not in self.rewards:
            there_is = ', '.join(self.rewards)
            raise UsageError(f'{self.id} has no reward {config.reward!r}; there are: {there_is}')

    def shown_variables(self, config: EnvConfig) -> tuple[str, ...]:
        """The game variables that the agent sees, `all` spelled out.

        Raises:
            UsageError: The game has no such variable.
        """
        if config.game_variables and not self.variables:
            raise UsageError(f'--game_variables: {self.id} has no game variables')
        there_are = f'there are: {", ".join(self.variables)}'
        names: list[str] = []
        for name in config.game_variables:
            if name == 'all' and not self.own_variables:
                raise UsageError(f'--game_variables: {self.id} names none; {there_are}')
            if name != 'all' and name not in self.variables:
                near = nearest(name, self.variables) or f'; {there_are}'
                raise UsageError(f'--game_variables: {self.id} has no variable {name!r}{near}')
            names += self.own_variables if name == 'all' else [name]
        return tuple(dict.fromkeys(names))

    def spelled_out(self, config: EnvConfig) -> EnvConfig:
        """The configuration with the levels and variables that collective names stand for.

        Raises:
            UsageError: The game has no such variable.
        """
        levels = (self.level_sets.get(level, (level,)) for level in config.levels)
        distinct = tuple(dict.fromkeys(itertools.chain.from_iterable(levels)))
        variables = self.shown_variables(config)
        return dataclasses.replace(config, levels=distinct, game_variables=variables)


def module_name(backend: str) -> str:
    """Name of the module of a backend."""
    return f'envs.backends.{backend}_game'


def load(backend: str) -> Backend:
    """The backend of this name, imported when it is first needed."""
    return cast(Backend, importlib.import_module(module_name(backend)))


def nearest(name: str, known: Iterable[str]) -> str:
    """`; nearest: A, B`, comparing without case, or '' if nothing is near."""
    by_lower, lower = {k.lower(): k for k in known}, name.lower()
    holding = sorted((k for k in by_lower if lower and lower in k), key=len)
    near = difflib.get_close_matches(lower, by_lower, n=3, cutoff=0.5)
    near = list(dict.fromkeys([*near, *holding]))[:3]
    return f'; nearest: {", ".join(by_lower[k] for k in near)}' if near else ''
