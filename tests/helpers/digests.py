"""Digests of what a run has learned: they differ as soon as one bit of one weight differs.

    python -m tests.helpers.digests RUN_DIR

prints what `tests/fixtures/make.sh` keeps of a run that the code of an older version has resumed.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

from agents.storage import checkpoints, saved_policy
from tests.helpers.runs import last_state, table


def of_arrays(arrays):
    """SHA-256 of the types, shapes and bytes of arrays, in their order."""
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        digest.update(f'{array.dtype.str}{array.shape}'.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def of_model(directory):
    """Digest of all weights of a saved model."""
    return of_arrays(saved_policy.load(str(directory)).network.get_weights())


def of_state(tree):
    """Sorted digests of the float32 arrays of a training state, one for each array.

    These are weights, moments of optimizers, observations and what a replay memory holds. The
    digests do not depend on where in the tree an array stands.
    """
    if isinstance(tree, checkpoints.Sealed):
        tree = tree.tree
    if isinstance(tree, (dict, list)):
        inner = tree.values() if isinstance(tree, dict) else tree
        return sorted(digest for one in inner for digest in of_state(one))
    is_learned = isinstance(tree, np.ndarray) and tree.dtype == np.float32 and tree.size > 1
    return [of_arrays([tree])[:16]] if is_learned else []


def of_arithmetic():
    """Digest of sums, products and functions, whose rounding the CPU and TensorFlow decide."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=size).astype(np.float32) for size in ((50, 70), (70, 30)))
    picture = rng.normal(size=(2, 20, 20, 4)).astype(np.float32)
    kernel = rng.normal(size=(8, 8, 4, 16)).astype(np.float32)
    results = [
        tf.matmul(x, y), tf.reduce_sum(x, axis=0), tf.reduce_mean(y), tf.exp(x), tf.tanh(x),
        tf.math.log(tf.abs(x)), tf.nn.softmax(y), tf.nn.conv2d(picture, kernel, 4, 'VALID'),
    ]  # fmt: skip
    return of_arrays([result.numpy() for result in results])


def of_run(run_dir):
    """Tables, final model and last training state of a run, for a comparison bit for bit."""
    return {
        'arithmetic': of_arithmetic(),
        'model': of_model(run_dir / 'model' / 'final'),
        'state': of_state(last_state(run_dir)),
        'metrics': table(run_dir, 'metrics'),
        'episodes': table(run_dir, 'episodes'),
    }


if __name__ == '__main__':
    print(json.dumps(of_run(pathlib.Path(sys.argv[1])), indent=0))
