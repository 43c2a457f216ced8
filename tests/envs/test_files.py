"""Files are written whole or not at all, whatever stops the writer."""

import builtins
import contextlib
import json
import os
import resource
import stat

import hypothesis
import pytest
from hypothesis import strategies

from envs import files

contents = strategies.binary(max_size=3000)
FUNCTIONS = [(builtins, 'open'), (os, 'open'), (os, 'fsync'), (os, 'close'), (os, 'replace')]
MOST_CALLS = 8  # More than a write makes of these functions.


@contextlib.contextmanager
def stopped_at(call, end, after):
    """Lets one of the calls to the system end in `end()`, done or not done."""
    count, os_open = 0, os.open

    def wrapped(function):
        def counted(*arguments, **options):
            nonlocal count
            count += 1
            if count != call:
                return function(*arguments, **options)
            if after:
                made = function(*arguments, **options)
                if function is os_open:
                    os.close(made)
                elif made is not None:
                    made.close()
            return end()

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for module, name in FUNCTIONS:
            patch.setattr(module, name, wrapped(getattr(module, name)))
        yield


def make_folder(tmp_path_factory, old):
    path = tmp_path_factory.mktemp('files') / 'model.keras'
    if old is not None:
        path.write_bytes(old)
    return path


def content_of(path):
    return path.read_bytes() if path.exists() else None


@hypothesis.settings(deadline=None, max_examples=100, database=None)
@hypothesis.given(
    strategies.none() | contents,
    contents,
    strategies.integers(1, MOST_CALLS),
    strategies.booleans(),
)
def test_an_error_at_any_point_leaves_a_whole_file_and_nothing_else(
    tmp_path_factory, old, new, call, after
):
    path = make_folder(tmp_path_factory, old)

    def end():
        raise OSError(5, 'Input/output error')

    with contextlib.suppress(OSError), stopped_at(call, end, after):
        files.write_atomically(path, new)
    assert content_of(path) in (old, new)
    assert not [name for name in os.listdir(path.parent) if name != path.name]


@hypothesis.settings(deadline=None, max_examples=60, database=None)
@hypothesis.given(
    strategies.none() | contents,
    contents,
    strategies.integers(1, MOST_CALLS),
    strategies.booleans(),
)
def test_the_end_of_the_process_at_any_point_leaves_a_whole_file(
    tmp_path_factory, old, new, call, after
):
    """What else it leaves is known by its name, and does not disturb the next write."""
    path = make_folder(tmp_path_factory, old)
    child = os.fork()
    if child == 0:
        with stopped_at(call, lambda: os._exit(0), after):
            files.write_atomically(path, new)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert content_of(path) in (old, new)
    assert all(map(files.is_partial, set(os.listdir(path.parent)) - {path.name}))
    files.write_atomically(path, new)
    assert content_of(path) == new and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_writer_that_fails_leaves_the_old_file(tmp_path, error):
    path = tmp_path / 'a.mp4'
    path.write_text('old')
    with pytest.raises(error), files.replacing(path) as partial:
        with open(partial, 'w') as file:
            file.write('half')
        assert path.read_text() == 'old'
        raise error
    assert os.listdir(tmp_path) == ['a.mp4'] and path.read_text() == 'old'


def test_a_writer_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / 'a.mp4'):
        pass
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.zip'
    path.write_bytes(b'old')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match='File too large'):
            files.write_atomically(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == ['a.zip'] and path.read_bytes() == b'old'


@pytest.mark.parametrize(
    'name, partial',
    [
        ('model.keras', 'model.partial.keras'),
        ('step-000000005.zip', 'step-000000005.partial.zip'),
        ('a.b.mp4', 'a.b.partial.mp4'),
        ('name', 'name.partial'),
        ('.hidden', '.hidden.partial'),
    ],
)
def test_partial_names_keep_the_ending_and_are_known(tmp_path, name, partial):
    with files.replacing(tmp_path / name) as found:
        assert found == str(tmp_path / partial)
        assert files.is_partial(found) and not files.is_partial(tmp_path / name)
        (tmp_path / partial).touch()


@pytest.mark.parametrize('name', ['partial', 'partial.keras', 'a.partial.b.txt', 'a.partially'])
def test_other_names_are_not_partial(name):
    assert not files.is_partial(name)


@pytest.mark.parametrize('umask', [0o022, 0o027, 0o077])
def test_files_are_as_readable_as_the_user_wants_them(tmp_path, umask):
    before = os.umask(umask)
    try:
        files.write_atomically(tmp_path / 'a', b'x')
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / 'a').stat().st_mode) == 0o666 & ~umask


def test_content_and_name_reach_the_disk_in_this_order(tmp_path, monkeypatch):
    order, sync, replace = [], os.fsync, os.replace

    def note_sync(handle):
        order.append(os.path.basename(os.readlink(f'/proc/self/fd/{handle}')))
        sync(handle)

    def note_replace(source, target):
        order.append('replace')
        replace(source, target)

    monkeypatch.setattr(os, 'fsync', note_sync)
    monkeypatch.setattr(os, 'replace', note_replace)
    files.write_atomically(tmp_path / 'a.zip', b'x')
    assert order == ['a.partial.zip', 'replace', tmp_path.name]


def test_json_comes_back(tmp_path):
    content = {'a': [1, 0.5, None], 'ä': 'π'}
    files.write_json(tmp_path / 'a.json', content)
    assert files.read_json(tmp_path / 'a.json', 1000) == content
    assert (tmp_path / 'a.json').read_text() == json.dumps(content, indent=2)
    with pytest.raises(TypeError):
        files.write_json(tmp_path / 'a.json', {'a': print})
    assert os.listdir(tmp_path) == ['a.json']


@pytest.mark.parametrize('kind', [PermissionError, OSError])
def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch, kind):
    """Some network file systems answer EINVAL, when the file is in its place already."""
    fsync = os.fsync

    def refuse_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise kind(22, 'Invalid argument')
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', refuse_folders)
    files.write_atomically(tmp_path / 'a.txt', b'content')
    assert os.listdir(tmp_path) == ['a.txt'] and (tmp_path / 'a.txt').read_bytes() == b'content'


def test_a_film_that_ends_with_its_worker_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'fsync', lambda handle: pytest.fail('waits'))
    with files.replacing(tmp_path / 'film.mp4', durable=False) as partial:
        (tmp_path / partial).write_bytes(b'film')
    assert os.listdir(tmp_path) == ['film.mp4']
