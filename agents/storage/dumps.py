"""Skipped updates as files to study: the data that they were computed from.

    dumps/step-000080000.zip    a tree as in `checkpoints`: no pickle

`Agent.dump` makes such a tree, `Agent.recompute` computes the update again, and
`python -m research.reliability.dump --file=...` shows it.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.storage import checkpoints

KEPT = 3  # Files in the directory of a run.


def save(run_dir: str, step: int, dump: checkpoints.Tree) -> str:
    """Writes a dump, keeps it with the two before it, and returns its path."""
    return checkpoints.save(os.path.join(run_dir, 'dumps'), step, dump, keep=KEPT)


def first_not_finite(quantities: Mapping[str, Any]) -> str:
    """The name of the first array with a number that is not finite; '' if there is none."""
    bad = (name for name, array in quantities.items() if not np.isfinite(array).all())
    return next(bad, '')
