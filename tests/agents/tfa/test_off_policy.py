"""The common loop: when it learns, what it remembers, and that interrupted runs go on exactly."""

import csv
import dataclasses
import json
import os
import signal

import numpy as np
import pytest

from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.run import RunConfig
from agents.experience import segments
from agents.runs.train import train
from agents.storage import checkpoints
from agents.tfa.ddpg import DDPG
from agents.tfa.dqn import DQN
from agents.tfa.td3 import TD3
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers import launching
from tests.helpers.runs import difference_of_runs, finish, interrupt, last_state, table
from tests.helpers.trees import first_difference

PENDULUM = EnvConfig(
    game='Pendulum-v1', action_repeat=1, frame_stack=1, max_episode_steps=15, envs_per_process=2
)
SMALL = {'hidden_units': (8, 8), 'batch_size': 8, 'replay_capacity': 500, 'seed': 1}
SMALL_FLAGS = '--game=Pendulum-v1', '--hidden_units=8,8', '--batch_size=8'
FLAGS = (
    *SMALL_FLAGS, '--replay_capacity=150', '--num_envs=2', '--max_episode_steps=30',
    '--total_steps=600', '--log_period=20', '--checkpoint_period=100', '--eval_period=200',
    '--eval_episodes=2', '--seed=3',
)  # fmt: skip


def made(kind, config_class, **options):
    return kind(config_class(**{**SMALL, **options}), PENDULUM)


def weights(agent):
    return [variable.numpy() for variable in agent._variables()]


def test_it_begins_to_learn_when_it_should():
    agent = made(TD3, TD3Config, learning_starts=12)
    before = weights(agent)
    for step in range(1, 15):
        metrics = agent.update()
        assert agent.num_steps == step
        assert (metrics is None) == (step < 12)
    assert agent.num_updates == 3
    assert first_difference(before, weights(agent)) != ''
    agent.close()


@pytest.mark.parametrize('period, num_updates', [(1, 33), (3, 11), (40, 1)])
def test_updates_per_step(period, num_updates):
    """Three environments make 3 steps at a time; updates go from step 9 to step 39."""
    agent = made(DDPG, DDPGConfig, num_envs=3, train_period=period)
    for _ in range(13 if period < 40 else 14):
        metrics = agent.update()
    assert agent.num_updates == num_updates
    assert metrics.is_finite and len(metrics) == len(agent.metrics_fields)
    agent.close()


def test_it_remembers_that_a_limit_is_no_end():
    """Pendulum never ends by itself: all that it has learned from goes on, and with its episode."""
    agent = made(DDPG, DDPGConfig, num_envs=2)
    for _ in range(20):
        agent.update()
    seen = agent._memory.sample(500, 0)
    assert (seen.discounts == 1.0).all()
    # Angles do not jump as they do between two episodes.
    turned = np.abs(seen.next_observations[:, :2] - seen.observations[:, :2]).max(axis=1)
    assert turned.max() < 0.5
    assert np.abs(seen.actions).max() <= 2.0 and len(np.unique(seen.rewards)) > 30
    agent.close()


def test_episodes_are_told_with_values_and_steps():
    agent = made(DDPG, DDPGConfig, num_envs=2)
    told = []
    for _ in range(16):
        agent.update()
        told += agent.episodes
    assert [(e['step'], e['env'], e['length'], e['truncated']) for e in told] == [
        (30, 0, 15, True), (30, 1, 15, True),
    ]  # fmt: skip
    assert all(np.isfinite(e['value']) and e['score'] < 0 for e in told)
    assert agent.max_abs_return > 0
    agent.close()


@pytest.mark.parametrize('kind, config_class', [(DDPG, DDPGConfig), (TD3, TD3Config)])
def test_a_state_continues_exactly(kind, config_class):
    options = {'num_envs': 2} | ({'learning_starts': 10} if kind is TD3 else {})
    agent = made(kind, config_class, **options)
    for _ in range(10):
        agent.update()
    state = agent.state()
    after = [agent.update() for _ in range(10)]
    wanted = agent.state()
    agent.close()
    other = made(kind, config_class, **options)
    other.set_state(state)
    assert [other.update() for _ in range(10)] == after
    assert first_difference(wanted, other.state()) == ''
    other.close()


