"""Lays out an act from a text like `flat 12, wall 2, pit 3, goal`.

flat N          N columns of level ground
up N, down N    N slopes of two columns, each one block high
step N          the ground continues N blocks higher (lower if negative)
pit N           N columns without ground: deadly
hole N D        N columns of ground that lies D blocks deeper
bridge N        a pit with planks over it, except for two columns in the middle
raft N, lift N  a pit with a platform that moves sideways, or up and down
wall N          a wall of stone, N blocks high, two wide
roof N H        N columns under a roof of stone, H blocks above the ground
ledge N H       N columns below planks, H blocks above the ground, with rings
rings N         N columns with a ring each
spikes N        N columns of spikes, and a plain column before and after
spring          a spring, with a plain column before and after
walker N, flyer N, hopper N    an enemy that walks N columns of level ground up and down
post            a checkpoint
goal            the end
"""

import dataclasses

import numpy as np

from envs.hillhopper.source.generate import variety
from envs.hillhopper.source.generate.ground import BLOCK

ROWS = 14
START_ROW = 11
ENEMIES = ('walker', 'flyer', 'hopper')
KINDS = ('WALKER', 'FLYER', 'HOPPER', 'RAFT', 'LIFT', 'GONE')
_BEHIND_GOAL = 12
Cells = list[int]


@dataclasses.dataclass(frozen=True)
class Placed:
    """An actor: the middle of its feet, half the width of its path, its number in `KINDS`."""

    x: int
    y: int
    range: int
    kind: int


