"""What a user gets wrong: one line, exit code 2, nothing written, before TensorFlow is imported."""

import concurrent.futures
import os
import re

import pytest

from tests import launching

CART = '--game=CartPole-v1'

# Script, flags, and what the line must say. `{run}` holds a run without a checkpoint, `{empty}` is
# an empty folder and `{file}` is a file.
EARLY = [
    ('train_a2c', ['--game=CartPol-v1'], "unknown game 'CartPol-v1'; nearest: CartPole-v1"),
    ('train_a2c', ['--game=VizdoomBasik-v1'], 'nearest: VizdoomBasic-v1'),
    ('train_a2c', ['--game=ALE/Pog-v5'], 'nearest: ALE/Pong-v5'),
    ('train_a2c', ['--game='], "unknown game ''"),
    ('train_a2c', ['--game=SonicTheHedgehog-Genesis'], 'needs its ROM, a file with SHA-1'),
    ('train_a2c', ['--game=VizdoomDoomE1M1-S1-v0'], 'needs doom.wad'),
    ('train_a2c', ['--game=Airstriker-Genesis', '--levels=Level99'], "no level 'Level99'; nearest"),
    ('train_a2c', [CART, '--levels=Level1'], 'it has no levels'),
    ('train_a2c', ['--levels=,Level1'], 'it has no levels'),
    (
        'train_a2c',
        ['--game=Airstriker-Genesis', '--reward=contest'],
        "Airstriker-Genesis-v0 has no reward 'contest'; there are: default",
    ),
    ('train_a2c', [CART, '--turbo_frames=12'], '--turbo_frames: CartPole-v1 is not a console game'),
    ('train_a2c', ['--turbo_frames=-1'], '--turbo_frames must not be negative'),
    ('train_a2c', [CART, '--reward=speed'], "no reward 'speed'; there are: default"),
    ('train_a2c', ['--game=Airstriker-Genesis', '--levels=test'], "no level 'test'"),
    (
        'train_a2c',
        ['--game=SonicTheHedgehog-Genesis', '--levels=train', '--reward=contest'],
        'needs its ROM',
    ),
    ('train_a2c', [CART, '--entropy_floor=1'], '--entropy_floor must be in [0, 1), not 1.0'),
    ('train_a2c', [CART, '--rollback_lr_factor=0'], '--rollback_lr_factor must be in (0, 1], not'),
    ('train_a2c', ['--crop=1,2'], '--crop must be four numbers of pixels'),
    ('train_a2c', ['--entropy_schedule=cosine'], 'value should be one of <linear|constant>'),
    ('train_a2c', ['--actions=dance'], "no action set 'dance'; there are: default, single"),
    ('train_a2c', ['--preset=sonic'], "unknown preset 'sonic'; there are: auto, retro"),
    ('train_a2c', ['--network=natur'], 'value should be one of <nature|a3c|impala|mlp>'),
    ('train_a2c', ['--optimizer=sgd'], 'value should be one of <rmsprop|adam>'),
    ('train_a2c', ['--lr_schedule=cosine'], 'value should be one of <linear|constant>'),
    ('train_a2c', ['--reward_transform=tanh'], 'value should be one of <none|sign|clip>'),
    ('train_a2c', ['--num_envs=0'], '--num_envs must be positive, not 0'),
    ('train_a2c', ['--num_envs=2.5'], '--num_envs=2.5'),
    ('train_a2c', ['--total_steps=-1'], '--total_steps must be positive, not -1'),
    ('train_a2c', ['--unroll_length=0'], '--unroll_length must be positive'),
    ('train_a2c', ['--action_repeat=0'], '--action_repeat must be at least 1'),
    ('train_a2c', ['--log_period=0'], '--log_period must be positive'),
    ('train_a2c', ['--eval_episodes=0'], '--eval_episodes must be positive'),
    ('train_a2c', ['--learning_rate=nan'], '--learning_rate cannot be nan'),
    ('train_a2c', ['--learning_rate=inf'], '--learning_rate cannot be inf'),
    ('train_a2c', ['--discount=1.5'], '--discount must be in [0, 1], not 1.5'),
    ('train_a2c', ['--entropy_cost=-1'], '--entropy_cost must be 0 or more'),
    ('train_a2c', ['--sticky_actions=1'], '--sticky_actions must be in [0, 1)'),
    ('train_a2c', ['--lstm_units=-1'], '--lstm_units must be 0 or more'),
    ('train_a2c', ['--activation=tanh'], 'value should be one of <relu|elu>'),
    ('train_a2c', ['--feed_last_action_reward'], 'feeds an LSTM, but --lstm_units=0 has none'),
    ('train_a3c', ['--num_workers=0'], '--num_workers must be positive, not 0'),
    ('train_a3c', ['--envs_per_worker=-1'], '--envs_per_worker must be positive, not -1'),
    ('train_a3c', ['--num_envs=8'], "Unknown command line flag 'num_envs'"),
    ('train_a2c', ['--seed=-1'], '--seed must be 0 or more'),
    ('train_a2c', ['--max_pool=maybe'], '--max_pool=maybe'),
    ('train_a2c', ['--video_period=100', '--eval_period=0'], '--video_period films evaluations'),
    ('train_a2c', ['--max_pool', 'false'], "unexpected argument 'false'; flags are written"),
    ('train_a2c', ['discount=0.9'], "unexpected argument 'discount=0.9'"),
    ('train_a2c', ['--discout=0.9'], "'discout'. Did you mean: discount ?"),
    ('train_a2c', [CART, '--run_dir={file}/run'], 'cannot write to {file}: Not a directory'),
    ('train_a2c', [CART, '--run_dir=/proc/x'], '--run_dir: cannot write to /proc'),
    ('train_a2c', [CART, '--run_dir={run}'], '{run} already holds a run'),
    ('train_a2c', ['--resume'], '--resume needs --run_dir'),
    ('train_a2c', ['--resume', '--run_dir={empty}'], '--resume: {empty} holds no run'),
    ('train_a2c', [CART, '--checkpoint_minutes=-1'], '--checkpoint_minutes must be 0 or more'),
    ('train', ['--episodes=0'], '--episodes must be positive, not 0'),
    ('train', ['--game=Doom'], "unknown game 'Doom'; nearest"),
    ('evaluate', [], '--run_dir: which run?'),
    ('evaluate', ['--run_dir={empty}/missing'], 'there is no directory {empty}/missing'),
    ('evaluate', ['--run_dir={empty}'], '{empty} has no saved model'),
    ('evaluate', ['--run_dir={model}', '--model=best'], '{model} has no best model'),
    ('evaluate', ['--run_dir={model}', '--episodes=0'], '--episodes must be positive, not 0'),
    ('evaluate', ['--run_dir={model}', '--seed=-1'], '--seed must be 0 or more'),
    ('evaluate', ['--run_dir={model}', '--video=a.avi'], "--video must end in .mp4, not 'a.avi'"),
    ('evaluate', ['--run_dir={model}', '--video=no/a.mp4'], '--video: cannot write to'),
    ('evaluate', ['--run_dir={model}', '--json=no/a.json'], '--json: cannot write to'),
    ('evaluate', ['--run_dir={model}', '--json={empty}'], '--json: {empty} is a directory'),
    ('tensorboard', ['--runs=nowhere'], '--runs: there is no directory nowhere'),
    ('tensorboard', ['--runs={empty}', '--port=65536'], '--port must be in 0 to 65535, not 65536'),
    ('tensorboard', ['--runs={empty}', '--port=-1'], '--port must be in 0 to 65535, not -1'),
]