def is_rate(variable):
    return 'learning_rate' in (getattr(variable, 'path', '') or variable.name)


def test_a_rollback_takes_over_weights_and_slows_down():
    agent = made(DDPG, DDPGConfig, num_envs=1)
    for _ in range(10):
        agent.update()
    state = agent.state()
    for _ in range(5):
        agent.update()
    agent.roll_back(state, 0.5)
    rates = [place for place, variable in enumerate(agent._variables()) if is_rate(variable)]
    assert len(rates) == 2
    for place, (now, saved) in enumerate(zip(weights(agent), state['variables'], strict=True)):
        np.testing.assert_array_equal(now, 0.5 * saved if place in rates else saved)
    assert agent.num_steps == 15 and agent.learning_rate() == 0.5e-4
    agent.roll_back(state, 0.5)
    assert agent.learning_rate() == 0.25e-4
    agent.update()
    agent.close()


def test_a_damaged_part_costs_what_is_older_and_not_the_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(segments, '_SEGMENT_BYTES', 1000)
    run_dir = tmp_path / 'run'
    config = DDPGConfig(**SMALL, total_steps=100)
    about = {'log_period': 50, 'eval_period': 0}
    train(DDPG, config, PENDULUM, RunConfig(str(run_dir), **about))
    parts = sorted((run_dir / 'checkpoints').glob('part-*.zip'), key=lambda p: p.stat().st_mtime_ns)
    assert len(parts) > 3
    best = last_state(run_dir)  # An older one would be whole.
    best['agent'].update(num_steps=60, memory={**best['agent']['memory'], 'segments': []})
    checkpoints.save_best(str(run_dir / 'checkpoints'), best)
    parts[-1].write_bytes(b'torn')
    again = RunConfig(str(run_dir), resume=True, **about)
    config = dataclasses.replace(config, total_steps=150)
    assert train(DDPG, config, PENDULUM, again) == ''
    *_, last = caplog.messages
    assert f'{parts[-1].name} cannot be read' in last and 'going on without it' in last
    assert [row['steps'] for row in table(run_dir, 'metrics')] == ['50', '100', '150']


CART_POLE = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)
AIRSTRIKER = EnvConfig('Airstriker-Genesis', screen_size=36)


@pytest.mark.parametrize('env_config, network', [(CART_POLE, 'mlp'), (AIRSTRIKER, 'a3c')])
def test_a_worker_that_a_checkpoint_finds_dead_leaves_no_wrong_step(env_config, network, tmp_path):
    """Its game goes on elsewhere, and no action has led there."""
    config = DQNConfig(network=network, batch_size=8, replay_capacity=500, learning_starts=100)
    first, second = (DQN(config, env_config) for _ in range(2))
    for _ in range(6):
        first.update()
    os.kill(first._envs.worker_pids[0], signal.SIGKILL)
    path = checkpoints.save(str(tmp_path), 1, first.state())
    assert first.restarts.total == 1 and first._tracker.starts.all()
    second.set_state(checkpoints.load(path))
    for agent in (first, second):
        for _ in range(6):
            agent.update()
        t = agent._memory.sample(300, 0)
        if network == 'mlp':
            np.testing.assert_allclose(
                t.next_observations[:, 0], t.observations[:, 0] + 0.02 * t.observations[:, 1],
                atol=1e-6,
            )  # fmt: skip
        else:
            np.testing.assert_array_equal(t.next_observations[..., :-1], t.observations[..., 1:])
        agent.close()
    assert first_difference(first._memory.state(), second._memory.state()) == ''


