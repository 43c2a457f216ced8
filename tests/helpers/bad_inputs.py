"""Bad inputs of every kind and the line that each must bring; the table in research/ is made of it.

python -m tests.helpers.bad_inputs > research/reliability/BAD_INPUTS.md
"""

import json
import os
import shutil
from collections.abc import Mapping
from typing import NamedTuple

from tests.helpers.paths import FIXTURES

GOOD_RUN = FIXTURES / '6732916' / 'cartpole'
RECIPE, MODEL, CONFIG = 'model/final/recipe.json', 'model/final/model.keras', 'config.json'
CART = '--game=CartPole-v1'
DOOM = '--game=VizdoomBasic-v1'
HEADER = """# Bad inputs

What is wrong, and what the one line on stderr says or holds; the exit code is 2, nothing is written
and there is no traceback. Made from `tests/helpers/bad_inputs.py`, whose rows
`tests/launch/test_refusals.py` tries one by one:

    python -m tests.helpers.bad_inputs > research/reliability/BAD_INPUTS.md

In braces stand places: `{empty}` is an empty folder, `{file}` a file, `{pipe}` a pipe, `{run}` a
run without a checkpoint, `{model}` one whose model has no files, and `{good}` a good run but for
the change that the row names.
"""


class Row(NamedTuple):
    """A call of a script, and the line that it must bring."""

    script: str
    flags: list[str]
    line: str  # What it holds
    files: Mapping[str, str] = {}  # In {good}; of JSON a part may be given with `change`.
    variables: Mapping[str, str] = {}
    what: str = ''  # Of the files, for people


def change(name, **values):
    """A JSON file of the good run with other values; a dict changes only what is in it."""
    content = json.loads((GOOD_RUN / name).read_text())
    for key, value in values.items():
        inner = content.get(key)
        content[key] = {**inner, **value} if isinstance(value, dict) and inner else value
    return {name: json.dumps(content)}


def _environment(line, **options):
    text = ', '.join(f'{key}: {json.dumps(value)}' for key, value in options.items())
    files = change(RECIPE, environment=options)
    return Row('evaluate', ['--run_dir={good}'], line, files, what=f'recipe.json with {text[:60]}')


def _evaluate(name, content, line, what):
    return Row('evaluate', ['--run_dir={good}'], line, {name: content}, what=what)


def _resume(line, what, files):
    return Row('train_a2c', ['--resume', '--run_dir={good}'], line, files, what=what)


def _train(*flags_and_line):
    *flags, line = flags_and_line
    return Row('train_a2c', flags, line)


