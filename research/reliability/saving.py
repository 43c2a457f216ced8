"""How long the emulators wait while a checkpoint is taken and written.

    .venv/bin/python -m research.reliability.saving --games=HillHopper-Genesis,VizdoomBasic-v1

Trains A2C with the game's preset and saves a checkpoint every few updates. Emulators wait between
the end of one step and the beginning of the next: while actions are chosen, while an update is
made, and then, too, when a training state is gathered. Tells the waits of at least an update in
which a checkpoint was gathered or being written, and the others.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from absl import flags

from agents import quiet_tensorflow
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from agents.configs.run import RunConfig
from envs.backends import registry
from envs.config import EnvConfig
from envs.vector.subproc_vec_env import SubprocVecEnv
from launch.common import config_flags, script

_GAMES = flags.DEFINE_list('games', ['HillHopper-Genesis', 'VizdoomBasic-v1'], 'Games to train.')
_SAVES = flags.DEFINE_integer('saves', 30, 'Checkpoints per game.', lower_bound=1)
_PERIOD = flags.DEFINE_integer('period_steps', 2000, 'Agent steps between them.', lower_bound=1)
_WARM_UP = 20  # Updates; the first ones are compiled.


class _Clock:
    """Notes when steps of the environments begin and end, and when checkpoints are taken."""

    def __init__(self) -> None:
        self.waits: dict[int, list[tuple[float, float]]] = {}  # Of each group: from, to
        self.saves: list[float] = []
        self._ended: dict[int, float] = {}

    def watch(self) -> None:
        """From now on."""
        from agents.storage.saver import Saver

        step, save = SubprocVecEnv.step, Saver.save

        def timed_step(envs: SubprocVecEnv, actions: Any) -> Any:
            now, group = time.monotonic(), id(envs)
            if group in self._ended:
                self.waits.setdefault(group, []).append((self._ended[group], now))
            result = step(envs, actions)
            self._ended[group] = time.monotonic()
            return result

        def noted_save(saver: Any, steps: int, tree: Any) -> None:
            self.saves.append(time.monotonic())
            save(saver, steps, tree)

        SubprocVecEnv.step, Saver.save = timed_step, noted_save  # type: ignore[method-assign]


def _train(game: str, directory: str) -> _Clock:
    quiet_tensorflow.load()
    from agents.actor_critic.a2c import A2C
    from agents.runs import opening

    spec = registry.find(game)
    preset, unset = presets.for_game('auto', spec), flags.FlagValues()
    config = config_flags.define(A2CConfig, unset)(preset)
    config = dataclasses.replace(config, total_steps=_PERIOD.value * (_SAVES.value + 1))
    env_config = config_flags.define(EnvConfig, unset)({**preset, 'game': game})
    env_config = spec.spelled_out(env_config)
    run_config = RunConfig(
        os.path.join(directory, game.replace('/', '-')), checkpoint_period=_PERIOD.value,
        eval_period=0,
    )  # fmt: skip
    agent, clock, updates = A2C(config, env_config), _Clock(), 0
    with opening.open_run(agent, config, env_config, run_config) as run:
        while agent.num_steps < config.total_steps and not run.interrupted:
            run.after_update(agent.update())
            updates += 1
            if updates == _WARM_UP:
                clock.watch()
    return clock


def _tell(game: str, clock: _Clock) -> None:
    """Waits with a save in them, and the longest ones of those without."""
    around: list[float] = []
    others: list[float] = []
    for waits in clock.waits.values():
        lengths = np.array([end - begin for begin, end in waits])
        with_save = np.zeros(len(waits), bool)
        for save in clock.saves:
            with_save |= [begin <= save <= end for begin, end in waits]
        around += lengths[with_save].tolist()
        others += np.sort(lengths[~with_save])[-len(clock.saves) * 10 :].tolist()
    for name, waits in (('with a checkpoint', around), ('the longest others', others)):
        numbers = [1e3 * np.median(waits), 1e3 * np.max(waits)]
        print(f'| {game} | {name} | {len(waits)} |', ' | '.join(f'{n:.0f}' for n in numbers), '|')


def main() -> None:
    """Trains each game and prints a table."""
    if len(_GAMES.value) > 1:  # What is watched stays so: a process for each.
        for game in _GAMES.value:
            subprocess.run(
                [sys.executable, '-m', 'research.reliability.saving', f'--games={game}',
                 f'--saves={_SAVES.value}', f'--period_steps={_PERIOD.value}'],
                check=True,
            )  # fmt: skip
        return
    (game,) = _GAMES.value
    with tempfile.TemporaryDirectory(prefix='saving-') as directory:
        clock = _train(game, directory)
    print('| game | waits of the emulators | number | median, ms | longest, ms |')
    print('| --- | --- | --- | --- | --- |')
    _tell(game, clock)


if __name__ == '__main__':
    script.start(main)