class Course:
    """An act under construction.

    Args:
        text: The parts of the act in order; see the docstring of the module.
        seed: Seed of the plants.
    """

    def __init__(self, text: str, seed: int) -> None:
        self.columns: list[Cells] = []
        self.actors: list[Placed] = []
        self.posts: list[tuple[int, int]] = []
        self.top = START_ROW  # The row of the ground's uppermost block.
        for command in text.replace('\n', ' ').split(','):
            name, *numbers = command.split()
            getattr(self, name)(*map(int, numbers))
        self.cells = np.array(self.columns, np.uint8)  # [columns, ROWS]
        variety.vary_ground(self.cells)
        variety.plant(self.cells, np.random.default_rng(seed))

    # ---- ground ----------------------------------------------------------------------------------

    def _add(self, surface: str = 'TOP_A', below: str = 'SOIL_A') -> Cells:
        """Adds a column and returns it, so that the caller can put things on it."""
        assert 5 <= self.top <= 13, f'ground at row {self.top} after {len(self.columns)} columns'
        column = [0] * ROWS
        column[self.top] = BLOCK[surface]
        column[self.top + 1 :] = [BLOCK['SOIL_A']] * (ROWS - self.top - 1)
        if self.top + 1 < ROWS:
            column[self.top + 1] = BLOCK[below]
        self.columns.append(column)
        return column

    def _gap(self, width: int) -> list[Cells]:
        """Adds columns without ground; some rings above them show the way."""
        gap = [[0] * ROWS for _ in range(width)]
        for i in range(width // 2 - 1, width // 2 + 2):
            if 0 <= i < width:
                gap[i][max(2, self.top - (5 if i == width // 2 else 4))] = BLOCK['RING']
        self.columns += gap
        return gap

    def _act(self, kind: str, first: int, last: int, lift: int = 0, margin: int = 12) -> None:
        """Adds an actor that moves between two columns, some pixels above the ground."""
        x, reach = (first + last + 1) * 8, (last + 1 - first) * 8 - margin
        self.actors.append(Placed(x, self.top * 16 - lift, reach, KINDS.index(kind)))

    def flat(self, width: int) -> None:
        """Adds level ground."""
        for _ in range(width):
            self._add()

    def up(self, count: int) -> None:
        """Adds slopes that rise."""
        for _ in range(count):
            self.top -= 1
            self._add('UP_LOW', 'UP_LOW_SOIL')
            self._add('UP_HIGH', 'UP_HIGH_SOIL')

    def down(self, count: int) -> None:
        """Adds slopes that fall."""
        for _ in range(count):
            self._add('DOWN_HIGH', 'DOWN_HIGH_SOIL')
            self._add('DOWN_LOW', 'DOWN_LOW_SOIL')
            self.top += 1

    def step(self, rise: int) -> None:
        """Adds a cliff."""
        self.top -= rise

    def hole(self, width: int, depth: int) -> None:
        """Adds a harmless pit."""
        self.step(-depth)
        self.rings(width)
        self.step(depth)

    def pit(self, width: int) -> None:
        """Adds a deadly pit."""
        self._gap(width)

    def bridge(self, width: int) -> None:
        """Adds a pit with planks from both sides."""
        for i, column in enumerate(self._gap(width)):
            if i not in (width // 2 - 1, width // 2):
                column[self.top] = BLOCK['LEDGE']

    def raft(self, width: int) -> None:
        """Adds a pit and a platform that moves to and fro over it."""
        first = len(self.columns)
        self._gap(width)
        self._act('RAFT', first, first + width - 1, margin=28)

    def lift(self, width: int) -> None:
        """Adds a pit and a platform that moves up and down in it."""
        first = len(self.columns)
        self._gap(width)
        x = first * 16 + width * 8
        self.actors.append(Placed(x, self.top * 16 - 4, 40, KINDS.index('LIFT')))

    # ---- what stands on the ground ---------------------------------------------------------------

    def wall(self, height: int) -> None:
        """Adds a wall to jump over."""
        for _ in range(2):
            self._add()[self.top - height : self.top] = [BLOCK['STONE']] * height

    def roof(self, width: int, height: int) -> None:
        """Adds a ceiling that makes jumps short."""
        for _ in range(width):
            self._add()[self.top - height - 1] = BLOCK['STONE']

    def ledge(self, width: int, height: int) -> None:
        """Adds planks to jump onto from below, with rings on them."""
        for i in range(width):
            column = self._add()
            column[self.top - height] = BLOCK['LEDGE']
            if 0 < i < width - 1:
                column[self.top - height - 1] = BLOCK['RING']

    def rings(self, width: int) -> None:
        """Adds rings just above the ground."""
        for _ in range(width):
            self._add()[self.top - 2] = BLOCK['RING']

    def spikes(self, width: int) -> None:
        """Adds spikes to jump over."""
        self.flat(1)
        for _ in range(width):
            self._add()[self.top - 1] = BLOCK['SPIKES']
        self.flat(1)

    def spring(self) -> None:
        """Adds a spring that throws the hero 9 blocks high."""
        self.flat(1)
        self._add()[self.top - 1] = BLOCK['SPRING']
        self.flat(1)

    def walker(self, width: int) -> None:
        """Adds an enemy on the ground."""
        self._enemy('WALKER', width, 0)

    def flyer(self, width: int) -> None:
        """Adds an enemy in the air."""
        self._enemy('FLYER', width, 26)

    def hopper(self, width: int) -> None:
        """Adds an enemy that hops."""
        self._enemy('HOPPER', width, 0)

    def _enemy(self, kind: str, width: int, lift: int) -> None:
        first = len(self.columns)
        self.flat(width)
        self._act(kind, first, first + width - 1, lift)

    def post(self) -> None:
        """Adds a checkpoint."""
        self.flat(1)
        column = self._add()
        column[self.top - 2], column[self.top - 1] = BLOCK['POST'], BLOCK['POST_POLE']
        self.posts.append((len(self.columns) * 16 - 8, self.top * 16))
        self.flat(1)

    def goal(self) -> None:
        """Adds the flag, and ground on which to run away."""
        self.goal_x, self.goal_y = len(self.columns) * 16, self.top * 16
        column = self._add()
        column[self.top - 3] = BLOCK['GOAL']
        column[self.top - 2] = column[self.top - 1] = BLOCK['GOAL_POLE']
        self._add()[self.top - 3] = BLOCK['FLAG']
        self.flat(_BEHIND_GOAL - 2)
