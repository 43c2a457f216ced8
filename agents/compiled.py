"""Functions compiled into one operation each.

Calling a `tf.function` costs more than a small network does: its Python binds the arguments anew at
each call, and its operations are handed from thread to thread. Here the traced graph is called as
the single operation `StatefulPartitionedCall`: its operations run one after the other in the thread
of the caller, without Python's lock, and only what a convolution divides among TensorFlow's threads
leaves that thread. Several threads may call at once.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class _Trace(NamedTuple):
    """A graph for arguments of certain shapes."""

    function: Any  # Its graph lives as long as this does.
    name: str
    captures: list[tf.Tensor]
    dtypes: list[tf.DType]


class Compiled:
    """A function of nested tensors and arrays, traced once for each set of their shapes.

    Args:
        function: As for `tf.function`. Whatever it gets that is no tensor and no array must be the
            same in every call, as must be the types of the elements.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._traces: dict[tuple[Any, ...], _Trace] = {}
        self._lock = threading.Lock()

    @property
    def num_traces(self) -> int:
        """How many graphs there are by now."""
        return len(self._traces)

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns, with tensors."""
        leaves = tf.nest.flatten(arguments)
        shapes = tuple([leaf.shape for leaf in leaves])
        trace = self._traces.get(shapes) or self._new_trace(shapes, arguments)
        results = tf.raw_ops.StatefulPartitionedCall(
            args=leaves + trace.captures, Tout=trace.dtypes, f=trace.name
        )
        return tf.nest.pack_sequence_as(trace.function.structured_outputs, results)

    def _new_trace(self, shapes: tuple[Any, ...], arguments: tuple[Any, ...]) -> _Trace:
        with self._lock:
            if shapes not in self._traces:
                function = tf.function(self._function).get_concrete_function(*arguments)
                self._traces[shapes] = _Trace(
                    function,
                    function.name,
                    function.captured_inputs,
                    [output.dtype for output in function.outputs],
                )
            return self._traces[shapes]
