"""Launch scripts from end to end, as a user starts them: what they print, write and serve."""

import csv
import json
import socket
import urllib.request

import cv2
import pytest

from agents.configs.run import EvaluationConfig
from agents.evaluation import report, results
from tests.helpers import launching

DOOM = (
    '--num_envs=2', '--total_steps=200', '--network=a3c', '--log_period=50', '--eval_period=100',
    '--eval_episodes=2', '--video_period=150', '--run_dir=run', '--game_variables=all,health',
)  # fmt: skip


@pytest.fixture(scope='module')
def doom(tmp_path_factory):
    """The folder where a short training of Doom has left its run, and what it printed."""
    folder = tmp_path_factory.mktemp('doom')
    code, out, err = launching.run(folder, 'train_a2c', *DOOM)
    assert (code, err) == (0, '')
    return folder, out


def test_training_tells_first_what_it_is_about_to_do(doom):
    _, out = doom
    lines = {line.split('  ')[0]: line for line in out.split('\n\n')[0].splitlines()}
    assert 'VizdoomBasic-v1' in lines['game']
    assert 'Discrete(3): MOVE_LEFT, MOVE_RIGHT, ATTACK' in lines['actions']
    assert '84 x 84 x 4, uint8, and beside it: ammo2, health' in lines['observation']
    assert 'times 0.01' in lines['reward']
    assert '75 steps (300 frames, 9 s of the game)' in lines['episode ends']
    assert '4 emulator frames' in lines['agent step']
    assert '200 steps (800 frames) of 2 environments in all' in lines['training']
    assert 'num_envs=2' in lines['command line']
    assert 'reward_scale=0.01' in out.partition('preset doom_basic')[2].partition('defaults')[0]
    assert 'screen_size=84' in out.partition('defaults')[2]
    assert lines['writes to'].split() == ['writes', 'to', 'run']
    assert max(map(len, out.split('\n\n')[0].splitlines())) < 80
    assert not any(line.endswith(' ') for line in out.splitlines())


