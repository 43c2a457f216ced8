"""Games by their names, and what is said about those that cannot be played."""

import dataclasses
import inspect
import pickle
import subprocess
import sys

import pytest

from envs.backends import atari_game, registry, retro_game
from envs.backends.spec import Backend, load
from envs.config import EnvConfig
from envs.errors import UsageError


def refusal(config):
    """The one line that says why a configuration is refused."""
    with pytest.raises(UsageError) as caught:
        registry.check(config)
    message = str(caught.value)
    assert '\n' not in message
    return message


@pytest.mark.parametrize(
    'name, backend, game_id',
    [
        ('Airstriker-Genesis', 'retro', 'Airstriker-Genesis-v0'),
        ('Airstriker-Genesis-v0', 'retro', 'Airstriker-Genesis-v0'),
        ('SonicTheHedgehog-Genesis', 'retro', 'SonicTheHedgehog-Genesis-v0'),
        ('Contra-Nes-v0', 'retro', 'Contra-Nes'),  # Not all ids carry a version.
        ('VizdoomBasic-v1', 'vizdoom', 'VizdoomBasic-v1'),
        ('VizdoomFreedoom1E1M1-S1-v0', 'vizdoom', 'VizdoomFreedoom1E1M1-S1-v0'),
        ('ALE/Pong-v5', 'atari', 'ALE/Pong-v5'),
        ('CartPole-v1', 'gymnasium', 'CartPole-v1'),
    ],
)
def test_names_of_games(name, backend, game_id):
    spec = registry.find(name)
    assert (spec.backend, spec.id) == (backend, game_id)


@pytest.mark.parametrize(
    'name, nearest',
    [
        ('SonicTheHedgehgo-Genesis', ['SonicTheHedgehog-Genesis-v0']),
        ('SonicTheHedgehgo', ['SonicTheHedgehog-Genesis-v0', 'SonicTheHedgehog-Sms-v0']),
        ('airstriker', ['Airstriker-Genesis-v0']),
        ('airstriker-genesis', ['Airstriker-Genesis-v0']),
        ('VizdoomBasic', ['VizdoomBasic-v1']),
        ('vizdoombasic-v1', ['VizdoomBasic-v1']),
        ('ALE/Pongg-v5', ['ALE/Pong-v5']),
        ('Pong', ['ALE/Pong-v5', 'Pong-Atari2600-v0']),
        ('CartPole', ['CartPole-v1']),
    ],
)
def test_unknown_games_are_refused_with_the_nearest_names(name, nearest):
    message = refusal(EnvConfig(game=name))
    start, _, names = message.partition('; nearest: ')
    assert start == f'unknown game {name!r}'
    named = names.split(', ')
    assert len(named) <= 3
    assert set(nearest) <= set(named)


@pytest.mark.parametrize(
    'name', ['', 'qqqqqqqqqqqqqqqqqqqqq', 'two\nlines', 'Airstriker-Genesis-v1-v0']
)
def test_nonsense_is_refused_in_one_line(name):
    assert refusal(EnvConfig(game=name)).startswith('unknown game ')


def test_a_missing_rom_is_named_with_its_hash_and_the_command_that_imports_it():
    message = refusal(EnvConfig(game='SonicTheHedgehog-Genesis'))
    assert '69e102855d4389c3fd1a8f3dc7d193f8eee5fe5b' in message
    assert './run roms --import=FILE_OR_FOLDER' in message


def test_every_retro_game_can_be_checked():
    """A game whose ROM is not there says so, whatever its folder lacks."""
    playable = []
    for game_id in retro_game.game_ids():
        assert retro_game.action_sets(game_id)[0] == 'default'
        try:
            retro_game.check(game_id)
            playable.append(game_id)
        except UsageError as error:
            assert '\n' not in str(error)
            assert game_id in str(error)
    assert 'Airstriker-Genesis-v0' in playable


