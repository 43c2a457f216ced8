"""Cartridges: which files are recognised, and that an imported one is played."""

import csv
import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import envs
from envs.backends import retro_data, retro_roms
from envs.errors import UsageError
from tests.helpers import launching

SONIC = 'SonicTheHedgehog-Genesis-v0'
HOPPER = Path(envs.__file__).parent / 'hillhopper' / 'HillHopper-Genesis'
IMAGE = (
    bytes(0x100) + b'SEGA GENESIS    ' + bytes(0x40) + b'A  TEST GAME'.ljust(0x30) + bytes(0x8000)
)
IMAGE = IMAGE[: 2 * 0x4000]


def interleaved(image):
    """The format of a copier that is called Super Magic Drive, without its header."""
    blocks = [image[i : i + 0x4000] for i in range(0, len(image), 0x4000)]
    return b''.join(block[1::2] + block[::2] for block in blocks)


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder for cartridges; the only one that is wanted is IMAGE, for Sonic."""
    monkeypatch.setenv('JOYPAD_ROMS', str(tmp_path / 'roms'))
    games = {hashlib.sha1(IMAGE).hexdigest(): (SONIC, '.md')}
    monkeypatch.setattr(retro_roms, '_games_by_hash', lambda: games)
    (tmp_path / 'mine').mkdir()
    return tmp_path / 'mine'


@pytest.mark.parametrize(
    'name, content, note',
    [
        ('a name.xyz', IMAGE, ''),
        ('a.smd', bytes(512) + interleaved(IMAGE), 'from the interleaved format .smd'),
        ('b.bin', interleaved(IMAGE), 'from the interleaved format .smd'),
        ('c.md', bytes(512) + IMAGE, 'without the header of a copier'),
        ('d.zip', zipped(readme=b'hello', game=IMAGE), ''),
    ],
)
def test_what_is_recognised(folder, name, content, note):
    (folder / name).write_bytes(content)
    *others, verdict = retro_roms.import_from([str(folder / name)])
    assert (verdict.game, verdict.note) == (SONIC, note)
    assert verdict.file.startswith(str(folder / name)) and not any(v.game for v in others)
    assert (retro_data.roms_folder() / SONIC / 'rom.md').read_bytes() == IMAGE
    assert retro_data.rom_path(SONIC) == str(retro_data.roms_folder() / SONIC / 'rom.md')
    assert [p.name for p in (retro_data.roms_folder() / SONIC).iterdir()] == ['rom.md']
    (again,) = (v for v in retro_roms.import_from([str(folder / name)]) if v.game)
    assert again.note == 'which is there already'


def test_why_a_file_is_not_accepted(folder):
    other = bytearray(IMAGE)
    other[-1] = 1
    (folder / 'a.md').write_bytes(other)
    (folder / 'b.md').write_bytes(b'')
    (folder / 'c.zip').write_bytes(zipped(a=b'hello')[:-30])
    (folder / 'letter.txt').write_text('Passed over.')
    with open(folder / 'd.bin', 'wb') as file:
        file.truncate(2**25 + 1)
    verdicts = {Path(v.file).name: v for v in retro_roms.import_from([str(folder)])}
    assert sorted(verdicts) == ['a.md', 'b.md', 'c.zip', 'd.bin']
    assert not any(verdict.game for verdict in verdicts.values())
    assert 'Genesis cartridge, "A TEST GAME"' in verdicts['a.md'].note
    assert hashlib.sha1(other).hexdigest() in verdicts['a.md'].note
    assert verdicts['b.md'].note.startswith('not a cartridge')
    assert verdicts['d.bin'].note == 'too large for a cartridge'
    assert not retro_data.roms_folder().exists()


def test_a_nintendo_cartridge_is_known_without_its_header(folder, monkeypatch):
    body = bytes(range(256)) * 64
    games = {hashlib.sha1(body).hexdigest(): ('Game-Nes', '.nes')}
    monkeypatch.setattr(retro_roms, '_games_by_hash', lambda: games)
    (folder / 'a.nes').write_bytes(b'NES\x1a' + bytes(12) + body)
    (verdict,) = retro_roms.import_from([str(folder)])
    assert verdict.game == 'Game-Nes'
    kept = retro_data.roms_folder() / 'Game-Nes' / 'rom.nes'
    assert kept.read_bytes() == (folder / 'a.nes').read_bytes()


def test_what_is_not_there_is_refused(folder):
    with pytest.raises(UsageError, match='--import: there is no'):
        retro_roms.import_from([str(folder / 'nothing')])
    with pytest.raises(UsageError, match='not a game of a console'):
        retro_roms.wanted('CartPole-v1')


@given(st.binary(min_size=1, max_size=3).map(lambda seed: (seed * 0x8000)[: 2 * 0x4000]))
def test_interleaving_is_undone(image):
    assert retro_roms._deinterleaved(interleaved(image)) == image


def test_the_script_tells_what_is_wanted(tmp_path):
    places = {'JOYPAD_ROMS': str(tmp_path / 'roms')}
    code, out, err = launching.run(tmp_path, 'roms', **places)
    assert (code, err) == (0, '')
    assert f'{SONIC}: missing' in out and 'world, revision 01, 512 KB' in out
    assert 'HillHopper-Genesis: ' in out and str(tmp_path / 'roms') in out
    (tmp_path / 'a.md').write_bytes(IMAGE)
    code, out, err = launching.run(tmp_path, 'roms', '--import=a.md', **places)
    assert code == 2 and 'A TEST GAME' in out
    assert err == 'error: no cartridge in a.md is wanted by any game\n'
    code, out, err = launching.run(tmp_path, 'roms', '--games=Nope', **places)
    assert (code, out) == (2, '') and len(err.splitlines()) == 1


def test_an_imported_game_trains_is_tested_and_filmed(tmp_path):
    """HillHopper stands in for Sonic: a cartridge and states under Sonic's names."""
    game = tmp_path / 'roms' / SONIC
    game.mkdir(parents=True)
    shutil.copy(HOPPER / 'rom.md', game)
    states = sorted(HOPPER.glob('*.state'))
    for i, level in enumerate(retro_data.levels(SONIC)):
        shutil.copy(states[i % len(states)], game / f'{level}.state')
    places = {'JOYPAD_ROMS': str(tmp_path / 'roms')}
    train = (
        '--game=SonicTheHedgehog-Genesis', '--levels=train', '--num_envs=2', '--network=a3c',
        '--total_steps=200', '--eval_period=0', '--max_episode_steps=10', '--run_dir=run',
    )  # fmt: skip
    code, out, err = launching.run(tmp_path, 'train_a2c', *train, **places)
    assert (code, err) == (0, '')
    assert 'preset platform' in out and 'Discrete(7): LEFT, RIGHT, LEFT+DOWN' in out
    with open(tmp_path / 'run' / 'episodes.csv', newline='') as file:
        played = {row['level'] for row in csv.DictReader(file)}
    held_out = retro_data.level_set(SONIC, 'test')
    assert len(played) > 5 and not played & set(held_out)
    flags = '--run_dir=run', '--levels=test', '--episodes=1', '--video=a.mp4', '--json=a.json'
    code, out, err = launching.run(tmp_path, 'evaluate', *flags, **places)
    assert (code, err) == (0, '') and 'mean of 4 levels' in out
    content = json.loads((tmp_path / 'a.json').read_text())
    assert [level['level'] for level in content['levels']] == sorted(held_out)
    assert (tmp_path / 'a.mp4').stat().st_size > 1000
