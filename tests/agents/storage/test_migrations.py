"""Files of older versions, made with their code, are loaded; fixtures/README.md tells how."""

import collections
import dataclasses
import json
import shutil

import numpy as np
import pytest

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.off_policy import TD3Config
from agents.configs.run import EvaluationConfig, RunConfig
from agents.evaluation import report
from agents.storage import checkpoints, migrations, model_checks, run_directory, saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import digests, launching
from tests.helpers.paths import FIXTURES

RUNS = sorted(str(path.parent.relative_to(FIXTURES)) for path in FIXTURES.glob('*/*/config.json'))
RESUMABLE = [run for run in RUNS if (FIXTURES / run / 'checkpoints').exists()]
# Of these it is known bit for bit how the code that made them goes on.
EXACT = [run for run in RESUMABLE if (FIXTURES / run / 'resumed.json').exists()]
# Each starts a process that loads TensorFlow; all that is tested has a quicker run, too.
SLOW = [f'975748a/{name}' for name in ('a2c_lstm', 'a2c_overlap', 'gsde', 'ddpg', 'airstriker',
                                       'breakout')]  # fmt: skip


def read(run, name):
    return json.loads((FIXTURES / run / f'{name}.json').read_text())


def skip_elsewhere(run):
    """Skips the rest where the CPU or TensorFlow rounds otherwise than where a fixture was made."""
    if digests.of_arithmetic() != read(run, 'resumed')['arithmetic']:
        pytest.skip('this CPU or this TensorFlow rounds otherwise than the one of the fixture')


def test_there_are_fixtures():
    assert len(RUNS) >= 6 and 2 <= len(RESUMABLE) < len(RUNS)


@pytest.mark.parametrize('run', RUNS)
def test_models_of_every_version_are_evaluated(run):
    directory = str(FIXTURES / run / 'model' / 'final')
    loaded = saved_policy.load(directory)
    saved = read(run, 'model/final/recipe')
    now = json.loads(json.dumps(dataclasses.asdict(loaded.env_config)))
    assert saved['environment'].items() <= now.items()
    old = {'crop': [], 'envs_per_process': 0, 'reward': 'default', **saved['environment']}
    assert {name: now[name] for name in old} == old
    exact = run in EXACT
    episodes, seed = (2, 5) if exact else (1, 1)
    result = report.evaluate(EvaluationConfig(str(FIXTURES / run), episodes=episodes, seed=seed))
    assert len(result.episodes) == max(episodes, len(loaded.env_config.levels))
    assert all(episode.length > 5 for episode in result.episodes)
    if exact:
        skip_elsewhere(run)
        now, then = json.loads(json.dumps(result.as_json())), read(run, 'evaluation')
        # Student's t was rounded to two digits then.
        interval = now.pop('confidence_interval')
        assert interval == pytest.approx(then.pop('confidence_interval'), rel=2e-3)
        assert now == then


@pytest.mark.parametrize(
    'run', [pytest.param(run, marks=[pytest.mark.slow] * (run in SLOW)) for run in RESUMABLE]
)
def test_runs_are_resumed(tmp_path, run):
    shutil.copytree(FIXTURES / run, tmp_path / 'run')
    content = read(run, 'config')
    script = f'train_{content["algorithm"]}'
    flags = '--resume', '--run_dir=run', f'--total_steps={800 if run in EXACT else 600}'
    # The number of threads is one of what decides the order of sums.
    code, out, err = launching.run(tmp_path, script, *flags, TF_NUM_INTRAOP_THREADS='1')
    assert (code, err) == (0, '')
    [step] = [int(path.stem[5:]) for path in (FIXTURES / run / 'checkpoints').glob('step-*')]
    assert f'continuing at {step} steps' in out
    after = json.loads((tmp_path / 'run' / 'config.json').read_text())
    assert after['format'] == migrations.CONFIG_FORMAT and len(after['sessions']) == 2
    assert content['environment'].items() <= after['environment'].items()
    if run in EXACT:
        skip_elsewhere(run)
        assert_goes_on_as(read(run, 'resumed'), digests.of_run(tmp_path / 'run'))


def assert_goes_on_as(expected, found):
    """Fails unless tables and weights are the same, bit for bit; a state may hold more arrays."""
    assert found['metrics'] == expected['metrics']
    assert found['episodes'] == expected['episodes']
    assert found['model'] == expected['model']
    missing = collections.Counter(expected['state']) - collections.Counter(found['state'])
    assert len(expected['state']) > 10 and not missing


def test_one_bit_of_one_weight_makes_a_difference():
    path = next((FIXTURES / EXACT[0] / 'checkpoints').glob('step-*'))
    expected, tree = (checkpoints.load(str(path)) for _ in range(2))
    weights = tree['agent']['weights']
    before = digests.of_arrays(weights)
    assert digests.of_arrays(expected['agent']['weights']) == before
    assert digests.of_state(tree) == digests.of_state(expected)
    weights[0].view(np.uint32).flat[0] ^= 1
    assert digests.of_arrays(weights) != before
    same = {'metrics': [], 'episodes': [], 'model': ''}
    states = [{**same, 'state': digests.of_state(one)} for one in (expected, tree)]
    assert_goes_on_as(states[0], states[0])
    with pytest.raises(AssertionError):
        assert_goes_on_as(*states)


@pytest.mark.parametrize('run', [run for run in RUNS if run not in RESUMABLE])
def test_older_runs_say_that_they_can_be_evaluated_only(run):
    with pytest.raises(UsageError) as refusal:
        run_directory.read_config(str(FIXTURES / run))
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


def test_a_soft_update_is_now_called_tau():
    run = FIXTURES / '5984a52' / 'td3'
    saved = json.loads((run / 'config.json').read_text())
    assert saved['format'] == 2 and 'tau' not in saved['agent']
    content = migrations.config(saved)
    assert content['format'] == migrations.CONFIG_FORMAT
    assert content['agent'].pop('tau') == saved['agent'].pop('soft_update') == 0.005
    assert content['agent'] == saved['agent']


def test_an_old_tau_is_still_compared_on_resume():
    resumed = run_directory.read_config(str(FIXTURES / '5984a52' / 'td3'))
    options = run_directory.settings(resumed)
    names = {
        config: [f.name for f in dataclasses.fields(config)] for config in (TD3Config, EnvConfig)
    }
    agent, environment = (c(**{n: options[n] for n in own}) for c, own in names.items())
    run_directory.check_unchanged(resumed, {'agent': agent, 'environment': environment})
    changed = dataclasses.replace(agent, tau=0.5)
    with pytest.raises(UsageError, match='--tau was 0.005 in this run, now it is 0.5'):
        run_directory.check_unchanged(resumed, {'agent': changed, 'environment': environment})


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