FLAGS = [
    _train('--game=CartPol-v1', "unknown game 'CartPol-v1'; nearest: CartPole-v1"),
    _train('--game=VizdoomBasik-v1', 'nearest: VizdoomBasic-v1'),
    _train('--game=ALE/Pog-v5', 'nearest: ALE/Pong-v5'),
    _train('--game=', "unknown game ''"),
    _train('--game=SonicTheHedgehog-Genesis', 'needs its ROM, a file with SHA-1'),
    _train('--game=VizdoomDoomE1M1-S1-v0', 'needs doom.wad'),
    _train('--game=Airstriker-Genesis', '--levels=Level99', "no level 'Level99'; nearest"),
    _train(CART, '--levels=Level1', 'it has no levels'),
    _train('--levels=,Level1', 'it has no levels'),
    _train(
        '--game=Airstriker-Genesis',
        '--reward=contest',
        "Airstriker-Genesis-v0 has no reward 'contest'; there are: default",
    ),
    _train(CART, '--reward=speed', "no reward 'speed'; there are: default"),
    _train('--game=Airstriker-Genesis', '--levels=test', "no level 'test'"),
    _train(
        '--game=SonicTheHedgehog-Genesis', '--levels=train', '--reward=contest', 'needs its ROM'
    ),
    _train('--crop=1,2', '--crop must be four numbers of pixels'),
    _train('--crop=a,b,c,d', "flag --crop=a,b,c,d: invalid literal for int() with base 10: 'a'"),
    _train('--entropy_schedule=cosine', 'value should be one of <linear|constant>'),
    _train('--actions=dance', "no action set 'dance'; there are: default, single"),
    _train('--preset=sonic', "unknown preset 'sonic'; there are: auto, retro"),
    _train('--network=natur', 'value should be one of <nature|a3c|impala|mlp>'),
    _train('--optimizer=sgd', 'value should be one of <rmsprop|adam>'),
    _train('--lr_schedule=cosine', 'value should be one of <linear|constant>'),
    _train('--reward_transform=tanh', 'value should be one of <none|sign|clip>'),
    _train('--num_envs=0', '--num_envs must be positive, not 0'),
    _train('--num_envs=2.5', '--num_envs=2.5'),
    _train('--total_steps=-1', '--total_steps must be positive, not -1'),
    _train(f'--total_steps={10**20}', f'--total_steps cannot be {10**20}'),
    _train('--unroll_length=0', '--unroll_length must be positive'),
    _train('--action_repeat=0', '--action_repeat must be at least 1'),
    _train('--action_repeat=1001', '--action_repeat must be at most 1000, not 1001'),
    _train('--screen_size=100000', '--screen_size must be at most 1024, not 100000'),
    _train('--frame_stack=65', '--frame_stack must be at most 64, not 65'),
    _train(CART, '--turbo_frames=12', '--turbo_frames: CartPole-v1 is not a console game'),
    _train('--turbo_frames=-1', '--turbo_frames must be 0 or more'),
    _train('--game_variables=helth', "has no variable 'helth'; nearest: health"),
    _train(CART, '--game_variables=all', '--game_variables: CartPole-v1 has no game variables'),
    _train('--game=VizdoomMyWayHome-v1', '--game_variables=all', 'names none; there are: '),
    _train('--log_period=0', '--log_period must be positive'),
    _train('--eval_episodes=0', '--eval_episodes must be positive'),
    _train('--learning_rate=nan', '--learning_rate cannot be nan'),
    _train('--learning_rate=inf', '--learning_rate cannot be inf'),
    _train('--discount=1.5', '--discount must be in [0, 1], not 1.5'),
    _train('--entropy_cost=-1', '--entropy_cost must be 0 or more'),
    _train(CART, '--entropy_floor=1', '--entropy_floor must be in [0, 1), not 1.0'),
    _train(CART, '--rollback_lr_factor=0', '--rollback_lr_factor must be in (0, 1], not'),
    _train('--sticky_actions=1', '--sticky_actions must be in [0, 1)'),
    _train('--lstm_units=-1', '--lstm_units must be 0 or more'),
    _train('--activation=elu', CART, '--activation is of networks for pictures: mlp has tanh'),
    _train('--hidden_units=64', '--hidden_units is of --network=mlp, not of nature'),
    _train('--shared_torso', '--shared_torso is of --network=mlp, not of nature'),
    _train(CART, '--bounded_means', '--bounded_means is for actions that are real numbers, not'),
    _train(CART, '--initial_log_std=-1', '--initial_log_std is for actions that are real'),
    _train(CART, '--state_dependent_exploration', '--state_dependent_exploration is for actions'),
    _train(CART, '--noise_period=4', '--noise_period is of --state_dependent_exploration'),
    Row(
        'train_a2c',
        ['--game=Pendulum-v1', '--state_dependent_exploration', '--noise_period=5'],
        '--noise_period must divide --unroll_length=16, not be 5',
    ),
    Row(
        'train_a2c',
        ['--game=Pendulum-v1', '--state_dependent_exploration', '--state_dependent_std'],
        'not both --state_dependent_exploration and --state_dependent_std',
    ),
    _train('--activation=tanh', 'value should be one of <relu|elu>'),
    _train('--feed_last_action_reward', 'feeds an LSTM, but --lstm_units=0 has none'),
    Row('train_a3c', ['--num_workers=0'], '--num_workers must be positive, not 0'),
    Row('train_a3c', ['--envs_per_worker=-1'], '--envs_per_worker must be positive, not -1'),
    Row('train_a3c', ['--num_envs=8'], "Unknown command line flag 'num_envs'"),
    _train('--seed=-1', '--seed must be 0 or more'),
    _train('--max_pool=maybe', '--max_pool=maybe'),
    _train('--video_period=100', '--eval_period=0', '--video_period films evaluations'),
    _train('--max_pool', 'false', "unexpected argument 'false'; flags are written"),
    _train('discount=0.9', "unexpected argument 'discount=0.9'"),
    _train('--discout=0.9', "'discout'. Did you mean: discount ?"),
    _train(CART, '--checkpoint_minutes=-1', '--checkpoint_minutes must be 0 or more'),
    _train('--resume', '--resume needs --run_dir'),
    Row('train_dqn', [CART, '--preset=a3c_paper'], '--preset=a3c_paper says how A2C and A3C learn'),
    Row(
        'train_dqn',
        ['--game=VizdoomBasic-v1', '--hidden_units=7'],
        '--hidden_units is of --network=mlp, not of a3c',
    ),
    Row('train_td3', ['--soft_update=0.01'], '--soft_update is now --tau'),
    Row('train_dqn', ['--soft_update=0.01'], "Unknown command line flag 'soft_update'"),
    Row('train_dqn', ['--game=Pendulum-v1'], 'real numbers, Box(1,): train_ddpg and train_td3 are'),
    Row('train_dqn', [CART, '--network=nature'], "'nature' takes pictures"),
    Row('train_dqn', ['--exploration_end=1.5'], '--exploration_end must be in [0, 1], not 1.5'),
    Row('train_dqn', [DOOM, '--game_variables=all'], 'DQN sees pictures or numbers, not both'),
    Row('train_reinforce', [DOOM, '--game_variables=all'], 'leave out --game_variables'),
    Row('train_dqn', ['--target_period=0'], '--target_period must be positive, not 0'),
    Row('train_dqn', ['--replay_capacity=10'], '--replay_capacity must be at least'),
    Row('train_dqn', ['--hidden_units=64,0'], '--hidden_units must be positive sizes'),
    Row('train_dqn', ['--entropy_cost=0.1'], "Unknown command line flag 'entropy_cost'"),
    Row('train_reinforce', ['--game=Pendulum-v1'], 'train_ddpg and train_td3 are for such'),
    Row('train_reinforce', ['--episodes_per_update=0'], '--episodes_per_update must be positive'),
    Row('train_reinforce', ['--discount=2.0'], '--discount must be in [0, 1], not 2.0'),
    Row('train', ['--episodes=0'], '--episodes must be positive, not 0'),
    Row('train', ['--game=Doom'], "unknown game 'Doom'; nearest"),
    Row('evaluate', [], '--run_dir: which run?'),
    Row('evaluate', ['--run_dir={model}', '--model=worst'], 'one of <auto|best|final>'),
    Row('evaluate', ['--run_dir={model}', '--episodes=0'], '--episodes must be positive, not 0'),
    Row('evaluate', ['--run_dir={model}', '--seed=-1'], '--seed must be 0 or more'),
    Row('evaluate', ['--run_dir={good}', '--levels=Level1'], 'CartPole-v1 has no level'),
    Row('tensorboard', ['--runs={empty}', '--port=65536'], '--port must be in 0 to 65535'),
    Row('tensorboard', ['--runs={empty}', '--port=-1'], '--port must be in 0 to 65535, not -1'),
    Row('tensorboard', ['--runs={empty}', '--port=http'], 'flag --port=http: invalid literal'),
    Row('tensorboard', ['--runs={empty}', '--host='], "--host: cannot listen on ''"),
    Row('tensorboard', ['--runs={empty}', '--host=192.0.2.1'], "cannot listen on '192.0.2.1'"),
    Row('tensorboard', ['--runs={empty}', f'--host={"a" * 99}'], '--host: cannot listen on'),
    Row('roms', ['--games=Nope'], 'Nope is not a game of a console that is emulated here'),
    Row('roms', ['--games=CartPole-v1'], 'CartPole-v1 is not a game of a console'),
    Row('doctor', ['--clean=perhaps'], '--clean=perhaps'),
]

