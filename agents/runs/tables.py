"""Tables of a run as CSV files that a resumed run continues."""

import csv
import errno
import io
import os
from collections.abc import Iterable, Mapping
from typing import Any

from envs import files


class Table:
    """CSV file with a header; reopening it drops the rows after a given step.

    Rows that cannot be written wait for the next `flush`. Columns that an existing file lacks are
    added, and are empty in its rows.

    Args:
        path: The file.
        columns: Names of the columns; the first one holds the step of a row.
        last_step: Rows after it are dropped.
    """

    def __init__(self, path: str, columns: tuple[str, ...], last_step: int) -> None:
        self._path, self._columns = path, columns
        self._waiting: list[list[Any]] = []
        kept: list[list[str]] = []
        if os.path.exists(path):
            with open(path, newline='') as file:
                rows = csv.reader(file)
                known = next(rows, [])
                before = [row for row in rows if _is_before(row, len(known), last_step)]
                kept = [self._values(dict(zip(known, row, strict=True))) for row in before]
        files.write_atomically(path, _csv([columns, *kept]))

    def write(self, row: Mapping[str, Any]) -> None:
        """Adds a row."""
        self._waiting.append(self._values(row))

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        return [row.get(column, '') for column in self._columns]

    def flush(self) -> None:
        """Hands the rows to the operating system, either all of them or none."""
        with open(self._path, 'ab', buffering=0) as file:
            size = file.tell()
            content = _csv(self._waiting if size else [self._columns, *self._waiting])
            if file.write(content) < len(content):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._waiting = []


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline='')
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _is_before(row: list[str], num_columns: int, step: int) -> bool:
    """Says whether a row is whole, unlike a torn last line, and not later than this step."""
    return 0 < len(row) == num_columns and row[0].isdigit() and int(row[0]) <= step
