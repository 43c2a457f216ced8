"""Evaluation: which episodes count, what is computed from them, and what is written."""

import functools
import json
import math
import os
import signal
import statistics

import gymnasium
import imageio
import numpy as np
import pytest
import scipy.stats

from agents.configs.run import EvaluationConfig
from agents.distributions import discrete
from agents.evaluation import play, report, results
from agents.evaluation.results import Episode, Evaluation
from agents.experience.actor import Actor, Decision
from agents.networks import policy_value
from agents.storage import saved_policy
from envs.config import EnvConfig
from envs.errors import UsageError

CART_POLE = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)


def evaluation_of(scores, mode='sampled'):
    episodes = tuple(Episode(score, score / 10, 5, 'L1', True, False) for score in scores)
    return Evaluation('a game', mode, episodes)


class Fixed(gymnasium.Env):
    """Episodes of a fixed length whose score is that length; the action is the same as asked."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, length):
        self._length, self._step = length, 0

    def reset(self, *, seed=None, options=None):
        self._step = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self._step += 1
        info, ended = {}, self._step == self._length
        if ended:
            info['episode'] = {
                'score': float(self._length), 'return': 1.0, 'length': self._length,
                'level': '', 'terminated': True, 'truncated': False,
            }  # fmt: skip
        return np.zeros(1, np.float32), 1.0, ended, False, info


class Idle(Actor):
    def step(self, observations, memory, count):
        zeros = np.zeros(len(observations))
        return Decision(zeros.astype(np.int32), zeros.astype(np.float32))


def play_fixed(lengths, quota, should_stop=lambda: False):
    envs = gymnasium.vector.SyncVectorEnv(
        [functools.partial(Fixed, length) for length in lengths],
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
    return play.play(Idle(), envs, quota, seed=0, should_stop=should_stop)


def test_every_environment_plays_its_quota_however_short_its_episodes_are():
    episodes = play_fixed([1, 50], [2, 2])
    assert sorted(episode.length for episode in episodes) == [1, 1, 50, 50]
    assert sorted(episode.length for episode in play_fixed([3, 2], [0, 1])) == [2]


def test_playing_stops_when_asked_to():
    answers = iter([False] * 4 + [True])
    assert len(play_fixed([1, 50], [9, 9], should_stop=lambda: next(answers))) == 4


def test_mean_and_standard_error():
    scores = [3.0, 7.0, 1.0, 10.0, 4.0]
    result = evaluation_of(scores)
    assert result.mean_score == pytest.approx(statistics.mean(scores))
    assert result.mean_return == pytest.approx(statistics.mean(scores) / 10)
    error = statistics.stdev(scores) / math.sqrt(5)
    assert result.standard_error == pytest.approx(error)
    low, high = result.confidence_interval
    assert (low + high) / 2 == pytest.approx(5.0)
    assert (high - low) / 2 == pytest.approx(2.776445 * error)  # Student's t, 4 degrees.


def student_t_probability(t, degrees):
    """P(|T| <= t), by integrating the density of Student's t distribution."""
    x = np.linspace(-t, t, 20_001)
    log_factor = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    density = (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
    return np.trapezoid(density, x) * math.exp(log_factor) / math.sqrt(degrees * math.pi)


@pytest.mark.parametrize('degrees', [*range(1, 30), 50, 99, 150, 5000])
def test_the_interval_covers_what_it_claims(degrees):
    quantile = results.student_t_95(degrees)
    assert quantile == scipy.stats.t.ppf(0.975, degrees)
    assert student_t_probability(quantile, degrees) == pytest.approx(0.95, abs=1e-6)


def test_a_single_episode_has_no_error():
    result = evaluation_of([4.0])
    content = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert content['standard_error'] is None
    assert content['confidence_interval'] == [None, None]
    assert (content['mean_score'], content['mean_return']) == (4.0, 0.4)
    assert results.summary(result) == (
        'sampled actions, one episode: mean score 4.00, mean return 0.400'
    )


def test_the_json_is_what_the_design_promises():
    content = evaluation_of([1.0, 2.0], mode='greedy').as_json()
    assert set(content) == {
        'game', 'mode', 'episodes', 'mean_return', 'mean_score', 'standard_error',
        'confidence_interval',
    }  # fmt: skip
    assert (content['game'], content['mode']) == ('a game', 'greedy')
    assert content['episodes'][1] == {
        'return': 0.2, 'score': 2.0, 'length': 5, 'level': 'L1', 'terminated': True,
        'truncated': False,
    }  # fmt: skip
    assert len(content['confidence_interval']) == 2


@pytest.fixture(scope='module')
def run_dir(tmp_path_factory):
    """The directory of a run whose policy of CartPole prefers one side, but not always."""
    network = policy_value.build('mlp', gymnasium.spaces.Box(-1.0, 1.0, (4,)), 2, seed=0)
    head = network.get_layer('policy')
    head.set_weights([np.zeros_like(head.kernel), np.array([0.5, 0.0], np.float32)])
    directory = tmp_path_factory.mktemp('run')
    saved_policy.save(str(directory / 'model' / 'final'), network, CART_POLE)
    return directory


def evaluate(run_dir, **options):
    return report.evaluate(EvaluationConfig(str(run_dir), episodes=12, **options))


def test_sampled_and_greedy_actions_and_seeds(run_dir, tmp_path):
    file = tmp_path / 'result.json'
    sampled, again = (evaluate(run_dir, seed=3, json=str(file)) for _ in range(2))
    greedy = evaluate(run_dir, seed=3, greedy=True)
    other = evaluate(run_dir, seed=4)
    assert sampled == again != other
    assert len(sampled.episodes) == 12
    # Always to the left: the pole falls within ten steps.
    assert (greedy.mode, max(episode.length for episode in greedy.episodes) <= 11) == (
        'greedy',
        True,
    )
    assert sampled.mean_score > greedy.mean_score
    assert json.loads(file.read_text()) == sampled.as_json()
    assert list(tmp_path.iterdir()) == [file]


def test_the_table_shows_every_episode(capsys):
    report.print_episodes(evaluation_of([1.0, 2.0, 4.0]))
    text = capsys.readouterr().out
    assert text.count('game over') == 3 and 'L1' in text and '95 % confidence' in text


class Killer(Idle):
    """Kills the worker of its environment in the middle of the first episode."""

    def __init__(self, envs, save_at):
        self._envs, self._save_at = envs, save_at

    def step(self, observations, memory, count):
        if count == self._save_at:
            self._envs._pool.save(0)
        if count == 20:
            os.kill(self._envs.worker_pids[0], signal.SIGKILL)
        return super().step(observations, memory, count)


@pytest.mark.parametrize('save_at, lost', [(10, 0), (-1, 1)])
def test_an_episode_survives_its_worker(tmp_path, caplog, save_at, lost):
    """Its statistics are those of a whole episode, and there is a film."""
    made, film = [], str(tmp_path / 'a.mp4')

    def make_actor(envs):
        made.append(envs)
        return Killer(envs, save_at)

    config = EnvConfig('Airstriker-Genesis', max_episode_steps=30)
    result = play.evaluate_actor(make_actor, config, 1, 'sampled', seed=0, film=film)
    assert [episode.length for episode in result.episodes] == [30]
    assert (made[0].num_restarts, made[0].recovery.num_lost) == (1, lost)
    with imageio.get_reader(film) as reader:
        # Four of each step that the new worker played, and the first one of each of its episodes.
        assert reader.count_frames() == 4 * (30 if lost else 20) + 2


@pytest.mark.parametrize('size, actions', [(5, 2), (4, 3)])
def test_a_model_of_another_game_is_refused(size, actions):
    network = policy_value.build('mlp', gymnasium.spaces.Box(-1.0, 1.0, (size,)), actions, seed=0)
    with pytest.raises(UsageError, match='the model is not for this game'):
        play.evaluate(network, CART_POLE, 1)


@pytest.mark.parametrize(
    'episodes, levels, expected', [(30, 11, 33), (33, 11, 33), (30, 0, 30), (3, 11, 11), (1, 1, 1)]
)
def test_every_level_is_played_as_often(episodes, levels, expected):
    config = EnvConfig('Airstriker-Genesis', tuple(f'Level{i}' for i in range(levels)))
    assert play.even(episodes, config) == expected


@pytest.mark.parametrize(
    'episodes, filming, expected', [(30, False, 8), (3, False, 3), (9, True, 2)]
)
def test_environments_at_a_time(episodes, filming, expected):
    assert play.count_envs(episodes, filming) == expected


def test_distribution_of_the_test_policy(run_dir):
    """The policy above is neither uniform nor certain, so that the modes can be told apart."""
    network = saved_policy.load(str(run_dir / 'model' / 'final')).network
    logits, _ = network(np.zeros((1, 4), np.float32))
    assert 0.3 < float(discrete.Categorical(2).entropy(logits)[0]) < 0.69


def test_a_result_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UsageError, match='^--json: cannot write .*: No such file or directory$'):
        report._write_json(str(tmp_path / 'gone' / 'a.json'), {})
    (tmp_path / 'a.json').mkdir()
    with pytest.raises(UsageError, match='^--json: cannot write .*: Is a directory$'):
        report._write_json(str(tmp_path / 'a.json'), {})
    assert [path.name for path in tmp_path.iterdir()] == ['a.json']