PLACES = [
    _train(CART, '--run_dir={file}/run', 'cannot write to {file}: Not a directory'),
    _train(CART, '--run_dir={file}', '--run_dir: cannot write to {file}'),
    _train(CART, '--run_dir=/proc/x', '--run_dir: cannot write to /proc'),
    _train(CART, '--run_dir=/dev/full', '--run_dir: cannot write to /dev/full: Not a directory'),
    _train(CART, '--run_dir={run}', '{run} already holds a run'),
    _train(CART, f'--run_dir={"x" * 300}', 'File name too long'),
    _train('--resume', '--run_dir={empty}', '--resume: {empty} holds no run'),
    _train('--resume', '--run_dir={empty}/missing', '--resume: {empty}/missing holds no run'),
    Row('evaluate', ['--run_dir={empty}/missing'], 'there is no directory {empty}/missing'),
    Row('evaluate', ['--run_dir={file}'], 'there is no directory {file}'),
    Row('evaluate', ['--run_dir={empty}'], '{empty} has no saved model'),
    Row('evaluate', ['--run_dir={model}'], 'recipe.json: is missing'),
    Row('evaluate', ['--run_dir={model}', '--model=best'], '{model} has no best model'),
    Row('evaluate', ['--run_dir={good}', '--video=a.avi'], "--video must end in .mp4, not 'a.avi'"),
    Row('evaluate', ['--run_dir={good}', '--video=no/a.mp4'], '--video: cannot write to'),
    Row('evaluate', ['--run_dir={good}', '--video=/proc/a.mp4'], 'cannot write to /proc'),
    Row('evaluate', ['--run_dir={good}', '--json=no/a.json'], '--json: cannot write to'),
    Row('evaluate', ['--run_dir={good}', '--json={empty}'], '--json: {empty} is a directory'),
    Row('evaluate', ['--run_dir={good}', '--json=/dev/full'], '/dev/full is not an ordinary file'),
    Row('evaluate', ['--run_dir={good}', '--json={pipe}'], '{pipe} is not an ordinary file'),
    Row(
        'evaluate',
        ['--run_dir={good}', '--json=a.mp4', '--video=./a.mp4'],
        '--video and --json: both are to be a.mp4',
    ),
    Row('tensorboard', ['--runs=nowhere'], '--runs: there is no directory nowhere'),
    Row('tensorboard', ['--runs={file}'], '--runs: there is no directory {file}'),
    Row('doctor', ['--folder={empty}/missing'], '--folder: there is no directory'),
    Row('doctor', ['--folder={file}'], '--folder: there is no directory {file}'),
    Row('roms', ['--import={empty}/missing'], '--import: there is no {empty}/missing'),
    Row('roms', ['--import={empty}'], 'no cartridge in {empty} is wanted by any game'),
    Row('roms', ['--import={file}'], 'no cartridge in {file} is wanted by any game'),
    Row('roms', ['--import={pipe}'], 'no cartridge in {pipe} is wanted by any game'),
    Row('roms', ['--import=/dev/zero'], 'no cartridge in /dev/zero is wanted by any game'),
]

