"""Reads files that others may have written: whole, but never more than is sensible.

Error messages do not name the file; the caller adds its name.
"""

import json
import os
import stat
from typing import Any

from envs.errors import UsageError


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
