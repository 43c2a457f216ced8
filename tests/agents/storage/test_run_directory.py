"""Directories of runs: made, refused, reopened; and found by those who look for a model."""

import dataclasses
import json
import os
import shutil
import stat

import pytest

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import RunConfig
from agents.storage import checkpoints, migrations, run_directory
from envs.config import EnvConfig
from envs.errors import UsageError

ENV_CONFIG = EnvConfig('Airstriker-Genesis', ('Level1', 'Level2'))


def configs(path, **changes):
    agent = dataclasses.replace(A2CConfig(learning_rate=0.1, total_steps=1000), **changes)
    return {'agent': agent, 'environment': ENV_CONFIG, 'run': RunConfig(str(path), log_period=7)}


def reopen(path, now):
    """Reads the file once, as whoever resumes a run does."""
    content = run_directory.read_config(path)
    run_directory.check_unchanged(content, now)
    return run_directory.reopen(path, content, now)


@pytest.fixture
def run_dir(tmp_path):
    path = str(tmp_path / 'runs' / 'one')
    run_directory.create(path, configs(path))
    checkpoints.save(os.path.join(path, 'checkpoints'), 5, {})
    return path


def test_a_new_run_writes_how_it_was_started(tmp_path):
    run_directory.create(str(tmp_path / 'a' / 'b'), configs(tmp_path))
    content = json.loads((tmp_path / 'a' / 'b' / 'config.json').read_text())
    assert content['agent']['learning_rate'] == 0.1
    assert content['environment']['levels'] == ['Level1', 'Level2']
    assert content['run']['log_period'] == 7
    [session] = content['sessions']
    assert set(session) == {'started', 'command', 'git_commit', 'versions'}
    assert session['versions']['tensorflow'][0].isdigit()
    assert os.listdir(tmp_path / 'a' / 'b') == ['config.json']


def test_a_second_run_cannot_take_the_directory(run_dir):
    before = os.stat(os.path.join(run_dir, 'config.json'))
    with pytest.raises(UsageError, match='already holds a run'):
        run_directory.create(run_dir, configs(run_dir))
    assert os.stat(os.path.join(run_dir, 'config.json')).st_mtime_ns == before.st_mtime_ns


def test_a_resumed_run_takes_its_settings_over(run_dir):
    settings = run_directory.settings(run_directory.read_config(run_dir))
    assert settings['learning_rate'] == 0.1
    assert settings['levels'] == ('Level1', 'Level2')
    assert settings['log_period'] == 7
    assert not {'run_dir', 'resume', 'sessions'} & set(settings)


def test_a_resumed_run_is_noted_and_may_be_longer(run_dir):
    content = reopen(run_dir, configs(run_dir, total_steps=2000))
    assert content == run_directory.read_config(run_dir)
    assert len(content['sessions']) == 2
    assert run_directory.settings(run_directory.read_config(run_dir))['total_steps'] == 2000
    assert sorted(os.listdir(run_dir)) == ['checkpoints', 'config.json']


def test_a_resumed_run_may_use_the_machine_otherwise(run_dir):
    before = configs(run_dir)
    changes = {
        'envs_per_process': 3, 'hang_seconds': 5.0, 'max_restarts': 7, 'worker_memory_mb': 0,
    }  # fmt: skip
    environment = dataclasses.replace(before['environment'], **changes)
    reopen(run_dir, {**before, 'environment': environment})
    settings = run_directory.settings(run_directory.read_config(run_dir))
    assert {name: settings[name] for name in changes} == changes


def test_a_resumed_run_must_be_the_same_run(run_dir):
    with pytest.raises(UsageError, match='--learning_rate was 0.1 in this run, now it is 0.2'):
        reopen(run_dir, configs(run_dir, learning_rate=0.2))
    other = {**configs(run_dir), 'environment': EnvConfig('Airstriker-Genesis', ('Level1',))}
    with pytest.raises(UsageError, match='--levels was'):
        reopen(run_dir, other)
    assert len(run_directory.read_config(run_dir)['sessions']) == 1


def test_an_option_that_is_new_in_this_version_is_no_change(run_dir, monkeypatch):
    monkeypatch.setitem(migrations._ADDED['agent'], 'gae_lambda', 1.0)
    path = os.path.join(run_dir, 'config.json')
    content = run_directory.read_config(run_dir)
    del content['agent']['gae_lambda']
    with open(path, 'w') as file:
        json.dump(content, file)
    reopen(run_dir, configs(run_dir))


@pytest.mark.parametrize(
    'change, message',
    [
        ({'format': 4}, 'is of format 4; this version reads 1 to 3'),
        ({'format': '2'}, "is of format '2'"),
        ({'format': True}, 'is of format True'),
        ({'algorithm': 'ppo'}, "is of the unknown algorithm 'ppo'"),
        ({'algorithm': {}}, 'is of the unknown algorithm'),
        ({'agent': {'cheat': 1}}, 'has unknown options: cheat'),
        ({'environment': {}}, 'lacks the options: action_repeat, actions'),
        ({'run': [1]}, 'has no options of RunConfig'),
        ({'sessions': None}, 'has no sessions'),
    ],
    ids=str,
)
def test_a_foreign_config_is_refused(run_dir, change, message):
    content = {**run_directory.read_config(run_dir), **change}
    with open(os.path.join(run_dir, 'config.json'), 'w') as file:
        json.dump(content, file)
    with pytest.raises(UsageError, match=f'^--resume: .*config.json: {message}'):
        run_directory.read_config(run_dir)