FILES = [
    _evaluate(RECIPE, '', 'recipe.json: is damaged: Expecting value', 'an empty recipe.json'),
    _evaluate(RECIPE, '{"format": 1', 'recipe.json: is damaged', 'a torn recipe.json'),
    _evaluate(RECIPE, '[]', 'is damaged: it holds no table', 'a list as recipe.json'),
    _evaluate(RECIPE, '{"format": NaN}', 'NaN is not a number in JSON', 'NaN in recipe.json'),
    _evaluate(RECIPE, '[' * 99_999, 'nested too deeply', 'recipe.json of 99,999 brackets'),
    _evaluate(RECIPE, ' ' * 2**21, 'is too large', 'recipe.json of 2 MB'),
    _evaluate(RECIPE, '{}', 'is of format None; this version reads', 'recipe.json of no format'),
    _evaluate(MODEL, '', 'model.keras: no model that can be read', 'an empty model.keras'),
    _evaluate(MODEL, 'PK\3\4garbage', 'File is not a zip file', 'garbage as model.keras'),
    Row(
        'evaluate',
        ['--run_dir={good}'],
        'is of format 99; this version reads 1 to',
        change(RECIPE, format=99),
        what='recipe.json of a newer version',
    ),
    Row(
        'evaluate',
        ['--run_dir={good}'],
        'has more than names and values around its environment',
        change(RECIPE, more=[1]),
        what='recipe.json with a list more',
    ),
    _environment('has unknown options: cheat', cheat=1),
    _environment(r'has unknown options: \x1b[2J', **{'\x1b[2J': 1}),
    _environment("unknown game 'os:system-v0'", game='os:system-v0'),
    _environment(r"unknown game 'a\x00b'", game='a\0b'),
    _environment(r"unknown game '\x1b[2J'", game='\x1b[2J'),
    _environment("has no level '../../x'", levels=['../../x']),
    _environment("has no action set '../x'", actions='../x'),
    _environment('--screen_size must be at most 1024', screen_size=10**9),
    _environment('--frame_stack must be at most 64', frame_stack=10**9),
    _environment("--action_repeat cannot be '4'", action_repeat='4'),
    _environment(r"has no variable 'a\x00b'", game='VizdoomBasic-v1', game_variables=['a\0b']),
    _environment('--crop cannot be', crop=[[1], 2, 3, 4]),
    _environment('--reward_scale cannot be', reward_scale=10**400),
    _resume('config.json: is damaged', 'an empty config.json', {CONFIG: ''}),
    _resume('config.json: is damaged', 'a torn config.json', {CONFIG: '{"agent": {'}),
    _resume('is damaged: it holds no table', 'null as config.json', {CONFIG: 'null'}),
    _resume('is of format 99', 'config.json of a newer version', change(CONFIG, format=99)),
    _resume(
        'was made by an older version and cannot be continued',
        'config.json of an older version',
        change(CONFIG, format=1),
    ),
    _resume(
        "is of the unknown algorithm 'ppo'",
        'config.json of another algorithm',
        change(CONFIG, algorithm='ppo'),
    ),
    _resume(
        'has unknown options: cheat',
        'config.json with an unknown option',
        change(CONFIG, agent={'cheat': 1}),
    ),
    _resume(
        "--discount cannot be 'high'",
        'config.json with a word for a number',
        change(CONFIG, agent={'discount': 'high'}),
    ),
    _resume('has no sessions', 'config.json without sessions', change(CONFIG, sessions=1)),
    Row(
        'train_a2c',
        ['--resume', '--run_dir={good}', '--discount=0.5'],
        '--discount was 0.99 in this run, now it is 0.5',
        {RECIPE: '{}'},
        what='a run that was another one',
    ),
    Row(
        'train_a3c',
        ['--resume', '--run_dir={good}'],
        'use ./run train_a2c for this run',
        {RECIPE: '{}'},
        what='a run of A2C',
    ),
]

