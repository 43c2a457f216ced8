"""TensorBoard event files of a run: one for the run itself and one in a folder for each part."""

import functools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.util import event_pb2


class EventFiles:
    """Writes scalars and texts; a file that failed or was deleted is followed by a new one.

    Each file makes TensorBoard discard the values that earlier files have from its first step on: a
    resumed run writes the steps after its checkpoint again.

    Args:
        directory: Directory of the run.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._writers: dict[str, Any] = {}  # By folder.
        self._waiting: list[tuple[str, int, Callable[[], object]]] = []  # Folder, step, write.

    def scalars(self, folder: str, step: int, values: Mapping[str, float]) -> None:
        """Adds values of a step to the run itself (`''`) or to a folder of it."""
        for name, value in values.items():
            write = functools.partial(tf.summary.scalar, name, value, step)
            self._waiting.append((folder, step, write))

    def text(self, name: str, step: int, markdown: str) -> None:
        """Adds a text of a step to the run itself."""
        self._waiting.append(('', step, functools.partial(tf.summary.text, name, markdown, step)))

    def flush(self) -> None:
        """Hands everything to the operating system.

        Raises:
            tf.errors.OpError: If a file cannot be written; the next call tries again.
        """
        for folder in [*self._writers, *{folder for folder, *_ in self._waiting}]:
            if folder in self._writers and not self._has_file(folder):
                del self._writers[folder]
            try:
                self._flush(folder)
            except tf.errors.OpError:
                # A record may be torn, and TensorBoard reads nothing after a torn record.
                self._writers.pop(folder, None)
                raise

    def _flush(self, folder: str) -> None:
        waiting = [item for item in self._waiting if item[0] == folder]
        if waiting and folder not in self._writers:
            self._writers[folder] = self._open(folder, first_step=waiting[0][1])
        if folder in self._writers:
            with self._writers[folder].as_default():
                for _, _, write in waiting:
                    write()
            self._writers[folder].flush()
        self._waiting = [item for item in self._waiting if item[0] != folder]

    def _open(self, folder: str, first_step: int) -> Any:
        """Opens a new file, from whose first step on TensorBoard discards older values."""
        writer = tf.summary.create_file_writer(os.path.join(self._directory, folder))
        if first_step > 0:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            event = event_pb2.Event(wall_time=time.time(), step=first_step, session_log=start)
            tf.raw_ops.ImportEvent(writer=writer._resource, event=event.SerializeToString())
        return writer

    def _has_file(self, folder: str) -> bool:
        directory = os.path.join(self._directory, folder)
        names = os.listdir(directory) if os.path.isdir(directory) else []
        return any(name.startswith('events.out.tfevents') for name in names)

    def close(self) -> None:
        """Writes what is waiting and closes the files."""
        self.flush()
        for writer in self._writers.values():
            writer.close()
