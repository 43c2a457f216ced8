"""The last snapshot of each environment, in memory that survives the death of its process.

Learner and workers share a file without a name. It begins with the headers of all environments,
followed by two slots for each of them. A worker writes into the slot that the header does not point
to, and writes the header last: if it is killed while writing, the previous snapshot is still there.
Lengths and checksums reveal damage.
"""

import os
import pickle
import struct
import time
import zlib
from typing import NamedTuple

from envs.game import Snapshot

# Slot, monotonic time of the snapshot, length and checksum of its pickle. A checksum of the header
# itself follows.
_HEADER = struct.Struct('<QdQI')
_CHECKSUM = struct.Struct('<I')
_RECORD_BYTES = _HEADER.size + _CHECKSUM.size
_SLOT_BYTES = 1 << 32  # The file is sparse: only written parts take memory.


class Saved(NamedTuple):
    """A saved snapshot and its age."""

    snapshot: Snapshot
    age: float  # Seconds since it was saved


class LastSnapshot:
    """The last snapshot of one environment. Only the environment's worker writes it.

    Args:
        file: The file of all environments, from `transport.anonymous_file`.
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
        """Discards the snapshot."""
        self._write(bytes(_RECORD_BYTES), self._env * _RECORD_BYTES)

    def take(self) -> Saved | None:
        """Reads and discards the snapshot; None if there is none or it is damaged."""
        record = os.pread(self._file, _RECORD_BYTES, self._env * _RECORD_BYTES)
        self.clear()  # A snapshot that leads to a failure must not be used twice.
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