# Only the environments or the model tell these.
LATE = [
    ('train_a2c', [CART, '--network=nature'], "network 'nature' takes pictures"),
    ('train_a2c', [CART, '--frame_stack=4'], '--frame_stack: CartPole-v1 has no pictures'),
    ('evaluate', ['--run_dir={model}'], 'recipe.json is missing'),
]


@pytest.fixture
def places(tmp_path):
    """Folders and files for the flags."""
    for name in ('empty', 'run', 'work', 'model/model/final'):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / 'file').write_text('')
    config = '{"agent": {}, "environment": {"game": "CartPole-v1", "frame_stack": 1}, '
    preset = '"run": {}, "sessions": []}'
    (tmp_path / 'run' / 'config.json').write_text(config + preset)
    return {name: str(tmp_path / name) for name in ('empty', 'run', 'file', 'model', 'work')}


def complaint_about(case, places):
    """What is wrong with the way a script refuses, or ''."""
    name, flags, message = case
    flags = [flag.format(**places) for flag in flags]
    code, out, err = launching.run(places['work'], name, *flags)
    right = code == 2 and out == '' and re.fullmatch(r'error: [^\n]+\n', err)
    if right and message.format(**places) in err:
        return ''
    return f'{name} {" ".join(flags)}: exit code {code}\n{out}{err}'


def complaints(cases, places, tmp_path):
    before = sorted(tmp_path.rglob('*'))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(lambda case: complaint_about(case, places), cases)]
    assert sorted(tmp_path.rglob('*')) == before
    return '\n'.join(filter(None, found))


def test_mistakes_are_told_in_one_line(places, tmp_path):
    assert complaints(EARLY, places, tmp_path) == ''


def test_what_only_the_game_or_the_model_can_tell_is_one_line_too(places, tmp_path):
    assert complaints(LATE, places, tmp_path) == ''


@pytest.mark.parametrize('name, flags', [('train_a2c', ['--game=Doom']), ('evaluate', [])])
def test_mistakes_are_told_before_tensorflow_is_imported(tmp_path, name, flags):
    code, _, err = launching.run(tmp_path, name, *flags, PYTHONPROFILEIMPORTTIME='1')
    imported = {line.rpartition('|')[2].strip() for line in err.splitlines()}
    assert code == 2 and 'agents.configs' in imported
    assert not {'tensorflow', 'keras', 'agents.a2c', 'agents.report'} & imported


@pytest.mark.parametrize(
    'name', ['train', 'train_a2c', 'evaluate', 'tensorboard', 'roms', 'doctor']
)
def test_help_fits_a_terminal(tmp_path, name):
    code, out, err = launching.run(tmp_path, name, '--help')
    assert (code, err) == (0, '')
    assert out.startswith({'train': 'Quick start', 'evaluate': 'Evaluate'}.get(name, ''))
    assert f'Usage: ./run {name} [--name=value ...]' in out
    assert max(map(len, out.splitlines())) <= 80
    topics = out.split('\n\n')[2:]
    assert topics and all(topic.count('\n') < 34 for topic in topics)


def test_help_tells_defaults_and_units(tmp_path):
    code, out, _ = launching.run(tmp_path, 'train_a2c', '--help')
    assert code == 0
    assert '--discount=0.99             Discount γ per agent step.' in out
    assert '--[no]resume' in out and '--preset=auto' in out
    assert 'logtostderr' not in out  # Flags of absl, of which nobody asked.