def test_an_interrupted_run_continues_exactly(tmp_path):
    """The memory has forgotten its first steps by then."""
    folders = [tmp_path / 'whole', tmp_path / 'broken']
    for folder in folders:
        folder.mkdir()
    whole, broken = (folder / 'run' for folder in folders)
    finish(launching.Script(folders[0], 'train_ddpg', f'--run_dir={whole}', *FLAGS))
    script = launching.Script(folders[1], 'train_ddpg', f'--run_dir={broken}', *FLAGS)
    flags = interrupt(script, broken, signal.SIGINT, 12, 'train_ddpg')
    finish(launching.Script(folders[1], 'train_ddpg', *flags))
    assert difference_of_runs(broken, whole) == ''
    assert last_state(broken)['agent']['num_steps'] == 600
    segments = last_state(broken)['agent']['memory']['segments']
    assert segments and all(segment.name for segment in segments)


def test_td3_from_the_command_line(tmp_path):
    flags = (
        *SMALL_FLAGS[1:], '--max_episode_steps=30', '--total_steps=120', '--log_period=40',
        '--eval_period=60', '--eval_episodes=2', '--run_dir=run', '--learning_starts=50',
    )  # fmt: skip
    code, out, err = launching.run(tmp_path, 'train_td3', *flags)
    assert (code, err) == (0, '')
    assert 'Pendulum-v1' in out and 'learning_starts=50' in out and 'discount=0.98' in out
    assert 'evaluation at 60 steps: greedy actions, 2 episodes: mean score' in out
    assert ', no update was made, ' in out  # The first line; the next ones come later.
    run_dir = tmp_path / 'run'
    config = json.loads((run_dir / 'config.json').read_text())
    assert (config['algorithm'], config['agent']['policy_delay']) == ('td3', 2)
    assert config['sessions'][0]['versions']['tf-agents'] == '0.19.0'
    with open(run_dir / 'metrics.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['value_loss'] != '' for row in rows] == [False, True, True]
    assert 'entropy' not in rows[0] and float(rows[-1]['policy_grad_norm']) > 0
    assert (run_dir / 'score.png').stat().st_size > 1000
    recipe = json.loads((run_dir / 'model' / 'best' / 'recipe.json').read_text())
    assert recipe['policy'] == 'deterministic'


def test_actions_that_are_no_real_numbers_are_refused(tmp_path):
    flags = ('--game=CartPole-v1', '--run_dir=run')
    code, out, err = launching.run(tmp_path, 'train_ddpg', *flags)
    assert (code, out) == (2, '')
    assert err.startswith('error: DDPG needs actions that are real numbers')
    assert 'train_dqn' in err and err.count('\n') == 1
    assert not (tmp_path / 'run').exists()


def test_more_than_one_seed_of_everything():
    one, other = (
        DDPG(dataclasses.replace(DDPGConfig(**SMALL), seed=seed), PENDULUM) for seed in (1, 2)
    )
    assert first_difference(weights(one), weights(other)) != ''
    assert not np.array_equal(one._observations, other._observations)
    one.close()
    other.close()


@pytest.mark.parametrize(
    'bad, told', [({3}, 'skipped an update'), ({3, 4, 5}, '3 updates in a row')]
)
def test_skipped_updates_are_told_and_too_many_end_the_run(
    bad, told, tmp_path, capsys, monkeypatch
):
    learn = DDPG._learn

    def spoiled(agent, transitions):
        if agent.num_updates in bad:
            transitions.rewards[:] = np.nan
        return learn(agent, transitions)

    monkeypatch.setattr(DDPG, '_learn', spoiled)
    run_config = RunConfig(str(tmp_path / 'run'), log_period=5, eval_period=0)
    config = DDPGConfig(**SMALL, total_steps=20)
    if len(bad) < 3:
        assert train(DDPG, config, PENDULUM, run_config) == ''
        path = tmp_path / 'run' / 'dumps' / 'step-000000010.zip'
        line = f'step 10: {told}, not finite from rewards on; dumped to {path}'
        assert line in capsys.readouterr().out
        assert np.isnan(DDPG.recompute(checkpoints.load(str(path)))['rewards']).all()
        assert table(tmp_path / 'run', 'metrics')[-1]['skipped_updates'] == '1'
    else:
        with pytest.raises(UsageError, match=f'diverged.*{told}.*--actor_learning_rate'):
            train(DDPG, config, PENDULUM, run_config)
