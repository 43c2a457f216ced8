"""Last snapshot of each environment, in memory that survives the death of its process.

A file without a name, shared by the learner and the workers, holds the headers of all environments
and then two slots for each. A worker writes into the slot that the header does not point to, and
writes the header last: if it is killed while it writes, the previous snapshot remains. Lengths and
checksums reveal damage.
"""

import os
import pickle
import struct
import time
import zlib
from typing import NamedTuple

from envs.game import Snapshot

# Slot, monotonic time of the snapshot, length and checksum of its pickle; then their own checksum.
_HEADER = struct.Struct('<QdQI')
_CHECKSUM = struct.Struct('<I')
_RECORD_BYTES = _HEADER.size + _CHECKSUM.size
_SLOT_BYTES = 1 << 32  # The file is sparse: only written parts take memory.


class Saved(NamedTuple):
    """Snapshot as it was saved."""

    snapshot: Snapshot
    age: float  # Seconds


class LastSnapshot:
    """Last snapshot of one environment, written only by its worker.

    Args:
        file: File of all environments, from `transport.anonymous_file`.
        env: Number of the environment.
    """

    def __init__(self, file: int, env: int) -> None:
        self._file, self._env, self._slot = file, env, 0

    def save(self, snapshot: Snapshot) -> None:
        """Replaces the previous snapshot."""
        body = pickle.dumps(snapshot, pickle.HIGHEST_PROTOCOL)
        self._slot = 1 - self._slot
        self._write(body, self._at(self._slot))
        header = _HEADER.pack(self._slot, time.monotonic(), len(body), zlib.crc32(body))
        self._write(header + _CHECKSUM.pack(zlib.crc32(header)), self._env * _RECORD_BYTES)

    def clear(self) -> None:
        """Invalidates the snapshot."""
        self._write(bytes(_RECORD_BYTES), self._env * _RECORD_BYTES)

    def take(self) -> Saved | None:
        """Reads and clears the snapshot; None if there is none or it is damaged."""
        record = os.pread(self._file, _RECORD_BYTES, self._env * _RECORD_BYTES)
        self.clear()  # Should it lead to a failure, nobody resumes from it twice.
        header = record[: _HEADER.size]
        if not any(header) or record[_HEADER.size :] != _CHECKSUM.pack(zlib.crc32(header)):
            return None
        slot, saved_at, length, checksum = _HEADER.unpack(header)
        body = os.pread(self._file, length, self._at(slot))
        if len(body) != length or zlib.crc32(body) != checksum:
            return None
        return Saved(pickle.loads(body), time.monotonic() - saved_at)

    def _at(self, slot: int) -> int:
        return (1 + 2 * self._env + slot) * _SLOT_BYTES

    def _write(self, content: bytes, position: int) -> None:
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._file, rest, position)
            rest, position = rest[written:], position + written