VARIABLES = [
    Row('roms', [], 'is not a folder: see JOYPAD_ROMS', variables={'JOYPAD_ROMS': '{file}'}),
    Row(
        'train_a2c',
        ['--game=Airstriker-Genesis'],
        'is not a folder: see JOYPAD_ROMS',
        variables={'JOYPAD_ROMS': '/dev/full'},
    ),
    Row(
        'roms',
        ['--import={empty}'],
        'is not a folder: see JOYPAD_ROMS',
        variables={'JOYPAD_ROMS': '', 'XDG_DATA_HOME': '{data}'},
    ),
    Row(
        'train_a2c',
        ['--game=VizdoomDoomE1M1-S1-v0'],
        'needs doom.wad',
        variables={'DOOMWADDIR': '{file}'},
    ),
    Row(
        'evaluate',
        ['--run_dir={good}'],
        "TF_NUM_INTRAOP_THREADS must be a number of threads, not '-3'",
        variables={'TF_NUM_INTRAOP_THREADS': '-3'},
    ),
    Row(
        'evaluate',
        ['--run_dir={good}'],
        "TF_NUM_INTEROP_THREADS must be a number of threads, not 'all'",
        variables={'TF_NUM_INTEROP_THREADS': 'all'},
    ),
]

# Only the environments or the network tell these.
LATE = [
    _train(CART, '--network=nature', "network 'nature' takes pictures"),
    _train(CART, '--network=mlp', '--frame_stack=4', '--frame_stack: CartPole-v1 has no pictures'),
    Row(
        'evaluate',
        ['--run_dir={good}'],
        'the model is not for this game: it maps (4,) to (2,), (), but the game needs (6,) to (3,)',
        change(RECIPE, environment={'game': 'Acrobot-v1'}),
        what='recipe.json of another game',
    ),
    Row(
        'evaluate',
        ['--run_dir={good}', '--video=a.mp4'],
        'no film: IMAGEIO_FFMPEG_EXE=/no/ffmpeg is not a program',
        variables={'IMAGEIO_FFMPEG_EXE': '/no/ffmpeg'},
    ),
]
TABLE = {
    'Flags': FLAGS,
    'Places': PLACES,
    'Files of others': FILES,
    'Variables of the environment': VARIABLES,
    'Told by the game or the network': LATE,
}


