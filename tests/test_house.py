"""Imports between packages, TensorFlow only where it belongs, docstrings and annotations."""

import ast
import collections
import pathlib
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

TENSORFLOW = {'tensorflow', 'keras', 'tf_keras', 'tf_agents', 'tensorflow_probability'}
PEERS = {'torch', 'stable_baselines3'}  # For comparison, in research/ alone.
FORBIDDEN = {
    'envs': TENSORFLOW | PEERS | {'agents', 'launch', 'research', 'tests'},
    'agents': PEERS | {'launch', 'research', 'tests'},
    'launch': PEERS | {'research', 'tests'},
}
# A package or module imports only what stands in a row above its own, and its own package.
ORDER = {
    'envs': [
        ['errors', 'observations', 'courses', 'variables'],
        ['files', 'fields', 'game'],
        ['config'],
        ['wrappers', 'vector', 'backends'],
        ['make'],
        ['doctor'],
    ],
    'agents': [
        ['quiet_tensorflow'],
        ['configs'],
        ['distributions'],
        ['learning'],
        ['networks'],
        ['storage'],
        ['experience'],
        ['agent'],
        ['evaluation', 'actor_critic', 'tfa'],
        ['guards'],
        ['runs'],
    ],
    'launch': [['common'], ['train_a2c'], ['train']],
}
MOST_FILES = 15  # Of a folder, without its `__init__.py`.
FILES = sorted(path for folder in FORBIDDEN for path in (ROOT / folder).rglob('*.py'))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
TEST_NAMES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'tests').rglob('*.py'))


def imported_packages(tree):
    """The first part of every imported name, wherever in the file the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split('.')[0]


def forbidden_for(name):
    """Packages that the file may not import."""
    path = pathlib.PurePath(name)
    forbidden = set(FORBIDDEN[path.parts[0]])
    if path.name == '__init__.py' or path.parts[:2] == ('agents', 'configs'):
        forbidden |= TENSORFLOW
    if path.parts[:2] != ('agents', 'tfa'):
        forbidden.add('tf_agents')
    return forbidden


def crossed_borders(name, text):
    """The forbidden imports of a file."""
    return sorted(set(imported_packages(ast.parse(text))) & forbidden_for(name))


def public_functions(body):
    """The functions of a module's body, and the methods of its classes, without underscore."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
            yield from public_functions(node.body)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith('_'):
            yield node


def is_annotated(function):
    """True if every argument and the result have a type."""
    spec = function.args
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    named = [argument for argument in arguments if argument and argument.arg not in ('self', 'cls')]
    return function.returns is not None and all(argument.annotation for argument in named)


def careless_functions(text):
    """Names of the public functions that lack a docstring or a type."""
    functions = public_functions(ast.parse(text).body)
    return [f.name for f in functions if not (ast.get_docstring(f) and is_annotated(f))]


def keras_2_lines(text):
    """Lines that use `tf.keras`, which is Keras 2 as soon as TF-Agents is in the process."""
    nodes = ast.walk(ast.parse(text))
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ('tf.keras', 'tensorflow.keras')
    ]


@pytest.mark.parametrize('name', NAMES)
def test_imports_cross_no_border(name):
    assert crossed_borders(name, (ROOT / name).read_text()) == []