@pytest.mark.parametrize('game', ['VizdoomBasic-v1', 'ALE/Pong-v5', 'CartPole-v1'])
def test_levels_of_a_game_that_has_none_are_refused(game):
    message = refusal(EnvConfig(game=game, levels=('Level1',)))
    assert message == f"{game} has no level 'Level1'; it has no levels"


def test_unknown_levels_are_refused_with_the_nearest_ones():
    message = refusal(EnvConfig(game='Airstriker-Genesis', levels=('Level1', 'Level11')))
    assert message == "Airstriker-Genesis-v0 has no level 'Level11'; nearest: Level1"
    message = refusal(EnvConfig(game='SonicTheHedgehog-Genesis', levels=('greenhillzone.act3',)))
    assert "'greenhillzone.act3'; nearest: GreenHillZone.Act3, " in message


@pytest.mark.parametrize(
    'game', ['Airstriker-Genesis', 'VizdoomBasic-v1', 'ALE/Pong-v5', 'CartPole-v1']
)
def test_unknown_action_sets_are_refused(game):
    message = refusal(EnvConfig(game=game, actions='sonik'))
    assert "has no action set 'sonik'; there are: default" in message


def test_an_action_set_whose_buttons_the_console_lacks_is_refused():
    assert "has no action set 'sonic'" in refusal(EnvConfig(game='Pong-Atari2600', actions='sonic'))


@pytest.mark.parametrize(
    'config',
    [
        EnvConfig(game='Airstriker-Genesis', levels=('Level1',), actions='multi_discrete'),
        EnvConfig(game='VizdoomBasic-v1', actions='multi_binary'),
        EnvConfig(game='ALE/Pong-v5', actions='full'),
        EnvConfig(game='CartPole-v1'),
    ],
    ids=lambda config: config.game,
)
def test_what_can_be_played_is_accepted(config):
    registry.check(config)


def test_a_missing_backend_is_named(monkeypatch):
    monkeypatch.setattr(atari_game, '_roms', dict)
    monkeypatch.setattr(atari_game, '_rom_directory', lambda: None)
    assert 'pip install ale-py' in refusal(EnvConfig(game='ALE/Pong-v5'))


def test_made_games_know_their_names():
    for name in ('ALE/Pong-v5', 'CartPole-v1'):
        game = registry.find(name).make()
        assert game.name == str(game) == name
        game.close()


def test_a_backend_has_the_functions_of_the_protocol():
    wanted = {
        name: inspect.signature(function)
        for name, function in vars(Backend).items()
        if inspect.isfunction(function) and not name.startswith('_')
    }
    assert set(wanted) == {'canonical_id', 'check', 'describe', 'game_ids', 'make'}
    for backend in registry.BACKENDS:
        for name, signature in wanted.items():
            found = inspect.signature(getattr(load(backend), name))
            assert list(found.parameters) == list(signature.parameters)[1:]


@pytest.mark.parametrize(
    'name', ['Airstriker-Genesis', 'VizdoomBasic-v1', 'ALE/Pong-v5', 'CartPole-v1']
)
def test_a_description_is_found_once_and_can_be_handed_to_a_process(monkeypatch, name):
    spec = registry.find(name)
    monkeypatch.setattr(registry, 'load', lambda backend: pytest.fail('looked for again'))
    assert registry.find(name) is spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.id = 'another'


@pytest.mark.parametrize(
    'name, foreign',
    [
        ('CartPole-v1', {'stable_retro', 'vizdoom', 'ale_py'}),
        ('Airstriker-Genesis', {'vizdoom', 'ale_py'}),
        ('ALE/Pong-v5', {'stable_retro', 'vizdoom', 'ale_py'}),
        ('VizdoomBasic-v1', {'stable_retro', 'ale_py'}),
    ],
)
def test_resolving_imports_no_other_emulator(name, foreign):
    code = (
        'import sys; from envs.backends import registry; '
        f'registry.find({name!r}); print(*sys.modules)'
    )
    modules = subprocess.check_output([sys.executable, '-c', code], text=True).split()
    assert not foreign & set(modules)
