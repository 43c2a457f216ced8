"""Training states as files: a tree of arrays and numbers in a zip, written whole or not at all.

    step-000080000.zip
        tree.json      the tree, with {"array": "7.npy"} where an array stands
        0.npy 1.npy    the arrays; bytes are compressed, floats are not worth it

Zip stores a checksum of every entry and reading verifies it. No pickle is written or read.
"""

import io
import json
import logging
import os
import re
import zipfile
from typing import Any

import numpy as np

Tree = Any  # Arrays, numbers, strings, None, and lists and dicts (with string keys) of them.

_NAME = re.compile(r'step-(\d+)\.zip')


def save(directory: str, step: int, tree: Tree, keep: int = 3) -> str:
    """Writes `step-<step>.zip`, keeps it with the `keep` - 1 before it, and returns the path."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f'step-{step:09d}.zip')
    partial = os.path.join(directory, 'partial')
    arrays: list[np.ndarray] = []
    content = json.dumps(_encode(tree, arrays))
    with open(partial, 'wb') as file:
        with zipfile.ZipFile(file, 'w', compresslevel=1) as archive:
            archive.writestr('tree.json', content, zipfile.ZIP_DEFLATED)
            for i, array in enumerate(arrays):
                method = zipfile.ZIP_DEFLATED if array.dtype == np.uint8 else zipfile.ZIP_STORED
                archive.writestr(f'{i}.npy', _to_bytes(array), method)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    # Later ones, which could not be read when the run was resumed, must not displace this one.
    last = paths(directory)
    for old in last[last.index(path) + keep :]:
        os.remove(old)
    return path


def paths(directory: str) -> list[str]:
    """Checkpoint files, newest first."""
    names = os.listdir(directory) if os.path.isdir(directory) else []
    found = [match for match in map(_NAME.fullmatch, names) if match]
    found.sort(key=lambda match: int(match[1]), reverse=True)
    return [os.path.join(directory, match[0]) for match in found]


def load(path: str) -> Tree:
    """Reads a checkpoint; raises whatever the damage makes zipfile, json or NumPy raise."""
    with zipfile.ZipFile(path) as archive:
        tree = json.loads(archive.read('tree.json'))
        return _decode(tree, archive)


def load_latest(directory: str) -> Tree | None:
    """The newest checkpoint that can be read, or None; damaged ones are named in the log."""
    for path in paths(directory):
        try:
            return load(path)
        except Exception as error:
            logging.warning('checkpoint %s cannot be read (%s); trying the one before', path, error)
    return None


def _encode(tree: Tree, arrays: list[np.ndarray]) -> Any:
    """The tree for JSON; its arrays are moved to `arrays`."""
    if isinstance(tree, np.ndarray):
        arrays.append(tree)
        return {'array': f'{len(arrays) - 1}.npy'}
    if isinstance(tree, dict):
        if not all(isinstance(key, str) for key in tree):
            raise TypeError(f'keys must be strings, not {list(tree)}')
        return {'dict': {key: _encode(value, arrays) for key, value in tree.items()}}
    if isinstance(tree, (list, tuple)):
        return [_encode(item, arrays) for item in tree]
    return tree.item() if isinstance(tree, np.generic) else tree


def _decode(tree: Any, archive: zipfile.ZipFile) -> Tree:
    if isinstance(tree, list):
        return [_decode(item, archive) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if 'array' in tree:
        return np.load(io.BytesIO(archive.read(tree['array'])), allow_pickle=False)
    return {key: _decode(value, archive) for key, value in tree['dict'].items()}


def _to_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
