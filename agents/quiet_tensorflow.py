"""Loads TensorFlow without the lines that it writes to the terminal before any log level counts.

They are written by C++ code at import and at the first operation, straight to file descriptor 2.
Commands call `load` before they import anything that needs TensorFlow.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

from envs.errors import UsageError


def load(*, tf_agents: bool = False) -> None:
    """Imports TensorFlow, and the Keras 3 that runs on it, with settings that suit this project.

    Call it inside of a function, not while a module is imported: worker processes import the
    modules of the command again, and are to start without TensorFlow. A second call does nothing.

    Args:
        tf_agents: Whether TF-Agents will be used, which must find Keras 2 as `tf.keras`.

    Raises:
        UsageError: A variable of the environment that TensorFlow reads makes no sense.
    """
    if tf_agents:
        let_tf_agents_find_keras_2()
    if 'tensorflow' not in sys.modules:
        _import_quietly()


def let_tf_agents_find_keras_2() -> None:
    """Makes `tf.keras` Keras 2, for TF-Agents; call it before TensorFlow is imported.

    `import keras` stays Keras 3, and nothing outside of `agents.tfa` uses `tf.keras`.
    """
    os.environ['TF_USE_LEGACY_KERAS'] = '1'


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
            import keras  # noqa: F401  Imports TensorFlow; which may import another Keras only.
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