def make_places(folder):
    """Folders and files for the flags."""
    for name in ('empty', 'run', 'work', 'model/model/final', 'data/joypad'):
        (folder / name).mkdir(parents=True)
    (folder / 'file').write_text('')
    (folder / 'data' / 'joypad' / 'roms').write_text('')
    os.mkfifo(folder / 'pipe')
    config = '{"agent": {}, "environment": {"game": "CartPole-v1", "frame_stack": 1}, '
    (folder / 'run' / 'config.json').write_text(config + '"run": {}, "sessions": []}')
    names = ('empty', 'run', 'file', 'model', 'work', 'pipe', 'data')
    return {'good': str(GOOD_RUN), **{name: str(folder / name) for name in names}}


def make_run(folder, files):
    """A copy of the good run with other files."""
    shutil.copytree(GOOD_RUN, folder)
    for name, content in files.items():
        (folder / name).write_text(content)
    return str(folder)


def render():
    """The table for people."""
    total = sum(map(len, TABLE.values()))
    lines = [HEADER, f'{total} rows.']
    for title, rows in TABLE.items():
        lines += [f'\n## {title} ({len(rows)})\n', '| input | the line |', '| --- | --- |']
        for row in rows:
            variables = ' '.join(f'{name}={value}' for name, value in row.variables.items())
            command = ' '.join(filter(None, [variables, './run', row.script, *row.flags]))
            asked = f'`{command[:100]}`' + (f', {row.what}' if row.what else '')
            lines.append('| ' + ' | '.join(_cell(text) for text in (asked, row.line)) + ' |')
    return '\n'.join(lines) + '\n'


def _cell(text):
    visible = ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return visible.replace('|', '\\|')


if __name__ == '__main__':
    print(render(), end='')
