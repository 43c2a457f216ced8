"""Makes the update of a dump again, number by number, without applying it.

    .venv/bin/python -m research.reliability.dump --file=runs/.../dumps/step-000080000.zip

A run dumps the updates that it skips because a number was not finite: see
`agents.storage.dumps`. Each row is an array, in the order in which one follows from the other;
of DDPG, TD3, DQN and REINFORCE these are the weights, the experience, and what each network answers
to it (TD3's targets without noise).
"""

import zipfile

import numpy as np
from absl import flags

from agents import quiet_tensorflow
from agents.storage import checkpoints
from envs.errors import UsageError
from envs.fields import require
from launch.common import script

_FILE = flags.DEFINE_string('file', '', 'The dump, a file step-*.zip. Must be given.')


def row(name: str, array: np.ndarray, width: int) -> str:
    """Name, shape, how many numbers are not finite, and the range of the others."""
    finite = array[np.isfinite(array)]
    extremes = f'{finite.min():>11.4g} {finite.max():>11.4g}' if finite.size else ' ' * 23
    shape = ' x '.join(map(str, array.shape)) or '1'
    return f'{name:<{width}} {shape:>20} {array.size - finite.size:>10} {extremes}'


def main() -> None:
    """Prints a table."""
    require(bool(_FILE.value), '--file: which dump?')
    try:
        dump = checkpoints.load(_FILE.value)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f'--file: {_FILE.value} cannot be read: {error}') from None
    require('metrics' in dump, f'--file: {_FILE.value} is no dump')
    quiet_tensorflow.load()
    from agents.actor_critic import dumps as actor_critic_dumps
    from agents.storage import dumps
    from agents.tfa import dumps as tfa_dumps

    family = tfa_dumps if 'networks' in dump else actor_critic_dumps
    quantities = family.recompute(dump)
    width = max(map(len, quantities))
    print(f'{"array":<{width}} {"shape":>20} {"not finite":>10} {"smallest":>11} {"largest":>11}')
    for name, array in quantities.items():
        print(row(name, array, width))
    print('then   ', ', '.join(f'{name} {value:.5g}' for name, value in dump['metrics'].items()))
    print('first not finite:', dumps.first_not_finite(quantities) or 'none of these')


if __name__ == '__main__':
    script.start(main)
