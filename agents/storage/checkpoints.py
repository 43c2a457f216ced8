"""Training states as files: a tree of arrays and numbers in a zip, written whole or not at all.

    step-000080000.zip, best.zip
        tree.json      the tree, with {"array": "7.npy"} where an array stands
        0.npy 1.npy    the arrays; bytes are compressed, floats are not worth it
        comment        sha256: and the hash of all bytes of the file before it
    part-0123456789abcdef0123456789abcdef.zip

A file that was torn, cut or changed anywhere has another hash and is passed over. No pickle is
written or read.

Most of a large replay memory is the same in the next checkpoint. So what changes no more, `Sealed`,
has a file of its own, a part, named after its hash. It is written once, before the first checkpoint
that names it, and removed when none does.
"""

import contextlib
import functools
import hashlib
import io
import json
import logging
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from envs import files

# Which parts to read: all of them or fail, those that can be read, or none, which is quicker.
Parts = Literal['whole', 'readable', 'none']
Tree = Any  # Arrays, numbers, strings, None, and lists and dicts (with string keys) of them.

_NAME = re.compile(r'step-(\d+)\.zip')
_PART = re.compile(r'part-[0-9a-f]{32}\.zip')
_BEST = 'best.zip'
_HASH = b'sha256:'
_HASH_LENGTH = 64  # Hexadecimal digits


class Sealed:
    """Within a tree, another tree that is never changed: it has a file of its own, written once.

    Attributes:
        tree: What is to be saved; no `Sealed` in it. None if it was not read: see `Parts`.
        name: Of its file; '' before it is written.
    """

    def __init__(self, tree: Tree, name: str = '') -> None:
        self.tree, self.name = tree, name


def save(directory: str, step: int, tree: Tree, keep: int = 3) -> str:
    """Writes `step-<step>.zip`, keeps it with the `keep` - 1 before it, and returns the path."""
    path = os.path.join(directory, f'step-{step:09d}.zip')
    write(path, tree)
    # Later ones, which could not be read when the run was resumed, must not displace this one.
    last = paths(directory)
    for old in last[last.index(path) + keep :]:
        os.remove(old)
    _remove_unused_parts(directory)
    return path


def save_best(directory: str, tree: Tree) -> str:
    """Writes `best.zip`, in the place of the one before, and returns the path."""
    path = os.path.join(directory, _BEST)
    write(path, tree)
    _remove_unused_parts(directory)
    return path


def write(path: str, tree: Tree) -> None:
    """Writes a tree to the disk; the file is whole, or not there, or the one before.

    Its parts, beside it, come first.
    """
    directory = os.path.dirname(path)
    os.makedirs(directory, exist_ok=True)
    for part in _parts(tree):
        if not part.name or not os.path.exists(os.path.join(directory, part.name)):
            content = _zip(part.tree)
            name = f'part-{bytes(content[-_HASH_LENGTH:])[:32].decode()}.zip'
            files.write_atomically(os.path.join(directory, name), content)
            part.name = name
    files.write_atomically(path, _zip(tree))


def paths(directory: str) -> list[str]:
    """Checkpoint files of steps, newest first."""
    names = os.listdir(directory) if os.path.isdir(directory) else []
    found = [match for match in map(_NAME.fullmatch, names) if match]
    found.sort(key=lambda match: int(match[1]), reverse=True)
    return [os.path.join(directory, match[0]) for match in found]


def load(path: str, parts: Parts = 'whole') -> Tree:
    """Reads a checkpoint; raises whatever the damage makes zipfile, json or NumPy raise."""
    with open(path, 'rb') as file:
        content = file.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # Files of older versions have no hash, only the checksums of zip. `migrations` cannot know
        # this: the format stands in the tree, and whether that is whole must be known before.
        if archive.comment and archive.comment != _HASH + _hash(memoryview(content)):
            raise ValueError('its hash differs')
        load_part = functools.partial(_load_part, os.path.dirname(path), parts)
        return _decode(json.loads(archive.read('tree.json')), archive, load_part)