@pytest.mark.parametrize('change', [{'format': 1}, {}], ids=str)
def test_a_run_of_an_older_version_is_refused(run_dir, change):
    content = run_directory.read_config(run_dir)
    del content['format']
    content.update(change)
    with open(os.path.join(run_dir, 'config.json'), 'w') as file:
        json.dump(content, file)
    with pytest.raises(UsageError, match='was made by an older version'):
        run_directory.read_config(run_dir)


def test_the_run_of_another_algorithm_is_refused(run_dir):
    other = {**configs(run_dir), 'agent': A3CConfig()}
    with pytest.raises(UsageError, match='^--resume: use ./run train_a2c for this run$'):
        reopen(run_dir, other)


@pytest.mark.parametrize('text', ['', '{', '[]', '{"agent": {}}', 'null', '[' * 99_999])
def test_a_damaged_config_is_refused(run_dir, text):
    with open(os.path.join(run_dir, 'config.json'), 'w') as file:
        file.write(text)
    with pytest.raises(UsageError, match='config.json: is damaged'):
        run_directory.read_config(run_dir)


def test_a_run_without_a_checkpoint_can_be_resumed(tmp_path):
    run_directory.create(str(tmp_path), configs(tmp_path))
    run_directory.check(str(tmp_path), resume=True)


def test_a_locked_directory_is_refused_until_its_process_lets_go(run_dir):
    handle = run_directory.lock(run_dir)
    with pytest.raises(UsageError, match='another process is training in '):
        run_directory.check(run_dir, resume=True)
    os.close(handle)
    run_directory.check(run_dir, resume=True)
    assert sorted(os.listdir(run_dir)) == ['checkpoints', 'config.json']


def test_a_directory_that_was_deleted_is_restored(run_dir):
    content = run_directory.read_config(run_dir)
    shutil.rmtree(run_dir)
    run_directory.restore(run_dir, content)
    assert run_directory.read_config(run_dir) == content
    before = os.stat(os.path.join(run_dir, 'config.json'))
    run_directory.restore(run_dir, {})  # It is there: nothing is done.
    assert os.stat(os.path.join(run_dir, 'config.json')) == before


def test_what_holds_no_run_cannot_be_resumed(tmp_path):
    with pytest.raises(UsageError, match='--resume: .* holds no run'):
        run_directory.check(str(tmp_path), resume=True)
    with pytest.raises(UsageError, match='--resume: .* holds no run'):
        run_directory.read_config(str(tmp_path / 'missing'))


def unwritable_paths(tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'dangling').symlink_to(tmp_path / 'nowhere' / 'deep')
    return [tmp_path / 'file', tmp_path / 'file' / 'a' / 'b', tmp_path / 'dangling', '/proc/a/b']


def test_unwritable_places_are_refused_and_not_touched(tmp_path):
    paths = unwritable_paths(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    for path in paths:
        with pytest.raises(UsageError, match='--run_dir: cannot write to'):
            run_directory.check(str(path), resume=False)
    assert sorted(tmp_path.rglob('*')) == before


def test_a_check_leaves_nothing_behind(tmp_path):
    run_directory.check(str(tmp_path / 'a' / 'b'), resume=False)
    run_directory.check_output('json', str(tmp_path / 'result.json'))
    run_directory.check_output('json', '')
    assert list(tmp_path.iterdir()) == []


def test_output_files_that_cannot_be_are_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    cases = {
        tmp_path / 'missing' / 'a.json': 'cannot write to .*missing: No such file or directory',
        tmp_path / 'file' / 'a.json': 'cannot write to .*file: Not a directory',
        tmp_path: 'is a directory',
        '/dev/null': 'is not an ordinary file',
    }
    for path, message in cases.items():
        with pytest.raises(UsageError, match=f'--json: .*{message}'):
            run_directory.check_output('json', str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason='root can write everywhere')
def test_a_read_only_directory_is_refused(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(UsageError, match='Permission denied'):
        run_directory.check(str(tmp_path / 'run'), resume=False)
    tmp_path.chmod(stat.S_IRWXU)


def test_models_are_found(tmp_path):
    (tmp_path / 'model' / 'final').mkdir(parents=True)
    assert run_directory.model_directory(str(tmp_path)).endswith('model/final')
    with pytest.raises(UsageError, match='has no best model'):
        run_directory.model_directory(str(tmp_path), 'best')
    (tmp_path / 'model' / 'best').mkdir()
    assert run_directory.model_directory(str(tmp_path)).endswith('model/best')
    assert run_directory.model_directory(str(tmp_path), 'final').endswith('model/final')


def test_missing_models_are_told(tmp_path):
    with pytest.raises(UsageError, match='has no saved model'):
        run_directory.model_directory(str(tmp_path))
    with pytest.raises(UsageError, match='there is no directory'):
        run_directory.model_directory(str(tmp_path / 'missing'))


def test_the_default_path_has_no_slash_of_the_game():
    path = run_directory.default_path('a2c', 'ALE/Pong-v5')
    assert path.startswith('runs/a2c-ALE-Pong-v5-') and path.count('/') == 1
