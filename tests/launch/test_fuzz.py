"""Loaders return, or say one line, whatever a file holds: nothing else comes out of them."""

import contextlib
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.storage import checkpoints, migrations, model_checks, run_directory
from envs import files
from envs.backends import retro_data, retro_roms
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.hillhopper import solve
from tests.helpers import bad_inputs
from tests.helpers.paths import PLANS

FUZZ = settings(
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(['CartPole-v1', 'a2c', 'keras.layers', 'Dense', 'config', '../..', '\0']),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def places_in(tree, path=()):
    """Paths of all parts of a tree."""
    yield path
    if isinstance(tree, (dict, list)):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places_in(tree[key], (*path, key))


def put(tree, path, value):
    """The tree with another value at a path."""
    if not path:
        return value
    key, *rest = path
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[key] = put(copy[key], rest, value)
    return copy


def changed(good):
    """Good content with something else in one or two of its places."""
    places = st.sampled_from(list(places_in(good)))
    one = st.builds(lambda path, value: put(good, path, value), places, trees)

    def twice(tree):
        paths = st.sampled_from(list(places_in(tree)))
        return st.builds(lambda path, value: put(tree, path, value), paths, trees)

    return st.one_of(trees, one, one.flatmap(twice))


def texts(good):
    """Files: changed ones, torn ones, and bytes."""
    json_text = changed(good).map(lambda tree: json.dumps(tree).encode())
    torn = st.builds(lambda text, n: text[:n], json_text, st.integers(0, 2000))
    return st.one_of(json_text, torn, st.binary(max_size=50))


def refused(function, *arguments):
    """Calls it; a refusal is one line."""
    with contextlib.suppress(UsageError):
        try:
            return function(*arguments)
        except UsageError as error:
            assert str(error) and '\n' not in ' '.join(str(error).split())
            raise
    return None


RECIPE = json.loads((bad_inputs.GOOD_RUN / bad_inputs.RECIPE).read_text())
CONFIG = json.loads((bad_inputs.GOOD_RUN / bad_inputs.CONFIG).read_text())
with zipfile.ZipFile(bad_inputs.GOOD_RUN / bad_inputs.MODEL) as _archive:
    ENTRIES = {name: _archive.read(name) for name in _archive.namelist()}
NETWORK = json.loads(ENTRIES['config.json'])


@FUZZ
@given(texts(RECIPE))
def test_recipes(tmp_path, content):
    (tmp_path / 'recipe.json').write_bytes(content)
    result = refused(model_checks.read_recipe, str(tmp_path))
    assert result is None or isinstance(result[0], EnvConfig)
    if result:
        refused(model_checks.to_play, result[0])


@FUZZ
@given(texts(CONFIG))
def test_configs_of_runs(tmp_path, content):
    (tmp_path / 'config.json').write_bytes(content)
    result = refused(lambda: run_directory.settings(run_directory.read_config(str(tmp_path))))
    assert result is None or 'game' in result


@FUZZ
@given(trees)
def test_migrations(content):
    refused(migrations.recipe, content)
    refused(migrations.config, content)


@FUZZ
@given(texts(NETWORK))
def test_descriptions_of_networks(tmp_path, content):
    with zipfile.ZipFile(tmp_path / 'model.keras', 'w') as archive:
        for name, own in {**ENTRIES, 'config.json': content}.items():
            archive.writestr(name, own)
    refused(model_checks.check_network, str(tmp_path))


@FUZZ
@given(st.data())
def test_archives_with_other_bytes(tmp_path, data):
    content = bytearray((bad_inputs.GOOD_RUN / bad_inputs.MODEL).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / 'model.keras').write_bytes(content[: data.draw(st.integers(0, 2 * len(content)))])
    refused(model_checks.check_network, str(tmp_path))


@FUZZ
@given(st.binary())
def test_json(content):
    refused(files.parse_json, content)


@FUZZ
@given(st.data())
def test_checkpoints_with_other_bytes_are_passed_over(tmp_path, data):
    """`load` may raise anything; whoever resumes asks `load_latest`."""
    path = checkpoints.save(str(tmp_path), 1, {'a': np.arange(9.0), 'b': [1, {'c': 'd'}]})
    with open(path, 'rb') as file:
        content = bytearray(file.read())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with open(path, 'wb') as file:
        file.write(content)
    loaded = checkpoints.load_latest(str(tmp_path))
    # Without the length of the comment there is no hash, but the rest is as it was.
    assert loaded is None or loaded['a'].tolist() == list(range(9)) and loaded['b'][1] == {'c': 'd'}


@FUZZ
@given(trees)
def test_foreign_trees_of_checkpoints(tmp_path, tree):
    """Well-formed zips of other content, without a hash, as older versions wrote them."""
    with zipfile.ZipFile(tmp_path / 'step-000000001.zip', 'w') as archive:
        archive.writestr('tree.json', json.dumps(tree))
    checkpoints.load_latest(str(tmp_path))


@FUZZ
@given(st.sampled_from(sorted(PLANS)), st.integers(0, 200), st.integers(0, 200))
def test_parts_of_plans_come_back(level, start, length):
    """Plans are our own: they are not read from elsewhere, but must not lose a frame."""
    plan = solve.plan_of(PLANS[level])[start : start + length]
    assert solve.plan_of(solve.text_of(plan)) == plan


headers = st.sampled_from(
    [b'', b'NES\x1a', bytes(512), b'PK\3\4', b'PK\5\6' + bytes(18), bytes(0x100) + b'SEGA']
)
bodies = st.one_of(
    st.binary(max_size=600), st.sampled_from([bytes(0x4000), bytes(0x8000), bytes(1024)])
)


@pytest.fixture
def no_roms(tmp_path, monkeypatch):
    monkeypatch.setenv('JOYPAD_ROMS', str(tmp_path / 'roms'))
    games = retro_roms._games_by_hash()
    monkeypatch.setattr(retro_roms, '_games_by_hash', lambda: games)  # It takes a second.


@FUZZ
@given(headers, bodies, st.booleans(), st.integers(0, 100))
def test_cartridges(tmp_path, no_roms, header, body, in_zip, cut):
    content = header + body
    if in_zip:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('../../outside', content)
        content = buffer.getvalue()[: len(buffer.getvalue()) - cut]
    (tmp_path / 'cartridge.md').write_bytes(content)
    for verdict in retro_roms.import_from([str(tmp_path / 'cartridge.md')]):
        assert not verdict.game and verdict.note
    assert not retro_data.roms_folder().exists()