def _load_part(directory: str, parts: Parts, name: str) -> Sealed:
    if not _PART.fullmatch(name):
        raise ValueError(f'{name!r} is not the name of a part')
    path = os.path.join(directory, name)
    if parts == 'none':
        return Sealed(None, name)
    tree = load(path) if parts == 'whole' else _load_or_warn(path, 'going on without it')
    return Sealed(tree, name)


def load_latest(
    directory: str,
    is_wanted: Callable[[Tree], bool] = lambda tree: True,
    parts: Parts = 'whole',
    or_best: bool = True,
) -> Tree | None:
    """The newest checkpoint that can be read, and is wanted; damaged ones are named in the log.

    The best one comes last, if at all, since it is older than the others. None if there is none.
    """
    for path in paths(directory):
        tree = _load_or_warn(path, 'trying the one before', parts)
        if tree is not None and is_wanted(tree):
            return tree
    best = load_best(directory, parts) if or_best else None
    return best if best is not None and is_wanted(best) else None


def load_best(directory: str, parts: Parts = 'whole') -> Tree | None:
    """The training state of the best evaluation, or None if there is none that can be read."""
    path = os.path.join(directory, _BEST)
    if not os.path.exists(path):
        return None
    return _load_or_warn(path, 'there is no other', parts)


def _load_or_warn(path: str, otherwise: str, parts: Parts = 'whole') -> Tree | None:
    try:
        return load(path, parts)
    except Exception as error:
        logging.warning('checkpoint %s cannot be read (%s); %s', path, error, otherwise)
        return None


def _parts(tree: Tree) -> Iterator[Sealed]:
    if isinstance(tree, Sealed):
        yield tree
    elif isinstance(tree, (dict, list, tuple)):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _parts(item)


def _remove_unused_parts(directory: str) -> None:
    """Removes what no checkpoint names that can be read."""
    parts = [name for name in os.listdir(directory) if _PART.fullmatch(name)]
    if not parts:
        return
    used: set[str] = set()
    for path in [*paths(directory), os.path.join(directory, _BEST)]:
        with contextlib.suppress(Exception):  # As `load`: damage may make it raise anything.
            with zipfile.ZipFile(path) as archive:
                used.update(_PART.findall(archive.read('tree.json').decode()))
    for name in set(parts) - used:
        os.remove(os.path.join(directory, name))


def _zip(tree: Tree) -> memoryview:
    arrays: list[np.ndarray] = []
    text = json.dumps(_encode(tree, arrays))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', compresslevel=1) as archive:
        archive.writestr('tree.json', text, zipfile.ZIP_DEFLATED)
        for i, array in enumerate(arrays):
            method = zipfile.ZIP_DEFLATED if array.dtype == np.uint8 else zipfile.ZIP_STORED
            archive.writestr(f'{i}.npy', _to_bytes(array), method)
        archive.comment = _HASH + b'0' * _HASH_LENGTH
    content = buffer.getbuffer()
    content[-_HASH_LENGTH:] = _hash(content)
    return content


def _hash(content: memoryview) -> bytes:
    """The hash of everything but the place where it stands."""
    return hashlib.sha256(content[:-_HASH_LENGTH]).hexdigest().encode()


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
    if isinstance(tree, Sealed):
        return {'part': tree.name}
    return tree.item() if isinstance(tree, np.generic) else tree


def _decode(tree: Any, archive: zipfile.ZipFile, load_part: Callable[[str], Sealed]) -> Tree:
    if isinstance(tree, list):
        return [_decode(item, archive, load_part) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if 'array' in tree:
        return np.load(io.BytesIO(archive.read(tree['array'])), allow_pickle=False)
    if 'part' in tree:
        return load_part(tree['part'])
    return {key: _decode(value, archive, load_part) for key, value in tree['dict'].items()}


def _to_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
