"""Files of older versions, made with their code, are loaded; fixtures/README.md tells how."""

import dataclasses
import json
import shutil

import pytest

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import EvaluationConfig, RunConfig
from agents.evaluation import report
from agents.storage import migrations, model_checks, run_directory, saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import launching
from tests.helpers.paths import FIXTURES

RUNS = sorted(str(path.parent.relative_to(FIXTURES)) for path in FIXTURES.glob('*/*/config.json'))
RESUMABLE = [run for run in RUNS if (FIXTURES / run / 'checkpoints').exists()]


def test_there_are_fixtures():
    assert len(RUNS) >= 6 and 2 <= len(RESUMABLE) < len(RUNS)


@pytest.mark.parametrize('run', RUNS)
def test_models_of_every_version_are_evaluated(run):
    directory = str(FIXTURES / run / 'model' / 'final')
    loaded = saved_policy.load(directory)
    saved = json.loads((FIXTURES / run / 'model' / 'final' / 'recipe.json').read_text())
    now = json.loads(json.dumps(dataclasses.asdict(loaded.env_config)))
    assert saved['environment'].items() <= now.items()
    old = {'crop': [], 'envs_per_process': 0, 'reward': 'default'}
    assert {name: now[name] for name in old} == old
    result = report.evaluate(EvaluationConfig(str(FIXTURES / run), episodes=1, seed=1))
    assert len(result.episodes) == 1 and result.episodes[0].length > 5


@pytest.mark.parametrize('run', RESUMABLE)
def test_runs_are_resumed(tmp_path, run):
    shutil.copytree(FIXTURES / run, tmp_path / 'run')
    content = json.loads((tmp_path / 'run' / 'config.json').read_text())
    script = f'train_{content["algorithm"]}'
    flags = '--resume', '--run_dir=run', '--total_steps=600'
    code, out, err = launching.run(tmp_path, script, *flags)
    assert (code, err) == (0, '')
    [step] = [int(path.stem[5:]) for path in (FIXTURES / run / 'checkpoints').glob('step-*')]
    assert f'continuing at {step} steps' in out
    after = json.loads((tmp_path / 'run' / 'config.json').read_text())
    assert after['format'] == migrations.CONFIG_FORMAT and len(after['sessions']) == 2
    assert content['environment'].items() <= after['environment'].items()


@pytest.mark.parametrize('run', [run for run in RUNS if run not in RESUMABLE])
def test_older_runs_say_that_they_can_be_evaluated_only(run):
    with pytest.raises(UsageError) as refusal:
        run_directory.settings(str(FIXTURES / run))
    assert str(refusal.value).startswith('--resume: ') and '\n' not in str(refusal.value)
    assert 'made by an older version' in str(refusal.value)
    assert f'./run evaluate --run_dir={FIXTURES / run}' in str(refusal.value)


@pytest.mark.parametrize(
    'group, config_class',
    [('environment', EnvConfig), ('agent', A2CConfig), ('agent', A3CConfig), ('run', RunConfig)],
)
def test_what_is_newer_than_the_newest_fixture_has_a_meaning_for_older_files(group, config_class):
    """An option was added: say in `migrations` what files without it mean."""
    known = dict.fromkeys(['environment', 'agent', 'run'], [])
    for path in FIXTURES.glob('*/*/config.json'):
        content = json.loads(path.read_text())
        if content.get('algorithm', 'a2c') == getattr(config_class, 'algorithm', 'a2c'):
            known = {name: [*known[name], set(content[name])] for name in known}
    newest = max(known[group], key=len)
    fields = {field.name for field in dataclasses.fields(config_class)}
    assert fields - newest <= set(migrations._ADDED[group])
    assert newest <= fields, 'an option is gone or renamed: that is a new format with a step'


def test_steps_are_taken_one_after_the_other(monkeypatch):
    def rename(content):
        return {'environment': content['surroundings']}

    def rewrite(content):
        return {'environment': {**content['environment'], 'action_repeat': 2}}

    recipe = {'format': 1, 'surroundings': {'game': 'CartPole-v1'}}
    monkeypatch.setattr(migrations, 'RECIPE_FORMAT', 3)
    monkeypatch.setattr(migrations, '_RECIPE_STEPS', {1: rename, 2: rewrite})
    upgraded = migrations.recipe(recipe)
    assert upgraded['format'] == 3
    assert upgraded['environment']['action_repeat'] == 2
    assert upgraded['environment']['reward'] == 'default'
    assert recipe == {'format': 1, 'surroundings': {'game': 'CartPole-v1'}}
    assert migrations.recipe({'format': 3, 'environment': {}})['format'] == 3
    for version in (0, 4, '1', None):
        with pytest.raises(UsageError, match='this version reads 1 to 3'):
            migrations.recipe({'format': version})


def test_the_recipe_of_today_needs_no_migration(tmp_path):
    options = dataclasses.asdict(EnvConfig())
    recipe = {'format': migrations.RECIPE_FORMAT, 'environment': json.loads(json.dumps(options))}
    assert migrations.recipe(recipe) == recipe
    (tmp_path / 'recipe.json').write_text(json.dumps(recipe))
    assert model_checks.read_recipe(str(tmp_path))[0] == EnvConfig()
