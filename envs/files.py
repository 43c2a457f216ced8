"""Files that others may have written: read whole, but never more than is sensible.

The refusals leave it to the caller to name the file.
"""

import json
import os
import stat
from typing import Any

from envs.errors import UsageError


def read(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The content of an ordinary file.

    Raises:
        UsageError: It is missing, of another kind (a pipe would never end), too large, or locked.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError('is no ordinary file')
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
    """What a JSON file holds; numbers in it are finite.

    Raises:
        UsageError: It cannot be read, or is no JSON.
    """
    return parse_json(read(path, most_bytes))


def parse_json(content: bytes) -> Any:
    """What JSON says.

    Raises:
        UsageError: It is none.
    """
    try:
        return json.loads(content, parse_constant=_no_constant)
    except RecursionError:
        raise UsageError('is damaged: nested too deeply') from None
    except ValueError as error:  # Among them those of an encoding, and of endless digits.
        raise UsageError(f'is damaged: {error}') from None


def _no_constant(name: str) -> None:
    raise ValueError(f'{name} is no number in JSON')