def test_training_leaves_a_complete_run(doom):
    folder, out = doom
    run_dir = folder / 'run'
    assert [path.name for path in folder.iterdir()] == ['run']
    assert {path.name.split('.')[0] for path in run_dir.iterdir()} == {
        'config', 'metrics', 'episodes', 'evaluations', 'events', 'checkpoints', 'model', 'videos',
        'score',
    }  # fmt: skip
    assert {path.name for path in (run_dir / 'model').iterdir()} == {'best', 'final'}
    assert [path.name for path in (run_dir / 'videos').iterdir()] == ['step-000000200.mp4']
    content = json.loads((run_dir / 'config.json').read_text())
    assert content['agent']['total_steps'] == 200
    assert content['environment']['reward_scale'] == 0.01
    assert content['environment']['game_variables'] == ['ammo2', 'health']
    assert '--total_steps=200' in content['sessions'][0]['command']
    with open(run_dir / 'metrics.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['steps'], row['frames']) for row in rows][-1] == ('200', '800')
    assert 'evaluation at 100 steps: sampled actions, 2 episodes: mean score' in out


def test_evaluation_prints_films_and_writes(doom, tmp_path):
    folder, _ = doom
    video, result = tmp_path / 'film.mp4', tmp_path / 'result.json'
    flags = ('--run_dir=run', '--episodes=3', '--greedy', f'--video={video}', f'--json={result}')
    code, out, err = launching.run(folder, 'evaluate', *flags)
    assert (code, err) == (0, '')
    assert 'greedy actions, 3 episodes: mean score' in out and f'film: {video}' in out
    content = json.loads(result.read_text())
    assert (content['game'], content['mode']) == ('VizdoomBasic-v1', 'greedy')
    assert len(content['episodes']) == 3
    film = cv2.VideoCapture(str(video))
    assert film.get(cv2.CAP_PROP_FPS) == 35.0
    pictures = [film.read()[1] for _ in range(36)]
    film.release()
    assert all(picture.std() > 10 for picture in pictures)  # Neither missing nor black.
    assert sorted(path.name for path in tmp_path.iterdir()) == ['film.mp4', 'result.json']


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status, answer.read()


def test_tensorboard_serves_the_run(doom):
    folder, _ = doom
    script = launching.Script(folder, 'tensorboard', '--runs=run', '--port=0')
    script.wait_until(lambda: 'http' in script.output())
    url = next(word for word in script.output().split() if word.startswith('http://localhost:'))
    try:
        status, page = fetch(url)
        assert (status, b'<title>TensorBoard</title>' in page) == (200, True)

        def has_tags():
            tags = json.loads(fetch(f'{url}data/plugin/scalars/tags')[1])
            found = {tag for run in tags.values() for tag in run}
            return {'rollout/episode_score', 'train/entropy', 'eval/sampled_mean_score'} <= found

        script.wait_until(has_tags)  # It reads the events in the background.
    finally:
        code, _, err = script.stop()
    assert err == ''
    assert launching.wait_for_the_end_of(script) == []


def test_tensorboard_warns_before_every_machine_can_read_the_runs(tmp_path):
    flags = '--runs=.', '--port=0', '--host=0.0.0.0'
    script = launching.Script(tmp_path, 'tensorboard', *flags)
    try:
        script.wait_until(lambda: 'http://0.0.0.0:' in script.output())
        url = next(word for word in script.output().split() if word.startswith('http:'))
        assert fetch(url.replace('0.0.0.0', '127.0.0.1'))[0] == 200
    finally:
        _, _, err = script.stop()
    assert err == 'warning: there is no password: whoever reaches 0.0.0.0 can read .\n'


def test_tensorboard_refuses_a_port_that_is_taken(tmp_path):
    with socket.create_server(('localhost', 0)) as server:
        port = server.getsockname()[1]
        code, out, err = launching.run(tmp_path, 'tensorboard', '--runs=.', f'--port={port}')
    assert (code, out) == (2, '')
    assert err.startswith('error: --port: ') and str(port) in err and err.count('\n') == 1


def test_the_quick_start_trains_evaluates_and_films(tmp_path):
    flags = ('--total_steps=60', '--num_envs=2', '--network=a3c', '--episodes=2')
    flags += ('--max_episode_steps=30',)
    code, out, err = launching.run(tmp_path, 'train', *flags)
    assert (code, err) == (0, '')
    assert 'sampled actions, 2 episodes: mean score' in out
    assert 'greedy actions, 2 episodes: mean score' in out
    [run_dir] = (tmp_path / 'runs').iterdir()
    assert run_dir.name.startswith('a2c-HillHopper-Genesis-')
    videos = sorted((run_dir / 'videos').iterdir())
    assert [video.name for video in videos] == ['greedy.mp4', 'sampled.mp4']
    for video in videos:
        assert str(video.relative_to(tmp_path)) in out
        assert video.stat().st_size > 2000
    assert f'./run evaluate --run_dir={run_dir.relative_to(tmp_path)}' in out


def test_one_step_actor_critic_from_the_command_line(tmp_path):
    flags = ('--preset=actor_critic', '--game=CartPole-v1', '--total_steps=60', '--run_dir=run')
    code, out, err = launching.run(tmp_path, 'train_a2c', *flags, '--eval_period=0')
    assert (code, err) == (0, '')
    assert 'preset actor_critic' in out and '60 steps (60 frames)' in out
    config = EvaluationConfig(str(tmp_path / 'run'), episodes=2)
    assert 'mean score' in results.summary(report.evaluate(config))


A3C = (
    '--game=VizdoomBasic-v1', '--preset=doom_a3c', '--num_workers=2', '--unroll_length=10',
    '--lstm_units=8', '--log_period=100', '--eval_period=300', '--eval_episodes=2',
)  # fmt: skip


def test_a3c_trains_evaluates_and_goes_on(tmp_path):
    """The preset of the tutorial: an LSTM, one picture, every frame; curves of each worker."""
    # Short episodes, so that each worker ends some, however unevenly they run.
    flags = (*A3C, '--feed_last_action_reward', '--max_episode_steps=50', '--run_dir=run')
    code, out, err = launching.run(tmp_path, 'train_a3c', *flags, '--total_steps=700')
    assert (code, err) == (0, '')
    assert '84 x 84 x 1, uint8' in out and 'preset doom_a3c' in out
    assert 'evaluation at 300 steps: sampled actions, 2 episodes: mean score' in out
    run_dir = tmp_path / 'run'
    config = json.loads((run_dir / 'config.json').read_text())
    assert (config['algorithm'], config['agent']['num_workers']) == ('a3c', 2)
    assert sorted(path.name for path in (run_dir / 'workers').iterdir()) == ['0', '1']
    longer = ('--resume', '--run_dir=run', '--total_steps=900')
    code, out, err = launching.run(tmp_path, 'train_a3c', *longer)
    assert (code, err) == (0, '')
    assert 'continuing at 700 steps' in out
    with open(run_dir / 'metrics.csv', newline='') as file:
        assert [row['steps'] for row in csv.DictReader(file)][-1] == '900'
    code, out, err = launching.run(tmp_path, 'evaluate', '--run_dir=run', '--episodes=2')
    assert (code, err) == (0, '')
    assert 'sampled actions, 2 episodes: mean score' in out
    code, out, err = launching.run(tmp_path, 'train_a2c', '--resume', '--run_dir=run')
    assert (code, out) == (2, '')
    assert err == 'error: --resume: use ./run train_a3c for this run\n'
