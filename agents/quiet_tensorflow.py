"""Imports TensorFlow without the lines that it writes to the terminal before any log level counts.

Import this module before TensorFlow: the lines are written by C++ code at import and at the first
operation, straight to file descriptor 2.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

from envs.errors import UsageError


def _import_quietly() -> None:
    os.environ['KERAS_BACKEND'] = 'tensorflow'  # Whatever else the user's Keras runs on.
    for name in ('TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'):
        value = os.environ.get(name, '0')
        if not value.isdecimal():  # TensorFlow would abort, or not say that it takes its own.
            raise UsageError(f'the variable {name} must be a number of threads, not {value!r}')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    # On by default only on CPUs with AVX-512; it nearly halves a training step on AVX2 too.
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
    # A2C calls TensorFlow from two threads; more than all cores would only wait for each other.
    os.environ.setdefault('TF_NUM_INTRAOP_THREADS', str(max(1, (os.cpu_count() or 1) // 2)))
    sys.stderr.flush()
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        with _matplotlib_hidden():
            import tensorflow as tf

        tf.constant(0)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


@contextlib.contextmanager
def _matplotlib_hidden() -> Iterator[None]:
    """Makes Matplotlib look absent to Keras, which plots with it only in functions not used here.

    Keras would import `matplotlib.pyplot` at every start: nearly a second and 27 MB.
    """
    hidden = 'matplotlib' not in sys.modules
    if hidden:
        sys.modules['matplotlib'] = None  # type: ignore[assignment]  # Python's way to say so.
    try:
        yield
    finally:
        if hidden:
            del sys.modules['matplotlib']


if 'tensorflow' not in sys.modules:
    _import_quietly()
