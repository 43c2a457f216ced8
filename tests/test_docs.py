"""The documents name what there is: files, functions, commands, flags and each other's pages."""

import ast
import functools
import re

import pytest

from tests.helpers.paths import ROOT

TOPS = 'agents', 'envs', 'launch', 'research', 'tests'
DOCUMENTS = [
    ROOT / 'README.md',
    *sorted((ROOT / 'docs').glob('*.md')),
    *sorted((ROOT / 'research').rglob('*.md')),
]
CODE = re.compile(r'`([^`\n]+)`')
PATH = re.compile(rf'(?:{"|".join(TOPS)})(?:/[\w.-]+)*/?')
MEMBER = re.compile(rf'((?:{"|".join(TOPS)})/[\w/]+\.py):([\w.]+)')  # `path.py:Class.method`
DOTTED = re.compile(rf'(?:{"|".join(TOPS)})(?:\.\w+)+')  # `package.module.Class.method`
COMMAND = re.compile(r'python -m ((?:research|launch|envs)(?:\.\w+)+)')
LINK = re.compile(r'\]\((?!https?:)([^)#]*)(#[\w-]+)?\)')
ROW = re.compile(r'^\| `([\w/]+/)` \| (.*) \|$', re.MULTILINE)


def mentions(document):
    """The words in code marks."""
    return CODE.findall(document)


@functools.cache
def names_in(path):
    """The top-level names of a Python file, and `Class.member` of its classes."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        found |= names_of(node)
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                found |= {f'{node.name}.{name}' for name in names_of(member)}
    return found


def names_of(node):
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, 'target', None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def has_dotted(name):
    """Whether `package.module`, or a member of it, exists."""
    parts = name.split('.')
    for length in range(len(parts), 0, -1):
        path = '/'.join(parts[:length])
        if (ROOT / f'{path}.py').is_file():
            return length == len(parts) or '.'.join(parts[length:]) in names_in(f'{path}.py')
        if (ROOT / path).is_dir():
            return length == len(parts)
    return False


def unknown(document):
    """Every mention of code, as a path, a member of a file or a dotted name, that leads nowhere."""
    lost = []
    for mention in mentions(document):
        member = MEMBER.fullmatch(mention)
        if member:
            path = member[1]
            if not (ROOT / path).is_file() or member[2] not in names_in(path):
                lost.append(mention)
        elif '/' in mention and PATH.fullmatch(mention):
            if not (ROOT / mention).exists():
                lost.append(mention)
        elif DOTTED.fullmatch(mention) and not mention.endswith(('.md', '.py', '.sh')):
            if not has_dotted(mention):
                lost.append(mention)
    return lost


def read_map():
    """The files that each row of the README's map names, by package."""
    rows = ROW.findall((ROOT / 'README.md').read_text().partition('## Map of the code')[2])
    return {folder: re.findall(r'`([\w]+\.py)`', text) for folder, text in rows}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_mentions_of_code_exist(document):
    assert unknown(document.read_text()) == []


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(document):
    text = document.read_text()
    for module in COMMAND.findall(text):
        path = ROOT / module.replace('.', '/')
        assert path.with_suffix('.py').is_file() or (path / '__main__.py').is_file(), module
    for name in re.findall(r'\./run ([a-z]\w*)', text):
        known = name in ('bench', 'test', 'lint')
        assert known or (ROOT / 'launch' / f'{name}.py').is_file(), name


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target, anchor in LINK.findall(document.read_text()):
        path = document.parent / target if target else document
        assert path.exists(), target
        if anchor:
            titles = re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)
            anchors = ['#' + re.sub(r'[^\w -]', '', t).lower().replace(' ', '-') for t in titles]
            assert anchor in anchors


def test_the_map_names_every_package_and_every_file_of_it():
    """A file that is not in the map cannot be found by who reads nothing else."""
    rows = read_map()
    own = {'envs/hillhopper/', 'launch/', 'research/', 'tests/'}  # Described as a whole.
    for folder, files in rows.items():
        assert (ROOT / folder).is_dir(), folder
        there = {path.name for path in (ROOT / folder).glob('*.py')} - {'__init__.py'}
        assert files == [] if folder in own else set(files) == there, folder
    packages = {
        f'{path.parent.relative_to(ROOT)}/'
        for top in ('agents', 'envs', 'launch')
        for path in (ROOT / top).rglob('__init__.py')
        if 'hillhopper/source' not in str(path)
    }
    assert packages <= set(rows)


def test_the_readme_is_a_front_door():
    text = (ROOT / 'README.md').read_text()
    assert len(text.splitlines()) <= 120
    pages = {f'docs/{path.name}' for path in (ROOT / 'docs').glob('*.md')}
    assert pages <= {target for target, _ in LINK.findall(text)}


def test_flags_of_the_documents_exist():
    """Every `--flag` in code marks is a flag of a command; `--x_*` stands for all that begin so."""
    sources = [*(ROOT / 'launch').rglob('*.py'), *(ROOT / 'research').rglob('*.py')]
    sources += [*(ROOT / 'envs').glob('*.py'), *(ROOT / 'agents').rglob('*.py'), ROOT / 'run']
    code = '\n'.join(path.read_text() for path in sources)
    known = set(re.findall(r'^    (\w+): [\w.\[\], \']+ = hparam', code, re.MULTILINE))
    known |= set(re.findall(r"DEFINE_\w+\(\s*'(\w+)'", code)) | {'help'}
    for document in [ROOT / 'README.md', *(ROOT / 'docs').glob('*.md')]:
        for name in re.findall(r'--([a-z_]+)', ' '.join(mentions(document.read_text()))):
            is_family = name.endswith('_') and any(flag.startswith(name) for flag in known)
            assert name in known or name.removeprefix('no') in known or is_family, name


@pytest.mark.parametrize(
    'mention, is_lost',
    [
        ('envs/make.py', False),
        ('envs/make.py:make_env', False),
        ('agents/experience/runner.py:Runner.run', False),
        ('agents/experience/runner.py:Rollout.rewards', False),
        ('agents.experience.runner.Runner', False),
        ('agents.experience', False),
        ('envs/', False),
        ('envs/nothing.py', True),
        ('envs/make.py:nothing', True),
        ('agents/experience/runner.py:Runner.nothing', True),
        ('agents.experience.runner.Nothing', True),
        ('agents.nothing', True),
        ('envs/nothing/', True),
        ('step-000080000.zip', False),  # No code.
    ],
)
def test_lost_mentions_are_seen(mention, is_lost):
    assert unknown(f'See `{mention}`.') == ([mention] if is_lost else [])
