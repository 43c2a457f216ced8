"""Agents with real actions end to end: they repeat themselves, continue exactly, and learn."""

import dataclasses

import gymnasium
import numpy as np
import pytest

from agents.actor_critic import dumps as actor_critic_dumps
from agents.actor_critic.a2c import A2C
from agents.actor_critic.a3c import A3C
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import EvaluationConfig, RunConfig
from agents.evaluation import report
from agents.runs.train import train
from agents.storage import checkpoints, dumps, saved_policy
from envs.errors import UsageError
from tests.helpers import memory_task
from tests.helpers.games import PENDULUM
from tests.helpers.runs import difference_of_runs
from tests.helpers.trees import first_difference

OPTIONS = {
    'network': 'mlp',
    'total_steps': 1_200,
    'seed': 3,
    'normalize_observations': True,
    'normalize_rewards': True,
}
A2C_CONFIG = A2CConfig(num_envs=3, **OPTIONS)
A3C_CONFIG = A3CConfig(num_workers=1, envs_per_worker=2, **OPTIONS)


class Target(gymnasium.Env):
    """The best action is what is observed; further away it costs. Episodes are single steps."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._target = self.np_random.uniform(-1.0, 1.0, 2).astype(np.float32)
        return self._target, {}

    def step(self, action):
        reward = -float(((np.clip(action, -1.0, 1.0) - self._target) ** 2).sum())
        statistics = {'return': reward, 'score': reward, 'length': 1, 'level': ''}
        return self._target, reward, True, False, {'episode': statistics}


@pytest.mark.parametrize(
    'config',
    [
        A2C_CONFIG,
        dataclasses.replace(A2C_CONFIG, overlap=True, state_dependent_std=True, shared_torso=True),
        dataclasses.replace(A2C_CONFIG, lstm_units=4, feed_last_action_reward=True),
        dataclasses.replace(
            A2C_CONFIG, lstm_units=4, state_dependent_exploration=True, noise_period=1
        ),
        A3C_CONFIG,
    ],
    ids=['a2c', 'overlap', 'lstm', 'gsde', 'a3c'],
)
def test_a_state_continues_exactly_in_another_agent(make_agent, tmp_path, config):
    """The state goes through a file, as when a run is resumed, and includes the statistics."""
    whole, later = make_agent(config, PENDULUM), make_agent(config, PENDULUM)
    for _ in range(7):
        whole.update()
    path = checkpoints.save(str(tmp_path), 1, whole.state())
    later.update()  # What it has done before must not matter.
    later.set_state(checkpoints.load(path))
    for _ in range(8):
        assert whole.update() == later.update()
    states = [agent.state() for agent in (whole, later)]
    for state in states:
        del state['runners']  # With the last value of an episode's statistics; see test_runner.
    assert first_difference(*states) == ''
    size = 15 * config.num_envs * config.unroll_length
    assert whole.normalizer.state()['observations'][0] == size
    assert whole.normalizer.reward_scale != 1.0


def test_statistics_are_those_of_all_observations_and_rewards(make_agent):
    agent, seen, paid = make_agent(A2C_CONFIG, PENDULUM), [], []
    for envs in agent.envs:
        step = envs.step

        def note(actions, envs=envs, step=step):
            seen.append(envs.observations.copy())
            answer = step(actions)
            paid.append(answer[1])
            return answer

        envs.step = note
    for _ in range(6):
        agent.update()
    observations = np.concatenate(seen)
    layer = agent.network.get_layer('normalize')
    np.testing.assert_allclose(layer.moving_mean, observations.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, observations.var(axis=0), rtol=1e-4)
    assert agent.normalizer.state()['returns'][0] == sum(map(len, paid)) == len(observations)


def test_what_is_learned_from_is_what_was_sampled(make_agent):
    agent = make_agent(A2C_CONFIG, PENDULUM, initial_log_std=1.5)
    rollout, _ = agent.runners[0].run()
    assert rollout.actions.dtype == np.float32 and np.abs(rollout.actions).max() > 2.0
    assert np.isfinite(agent.update()).all()


@pytest.mark.parametrize('agent_class, config', [(A2C, A2C_CONFIG), (A3C, A3C_CONFIG)])
def test_runs_are_resumed_and_their_models_evaluated(tmp_path, agent_class, config):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    config = dataclasses.replace(config, lr_schedule='constant')
    shorter = dataclasses.replace(config, total_steps=600)  # The end of a period of each kind
    about = {'log_period': 150, 'eval_period': 600, 'eval_episodes': 2}
    train(agent_class, config, PENDULUM, RunConfig(str(whole), **about))
    train(agent_class, shorter, PENDULUM, RunConfig(str(broken), **about))
    train(agent_class, config, PENDULUM, RunConfig(str(broken), resume=True, **about))
    assert difference_of_runs(whole, broken) == ''
    loaded = saved_policy.load(str(broken / 'model' / 'final'))
    assert loaded.recipe['running_reward_scale'] > 0.0
    assert np.any(loaded.network.get_layer('normalize').moving_mean)
    result = report.evaluate(EvaluationConfig(str(broken), episodes=2, greedy=True))
    assert all(-2_000 < episode.score < 0 for episode in result.episodes)


def test_several_workers_share_the_statistics(make_agent):
    agent = make_agent(A3C_CONFIG, PENDULUM, num_workers=3, envs_per_worker=1)
    for _ in range(30):
        assert np.isfinite(agent.update()).all()
    with agent.paused():
        size = agent.normalizer.state()['observations'][0]
        steps = sum(runner.num_steps // runner._total_envs for runner in agent.runners)
        assert size == steps
    assert np.any(agent.network.get_layer('normalize').moving_mean)


@pytest.mark.parametrize('overlap', [False, True])
def test_a_skipped_update_changes_no_statistics_and_is_dumped_with_them(make_agent, overlap):
    config = dataclasses.replace(A2C_CONFIG, num_groups=1, overlap=overlap)
    agent = make_agent(config, PENDULUM)
    for _ in range(3):
        agent.update()
    bad = agent.network.get_weights()
    index = [v.path for v in agent.network.weights].index('value/bias')
    bad[index][:] = np.inf
    agent.network.set_weights(bad)
    before = agent.normalizer.state()
    for _ in range(1 + overlap):
        before = agent.normalizer.state()
        metrics = agent.update()
    assert not metrics.is_finite
    assert first_difference(before, agent.normalizer.state()) == ''
    space = agent.envs[0].single_action_space
    dump = actor_critic_dumps.of_rollouts(
        agent.config, agent.network, space, agent.skipped, metrics
    )
    again = actor_critic_dumps.recompute(
        {**dump, 'config': {**dump['config'], 'hidden_units': [64, 64]}}
    )
    assert dumps.first_not_finite(again) == 'weights value/bias'
    np.testing.assert_allclose(
        again['weights normalize/moving_mean'], dump['weights'][0], rtol=1e-6
    )


def test_means_are_bounded_only_where_actions_are(make_agent):
    class Unbounded(Target):
        action_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    make_envs = memory_task.playing(Unbounded)
    with pytest.raises(UsageError, match='--bounded_means: the actions of this game have no'):
        make_agent(A2C_CONFIG, PENDULUM, make_envs, bounded_means=True)
    assert np.isfinite(make_agent(A2C_CONFIG, PENDULUM, make_envs).update()).all()


@pytest.mark.parametrize(
    'algorithm, options',
    [
        ('a2c', {}),
        ('a3c', {}),
        (
            'a2c',
            {
                'state_dependent_std': True,
                'bounded_means': True,
                'normalize_observations': True,
                'normalize_rewards': True,
            },
        ),
        (
            'a2c',
            {'state_dependent_exploration': True, 'initial_log_std': 1.0, 'total_steps': 40_000},
        ),
    ],
    ids=['a2c', 'a3c', 'all', 'gsde'],
)
def test_it_learns_to_hit_a_target(make_agent, algorithm, options):
    """An agent without noise that is blind to the target would score -0.67."""
    options = {
        'network': 'mlp', 'total_steps': 24_000, 'optimizer': 'adam', 'learning_rate': 3e-3,
        'entropy_cost': 0.0, 'discount': 0.0, 'seed': 1, **options,
    }  # fmt: skip
    if algorithm == 'a2c':
        config = A2CConfig(num_envs=16, num_groups=1, **options)
    else:
        config = A3CConfig(num_workers=2, envs_per_worker=8, loss_reduction='mean', **options)
    agent, scores = make_agent(config, PENDULUM, memory_task.playing(Target)), []
    while agent.num_steps < config.total_steps:
        agent.update()
        scores += [episode['score'] for episode in agent.episodes]
    assert np.mean(scores[:500]) < -0.9
    assert np.mean(scores[-500:]) > -0.4
