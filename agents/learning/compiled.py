"""Functions compiled into one operation each.

Calling a `tf.function` costs more than a small network does: its Python code binds the arguments
anew at each call, and its operations are handed from thread to thread. Here the traced graph is
called as the single operation `StatefulPartitionedCall`: its operations run one after the other in
the thread of the caller, without Python's lock, and nothing leaves that thread except work that a
kernel divides among TensorFlow's threads. Several threads may call at once. No gradient flows
through a call.

TensorFlow never frees a graph that was called in this way: make few of these, and keep them.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import optree
import tensorflow as tf


class _Trace(NamedTuple):
    """Graph for arguments of a certain structure and certain shapes."""

    function: Any  # Its graph lives as long as this object.
    name: str
    captures: list[tf.Tensor]
    dtypes: list[tf.DType]
    structure: optree.PyTreeSpec  # Structure of the results


class Compiled:
    """A function of nested tensors and arrays, traced once for each structure and set of shapes.

    Arrays are not copied: an array that is returned, or was assigned to a variable, must not be
    changed afterwards.

    Args:
        function: A function as for `tf.function`; it may return nested tensors. The dtypes of its
            arguments must be the same in every call, which TensorFlow checks. (Arrays without
            dimensions are faster than NumPy's scalars.)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._traces: dict[tuple[Any, ...], _Trace] = {}
        self._lock = threading.RLock()

    @property
    def num_traces(self) -> int:
        """Number of graphs so far."""
        return len(self._traces)

    def __call__(self, *arguments: Any) -> Any:
        """Returns what the function returns, as tensors."""
        tree: Any = arguments
        leaves, structure = optree.tree_flatten(tree)
        key = structure, *[leaf.shape for leaf in leaves]
        trace = self._traces.get(key) or self._new_trace(key, leaves)
        results = tf.raw_ops.StatefulPartitionedCall(
            args=leaves + trace.captures, Tout=trace.dtypes, f=trace.name
        )
        return optree.tree_unflatten(trace.structure, results)

    def _new_trace(self, key: tuple[Any, ...], leaves: list[Any]) -> _Trace:
        structures: list[optree.PyTreeSpec] = []

        def flat(*leaves: tf.Tensor) -> list[tf.Tensor]:
            results = self._function(*optree.tree_unflatten(key[0], leaves))
            flat_results, structure = optree.tree_flatten(results)
            structures.append(structure)
            return flat_results

        with self._lock:
            if key not in self._traces:
                function = tf.function(flat).get_concrete_function(*leaves)
                dtypes = [output.dtype for output in function.outputs]
                self._traces[key] = _Trace(
                    function, function.name, function.captured_inputs, dtypes, structures[-1]
                )
            return self._traces[key]
