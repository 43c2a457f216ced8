"""Reads files whole, but never more than is sensible, and writes them whole or not at all.

Others may have written the files that are read. Error messages do not name the file; the caller
adds its name.
"""

import contextlib
import json
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import Any

from envs.errors import UsageError

_PARTIAL = '.partial'  # Ends the stem of a file that is being written: `model.partial.keras`.


def read(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Returns the content of an ordinary file.

    Raises:
        UsageError: It is missing, unreadable, too large, or of another kind, such as a pipe, which
            would never end.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError('is not an ordinary file')
        with open(path, 'rb') as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise UsageError('is missing') from None
    except OSError as error:
        raise UsageError(f'cannot be read: {error.strerror}') from None
    if len(content) > most_bytes:
        raise UsageError(f'is too large: it has more than {most_bytes:,} bytes')
    return content


def read_json(path: str | os.PathLike[str], most_bytes: int) -> Any:
    """Returns the content of a JSON file, in which all numbers must be finite.

    Raises:
        UsageError: It cannot be read or is not JSON.
    """
    return parse_json(read(path, most_bytes))


def parse_json(content: bytes) -> Any:
    """Parses JSON, in which all numbers must be finite.

    Raises:
        UsageError: The content is not JSON.
    """
    try:
        return json.loads(content, parse_constant=_no_constant)
    except RecursionError:
        raise UsageError('is damaged: nested too deeply') from None
    except ValueError as error:  # This includes encoding errors and integers with too many digits.
        raise UsageError(f'is damaged: {error}') from None


def _no_constant(name: str) -> None:
    raise ValueError(f'{name} is not a number in JSON')


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], durable: bool = True) -> Iterator[str]:
    """Yields the name of a file to write, which takes the place of `path` at the end of the block.

    Whenever the machine stops, `path` is the old file or the whole new one. If the block fails, the
    old file stays and the partial one is removed, since a file that does not fit must not fill the
    disk.

    Args:
        path: The file to replace; its folder exists.
        durable: Whether to wait for the disk. Otherwise a machine that stops may lose the new file,
            but a process that has little time to end does not wait.

    Yields:
        A name in the same folder with the ending of `path`, from which encoders tell the format.

    Raises:
        OSError: The file cannot be written.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f'{path.stem}{_PARTIAL}{path.suffix}')
    try:
        yield str(partial)
        if durable:
            _sync(partial)  # Else a crash could leave the new name with half of the content.
        os.replace(partial, path)
        if durable:
            with contextlib.suppress(OSError):  # Some folders cannot be read, or not be synced.
                _sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise


def write_atomically(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Writes a file that is whole, or not there, or the one before: see `replacing`.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(path) as partial, open(partial, 'wb') as file:
        file.write(content)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Writes JSON as a person can read it, atomically: see `replacing`.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(path, json.dumps(content, indent=2).encode())


def is_partial(path: str | os.PathLike[str]) -> bool:
    """Says whether the name is one of those that `replacing` yields."""
    return _PARTIAL in pathlib.PurePath(path).suffixes[-2:]


def _sync(path: pathlib.Path) -> None:
    """Waits until the disk holds a file's content, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
