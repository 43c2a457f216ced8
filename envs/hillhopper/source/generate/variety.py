"""Variety for the cells of an act: edges of the ground, alternating pictures and plants.

Cells are `uint8[columns, rows]`, numbers of blocks, and are changed in place.
"""

import numpy as np

from envs.hillhopper.source.generate.ground import BLOCK, SOLID, kind


def vary_ground(cells: np.ndarray) -> None:
    """Draws edges where the ground meets air, and elsewhere two pictures that alternate."""
    count = len(cells)
    is_ground = np.isin(cells, [n for name, n in BLOCK.items() if kind(name) == SOLID or
                                name.startswith(('UP', 'DOWN'))])  # fmt: skip
    for column, row in np.argwhere(np.isin(cells, (BLOCK['TOP_A'], BLOCK['SOIL_A']))):
        part = 'TOP' if cells[column, row] == BLOCK['TOP_A'] else 'SOIL'
        if column > 0 and not is_ground[column - 1, row]:
            side = 'LEFT'
        elif column + 1 < count and not is_ground[column + 1, row]:
            side = 'RIGHT'
        else:
            side = 'AB'[column % 2 if part == 'TOP' else (column + row) % 2]
        cells[column, row] = BLOCK[f'{part}_{side}']


def plant(cells: np.ndarray, rng: np.random.Generator) -> None:
    """Puts plants on level ground where nothing else stands."""
    column = 3
    tops = (BLOCK['TOP_A'], BLOCK['TOP_B'])
    while column < len(cells) - 3:
        row = int(np.argmax(cells[column] > 0))
        free = [
            cells[column, row] in tops
            and cells[column + wide, row] in tops
            and not cells[column : column + 1 + wide, :row].any()
            for wide in (0, 1)
        ]
        choice = rng.choice(
            ['none', 'FLOWER', 'TUFT', 'BUSH', 'TREE'], p=[0.4, 0.2, 0.2, 0.12, 0.08]
        )
        if choice in ('FLOWER', 'TUFT') and free[0]:
            cells[column, row - 1] = BLOCK[choice]
        elif choice == 'BUSH' and free[1]:
            cells[column : column + 2, row - 1] = BLOCK['BUSH_LEFT'], BLOCK['BUSH_RIGHT']
        elif choice == 'TREE' and free[1] and row >= 6:
            first = BLOCK['TREE_0']
            cells[column : column + 2, row - 3 : row] = np.arange(first, first + 6).reshape(3, 2).T
            column += 3
        column += 2 if choice != 'none' else 1