def imported_modules(text, relative=False):
    """The full names of modules, or of what is in them, wherever in the file they are imported.

    Those of relative imports, `from . import x`, are asked for and come without the dots.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (relative or not node.level):
            folder = f'{node.module}.' if node.module else ''
            yield from (f'{folder}{alias.name}' for alias in node.names)


def upward_imports(name, text):
    """Imports of a file that do not stand above it in `ORDER`."""
    top, room, *_ = name.removesuffix('.py').split('/')
    rows = {room: row for row, rooms in enumerate(ORDER[top]) for room in rooms}
    found = set()
    for module in imported_modules(text):
        other = module.split('.')[1:2]
        if module.split('.')[0] == top and other and other != [room]:
            if not rows.get(other[0], 99) < rows.get(room, 1):
                found.add(module)
    return sorted(found)


@pytest.mark.parametrize('name', NAMES)
def test_packages_import_only_what_stands_above_them(name):
    assert upward_imports(name, (ROOT / name).read_text()) == []


def test_every_room_has_its_row():
    for top, rows in ORDER.items():
        paths = [path.relative_to(ROOT / top) for path in FILES if path.is_relative_to(ROOT / top)]
        rooms = {path.parts[0].removesuffix('.py') for path in paths} - {'__init__', 'hillhopper'}
        named = [room for row in rows for room in row]
        assert len(named) == len(set(named))
        assert rooms == set(named) if top != 'launch' else set(named) <= rooms


def test_no_folder_is_too_full():
    folders = collections.Counter(path.parent for path in FILES if path.name != '__init__.py')
    assert {folder: n for folder, n in folders.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize(
    'name, text, upward',
    [
        ('envs/wrappers/a.py', 'from envs.vector import cores', ['envs.vector.cores']),
        ('envs/wrappers/a.py', 'from envs.wrappers import base\nfrom envs import game', []),
        ('envs/game.py', 'def f():\n    from envs import config', ['envs.config']),
        ('agents/learning/a.py', 'import agents.runs.run', ['agents.runs.run']),
        ('agents/tfa/a.py', 'from agents.actor_critic import a2c', ['agents.actor_critic.a2c']),
        ('agents/new_room/a.py', 'from agents.configs import run', ['agents.configs.run']),
        ('agents/configs/a.py', 'from agents.new_room import a', ['agents.new_room.a']),
        ('launch/evaluate.py', 'from launch.common import script', []),
        ('launch/evaluate.py', 'from launch import train_a2c', ['launch.train_a2c']),
    ],
)
def test_upward_imports_are_seen(name, text, upward):
    assert upward_imports(name, text) == upward


@pytest.mark.parametrize('name', NAMES)
def test_public_functions_have_docstrings_and_types(name):
    assert careless_functions((ROOT / name).read_text()) == []


def imported_tests(text):
    """Imported modules that are tests, or names in such modules."""
    parts = {module: module.split('.') for module in imported_modules(text, relative=True)}
    return sorted(m for m in parts if any(part.startswith('test_') for part in parts[m]))


@pytest.mark.parametrize('name', TEST_NAMES)
def test_no_test_imports_another(name):
    """Code for several tests is in `tests/helpers`, which does not import tests either."""
    assert imported_tests((ROOT / name).read_text()) == []


@pytest.mark.parametrize('name', [n for n in TEST_NAMES if not n.endswith('/__init__.py')])
def test_every_test_file_says_what_it_tests(name):
    assert ast.get_docstring(ast.parse((ROOT / name).read_text()))


@pytest.mark.parametrize(
    'text, imported',
    [
        ('from tests.helpers import runs\nimport pytest', []),
        (
            'from tests.agents.runs.test_resume import finish',
            ['tests.agents.runs.test_resume.finish'],
        ),
        (
            'def f():\n    from tests.agents.runs import test_resume',
            ['tests.agents.runs.test_resume'],
        ),
        ('import test_resume', ['test_resume']),
        ('from .test_resume import finish', ['test_resume.finish']),
        ('from . import test_resume', ['test_resume']),
    ],
)
def test_imported_tests_are_seen(text, imported):
    assert imported_tests(text) == imported


@pytest.mark.parametrize('name', [n for n in NAMES if not n.startswith('agents/tfa/')])
def test_only_tfa_uses_keras_2(name):
    assert keras_2_lines((ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    'name, text, crossed',
    [
        ('envs/a.py', 'def f():\n    import tensorflow.compat as tf', ['tensorflow']),
        ('envs/a.py', 'from agents.actor_critic import a2c', ['agents']),
        ('envs/a.py', 'import numpy\nfrom envs import make', []),
        ('agents/a.py', 'import tensorflow, keras\nfrom envs import make', []),
        ('agents/a.py', 'from launch.common.config_flags import define', ['launch']),
        ('agents/a.py', 'import tf_agents', ['tf_agents']),
        ('agents/tfa/a.py', 'import tf_agents\nimport torch', ['torch']),
        ('agents/tfa/__init__.py', 'import tf_agents', ['tf_agents']),
        ('agents/configs/actor_critic.py', 'import keras', ['keras']),
        (
            'launch/a.py',
            'from research import plots\nfrom agents.actor_critic import a2c',
            ['research'],
        ),
    ],
)
def test_borders_are_seen(name, text, crossed):
    assert crossed_borders(name, text) == crossed


@pytest.mark.parametrize(
    'text, careless',
    [
        ('def f(x: int) -> int:\n    """F."""', []),
        ('def f(x: int) -> int:\n    return x', ['f']),
        ('def f(x) -> int:\n    """F."""', ['f']),
        ('def f(x: int):\n    """F."""', ['f']),
        ('def f(*x, **y: int) -> int:\n    """F."""', ['f']),
        ('class A:\n    def f(self) -> None:\n        ...', ['f']),
        ('def _f(x):\n    return x\n\nclass _A:\n    def f(self): ...', []),
    ],
)
def test_careless_functions_are_seen(text, careless):
    assert careless_functions(text) == careless


def test_keras_2_is_seen():
    assert keras_2_lines('import keras\nkeras.Model()\nx = tf.keras.Model()') == [3]


# Imports each module in a process of its own, forked, since launchers share names of flags.
IMPORT_EACH = """
import os, sys
for name in sys.argv[2:]:
    if os.fork() == 0:
        __import__(name)
        loaded = [package for package in sys.argv[1].split(',') if package in sys.modules]
        print(*([name, *loaded] if loaded else []), end='\\n' if loaded else '', flush=True)
        os._exit(0)
    if os.wait()[1]:
        print(name, 'cannot be imported')
"""


def modules_that_load(packages, modules):
    """Lines that name a module and which of the packages its import loads."""
    command = [sys.executable, '-c', IMPORT_EACH, ','.join(packages), *modules]
    return subprocess.check_output(command, cwd=ROOT, text=True).splitlines()


def light_modules():
    """Modules that an emulator process may load: all but the inside of agents/."""
    for name in NAMES:
        module = name.removesuffix('.py').replace('/', '.').removesuffix('.__init__')
        light = name.startswith('agents/configs/') or name.endswith('__init__.py')
        if light or not name.startswith('agents/'):
            yield module


def test_emulator_processes_never_load_tensorflow():
    """Spawned workers import envs, configs, and again the launch script that started them.

    Nor ale-py, which is under the GPL: it is for those who ask for an Atari game.
    """
    packages = [*sorted(TENSORFLOW | PEERS), 'ale_py']
    assert modules_that_load(packages, light_modules()) == []


def test_loaded_modules_are_seen():
    lines = modules_that_load(['json', 'wave'], ['wave', 'os', 'json.tool', 'no_such_module'])
    assert lines == ['wave wave', 'json.tool json', 'no_such_module cannot be imported']
