"""Finds buttons that clear an act: `python -m envs.hillhopper.solve FILE [LEVEL ...]`.

It searches with save states, after Go-Explore (Ecoffet et al., 2019,
https://arxiv.org/abs/1901.10995): remember how to reach each place of the act, go back to one of
the farthest places, continue at random, and remember the new places. FILE is JSON; it maps a level
to buttons and frames, `RIGHT*24 RIGHT+B*12 ...`.
"""

import dataclasses
import json
import pathlib
import sys
import time

import numpy as np

from envs.hillhopper.emulator import LEVELS, Console

PLACE_WIDTH = 24  # Pixels.
NUM_FARTHEST = 12  # Number of farthest places to go back to.
NUM_MACROS = 5  # Macros per attempt.
NUM_SEEDS = 4  # Searches per level; the shortest solution is kept.
FRAMES_PER_STEP = 4  # An action is held for this many frames, as by agents.
MOST_RISE = 4  # Most pixels that a platform moves up or down per step.
# Buttons, their probability, and the most steps for which they are held.
MACROS = (
    ('RIGHT', 0.36, 8),
    ('RIGHT+B', 0.42, 9),
    ('', 0.1, 24),
    ('LEFT', 0.06, 4),
    ('B', 0.06, 6),
)

Plan = tuple[tuple[str, int], ...]


@dataclasses.dataclass
class Place:
    """A place that was reached: the buttons since the beginning, and the state there."""

    plan: Plan
    num_frames: int
    state: bytes
    num_visits: int = 0


def text_of(plan: Plan) -> str:
    """Writes a plan as text; neighbours with equal buttons are joined."""
    runs: list[tuple[str, int]] = []
    for buttons, num_frames in plan:
        if runs and runs[-1][0] == buttons:
            runs[-1] = (buttons, runs[-1][1] + num_frames)
        else:
            runs.append((buttons, num_frames))
    return ' '.join(f'{buttons or "NOOP"}*{num_frames}' for buttons, num_frames in runs)


def plan_of(text: str) -> Plan:
    """Reads a plan from a text written by `text_of`."""
    runs = (run.split('*') for run in text.split())
    return tuple(('' if buttons == 'NOOP' else buttons, int(frames)) for buttons, frames in runs)


class Search:
    """Search for a solution; it keeps the places of an act that were reached so far."""

    def __init__(self, console: Console, seed: int) -> None:
        self._console, self._rng = console, np.random.default_rng(seed)
        self._lives = console.variables()['lives']
        self._shares = np.array([share for _, share, _ in MACROS])
        start = Place((), 0, console.save()[:160_000].ljust(len(console.save()), b'\0'))
        self.places = {self._key(): start}
        self.solution: Plan | None = None

    def _key(self) -> tuple[int, bool]:
        variables = self._console.variables()
        return variables['x'] // PLACE_WIDTH, variables['rings'] > 0

    def attempt(self) -> None:
        """Goes back to a far place and continues from there."""
        farthest = sorted(self.places, reverse=True)[:NUM_FARTHEST]
        weights = np.array([1 / (1 + self.places[key].num_visits) for key in farthest])
        place = self.places[farthest[self._rng.choice(len(farthest), p=weights / weights.sum())]]
        place.num_visits += 1
        self._console.load(place.state)
        plan, num_frames, variables = place.plan, place.num_frames, self._console.variables()
        for _ in range(NUM_MACROS):
            buttons, _, longest = MACROS[self._rng.choice(len(MACROS), p=self._shares)]
            length = FRAMES_PER_STEP * int(self._rng.integers(1, longest + 1))
            for _ in range(length // FRAMES_PER_STEP):
                y = variables['y']
                variables = self._console.press(buttons, FRAMES_PER_STEP)
                plan, num_frames = (*plan, (buttons, FRAMES_PER_STEP)), num_frames + FRAMES_PER_STEP
                if variables['lives'] < self._lives:
                    return
                if variables['level_end_bonus']:
                    self.solution = plan
                    return
            # In the air it may be too late already: a fall into a pit may be certain.
            if abs(variables['y'] - y) <= MOST_RISE:
                self._remember(plan, num_frames)

    def _remember(self, plan: Plan, num_frames: int) -> None:
        key = self._key()
        known = self.places.get(key)
        if known is None or num_frames < known.num_frames:
            visits = known.num_visits if known else 0
            self.places[key] = Place(plan, num_frames, self._console.save(), visits)


def solve(level: str, seed: int = 0, max_seconds: float = 300) -> Plan | None:
    """Finds buttons that lead from the start of a level to its goal without losing a life."""
    console = Console(level)
    search, end = Search(console, seed), time.monotonic() + max_seconds
    while search.solution is None and time.monotonic() < end:
        search.attempt()
    console.close()
    if search.solution is None:
        print(f'{level}: no way beyond x = {max(search.places)[0] * PLACE_WIDTH}')
    return search.solution


def main(file: pathlib.Path, levels: list[str]) -> None:
    """Solves levels and adds the plans to the file, which keeps those of other levels."""
    plans = json.loads(file.read_text()) if file.exists() else {}
    for level in levels:
        start = time.monotonic()
        found = [plan for seed in range(NUM_SEEDS) if (plan := solve(level, seed)) is not None]
        if found:
            plan = min(found, key=lambda plan: sum(n for _, n in plan))
            plans[level] = text_of(plan)
            frames, seconds = sum(n for _, n in plan), time.monotonic() - start
            print(f'{level}: {frames} frames, found in {seconds:.0f} s', flush=True)
        file.write_text(json.dumps(plans, indent=2, sort_keys=True) + '\n')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]), sys.argv[2:] or list(LEVELS))
