"""Cartridges (ROMs) that users bring: the file that a game needs, and the import of files.

They are copied into a folder of the user's own, `retro_data.roms_folder`, never into the installed
packages.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from envs import files
from envs.backends import retro_data
from envs.errors import UsageError

_MOST_BYTES = 2**25  # The largest cartridge that stable-retro plays has 32 MB.
_MOST_ARCHIVE_BYTES = 2**30
_SMD_HEADER, _SMD_BLOCK = 512, 0x4000
_NES_HEADER = 16
_OTHER_SUFFIXES = ('.bin', '.gen', '.rom', '.smc', '.smd', '.zip')

# Region and size of the most popular cartridges; stable-retro knows only the hash.
_EDITIONS = {
    'SonicTheHedgehog-Genesis-v0': 'world, revision 01, 512 KB',
    'SonicTheHedgehog2-Genesis-v0': 'world, revision A, 1 MB',
    'SonicAndKnuckles3-Genesis-v0': 'world, Sonic & Knuckles with Sonic 3 on it, 4 MB',
}


class Wanted(NamedTuple):
    """Cartridge that a game needs."""

    game: str
    hashes: tuple[str, ...]  # SHA-1 of the files that fit, in hexadecimal
    edition: str  # Region and size, where known
    path: str  # Path of the cartridge in place; '' if there is none


class Verdict(NamedTuple):
    """Result for one file of an import."""

    file: str  # Its path; in an archive, preceded by the archive's
    game: str  # The game that it is a cartridge of; '' if of none
    note: str  # How it was made to fit, or why it does not fit


def wanted(game: str) -> Wanted:
    """Returns the cartridge that a game needs.

    Raises:
        UsageError: There is no console game of this name.
    """
    game_id = retro_data.canonical_id(game)
    if game_id is None:
        raise UsageError(f'{game} is not a game of a console that is emulated here')
    path = retro_data.rom_path(game_id)
    return Wanted(game_id, retro_data.rom_hashes(game_id), _EDITIONS.get(game_id, ''), path)


def import_from(paths: Iterable[str]) -> list[Verdict]:
    """Copies the cartridges found in files, folders and archives; returns a verdict per file.

    In folders, files that do not look like cartridges are skipped without a verdict.

    Raises:
        UsageError: A file or folder does not exist, or a cartridge cannot be written.
    """
    games, suffixes = _games_by_hash(), _suffixes()
    verdicts = []
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f'--import: there is no {path}')
        inside = sorted(p for p in path.rglob('*') if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if file == path or file.suffix.lower() in suffixes:
                verdicts += [_judge(name, content, games) for name, content in _contents(file)]
    return verdicts


def _contents(file: Path) -> Iterator[tuple[str, bytes | str]]:
    """Yields names and bytes of a file or an archive's members; a reason instead of bad bytes."""
    try:
        content = files.read(file, _MOST_ARCHIVE_BYTES)
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for member in archive.infolist():
                    if not member.is_dir():
                        small = member.file_size <= _MOST_BYTES
                        name = f'{file}: {member.filename}'
                        yield name, archive.read(member) if small else 'too large for a cartridge'
        elif len(content) > _MOST_BYTES:
            yield str(file), 'too large for a cartridge'
        else:
            yield str(file), content
    except UsageError as error:
        yield str(file), str(error)
    except Exception as error:  # zipfile and zlib raise all kinds of errors for damaged files.
        yield str(file), f'cannot be read: {error}'


def _judge(name: str, content: bytes | str, games: dict[str, tuple[str, str]]) -> Verdict:
    if isinstance(content, str):
        return Verdict(name, '', content)
    for note, image, hashed in _forms(content):
        digest = hashlib.sha1(hashed).hexdigest()
        if digest in games:
            game, suffix = games[digest]
            if retro_data.rom_path(game):
                return Verdict(name, game, 'which is there already')
            _keep(game, suffix, image)
            return Verdict(name, game, note)
    return Verdict(name, '', _why_not(content))


def _forms(content: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Yields possible readings of a file: a note, the cartridge, and its part to be hashed."""
    yield '', content, content
    if content[:4] == b'NES\x1a':
        yield '', content, content[_NES_HEADER:]
    for header in (0, _SMD_HEADER):
        body = content[header:]
        if header and len(content) % 1024 == header:
            yield 'without the header of a copier', body, body
        if body and len(body) % _SMD_BLOCK == 0:
            image = _deinterleaved(body)
            yield 'from the interleaved format .smd', image, image


def _deinterleaved(body: bytes) -> bytes:
    """Restores the order of bytes: blocks of 16 KB hold first the odd bytes, then the even ones."""
    image, half = bytearray(len(body)), _SMD_BLOCK // 2
    for start in range(0, len(body), _SMD_BLOCK):
        end = start + _SMD_BLOCK
        image[start + 1 : end : 2] = body[start : start + half]
        image[start:end:2] = body[start + half : end]
    return bytes(image)


def _why_not(content: bytes) -> str:
    digest = hashlib.sha1(content).hexdigest()
    for _, image, _ in _forms(content):
        if image[0x100:0x104] == b'SEGA':
            title = ' '.join(image[0x150:0x180].decode('ascii', 'replace').split())
            serial = image[0x180:0x18E].decode('ascii', 'replace').strip()
            return (
                f'a Genesis cartridge, "{title}", serial {serial}, but of no revision or region '
                f'that is wanted (SHA-1 {digest})'
            )
    return f'not a cartridge that any game here wants (SHA-1 {digest})'


def _keep(game: str, suffix: str, image: bytes) -> None:
    """Writes the cartridge; it is complete or absent."""
    path = retro_data.roms_folder() / game / f'rom{suffix}'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, image)
    except OSError as error:
        raise UsageError(f'--import: cannot write {path}: {error.strerror}') from None


def _games_by_hash() -> dict[str, tuple[str, str]]:
    """Maps SHA-1 hashes to a game and the suffix of its file."""
    return {
        digest: (game, retro_data.rom_suffix(game))
        for game in retro_data.game_ids()
        for digest in retro_data.rom_hashes(game)
    }


def _suffixes() -> set[str]:
    """Returns the suffixes of the files in a folder that are looked at."""
    return {*map(retro_data.rom_suffix, retro_data.game_ids()), *_OTHER_SUFFIXES}
