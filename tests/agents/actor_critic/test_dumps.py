"""Dumps of skipped updates: an update made again from a file is the one that was made."""

import os
import re
import subprocess
import sys
import zipfile

import gymnasium
import numpy as np
import pytest

from agents.actor_critic import dumps as actor_critic_dumps
from agents.actor_critic.dumps import Batch
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.experience.replay import Transitions
from agents.networks import continuous
from agents.storage import checkpoints, dumps
from agents.tfa import dumps as tfa_dumps
from agents.tfa.continuous import DeterministicMetrics
from agents.tfa.ddpg import DDPG
from agents.tfa.dqn import DQN
from agents.tfa.reinforce import Reinforce
from agents.tfa.td3 import TD3
from envs.config import EnvConfig
from tests.helpers.games import CART_POLE
from tests.helpers.paths import ROOT

LSTM = {'lstm_units': 4, 'feed_last_action_reward': True}


def save(agent, batches, metrics, folder):
    space = agent.envs[0].single_action_space
    content = actor_critic_dumps.of_rollouts(agent.config, agent.network, space, batches, metrics)
    return dumps.save(str(folder), agent.num_steps, content)


@pytest.mark.parametrize(
    'options, env_config',
    [
        ({'network': 'mlp', 'num_groups': 2, 'gae_lambda': 0.9}, CART_POLE),
        ({'network': 'mlp', 'loss_reduction': 'sum', 'unroll_length': 30, **LSTM}, CART_POLE),
        ({'network': 'a3c', 'activation': 'elu'}, EnvConfig('VizdoomBasic-v1')),
        ({'network': 'a3c', **LSTM}, EnvConfig('VizdoomBasic-v1', game_variables=('ammo2',))),
    ],
    ids=['groups', 'lstm', 'pictures', 'variables'],
)
def test_an_update_made_again_from_a_file_is_the_one_that_was_made(
    make_agent, tmp_path, options, env_config
):
    agent = make_agent(A2CConfig(num_envs=3, max_grad_norm=0.0, **options), env_config)
    agent.update()
    model, batches, parts = agent.train_model, [], []
    for runner in agent.runners:
        rollout, forward_pass = runner.run()
        parts.append(model.gradients(rollout, forward_pass, 0.02, runner.batch_fraction))
        batches.append(Batch(rollout, forward_pass.memories, (), 0.02, runner.batch_fraction))
    metrics = model.apply(parts, 0.0)  # It changes nothing, as if it had been skipped.
    path = save(agent, batches, metrics, tmp_path)
    dump = checkpoints.load(path)
    assert dump['metrics'] == metrics._asdict()
    again = actor_critic_dumps.recompute(dump)
    for name in ('policy_loss', 'value_loss', 'entropy', 'grad_norm'):
        assert again[name] == pytest.approx(getattr(metrics, name), rel=1e-3, abs=1e-6), name
    np.testing.assert_allclose(again['new values'], again['values'], rtol=1e-4, atol=1e-5)
    assert again['rewards'].shape == (agent.config.unroll_length, 3)
    for i, variable in enumerate(agent.network.trainable_variables):
        gradient = sum(np.asarray(part.gradients[i]) for part in parts)
        np.testing.assert_allclose(
            again[f'gradient {variable.path}'], gradient, rtol=1e-2, atol=1e-4
        )
    assert dumps.first_not_finite(again) == ''


@pytest.mark.parametrize(
    'config',
    [
        A2CConfig(network='mlp', num_envs=3),
        A2CConfig(network='mlp', num_envs=3, overlap=True, **LSTM),
        A3CConfig(network='mlp', num_workers=1, envs_per_worker=2),
    ],
    ids=['a2c', 'overlap', 'a3c'],
)
def test_a_skipped_update_is_kept_with_the_weights_that_it_was_derived_by(
    make_agent, tmp_path, config
):
    agent = make_agent(config)
    assert agent.update().is_finite and agent.skipped == []
    good = agent.network.get_weights()
    index = [v.path for v in agent.network.trainable_variables].index('value/kernel')
    bad = [weight.copy() for weight in good]
    bad[index][3, 0] = np.inf
    agent.network.set_weights(bad)
    for _ in range(1 + getattr(config, 'overlap', False)):
        metrics = agent.update()
    assert not metrics.is_finite
    agent.network.set_weights(good)
    if isinstance(config, A3CConfig) or config.overlap:  # Those of now are others.
        assert np.isinf(agent.skipped[0].weights[index]).any()
    else:
        agent.network.set_weights(bad)
    content = checkpoints.load(save(agent, agent.skipped, metrics, tmp_path))
    assert dumps.first_not_finite(actor_critic_dumps.recompute(content)) == 'weights value/kernel'
    agent.network.set_weights(good)
    for _ in range(1 + getattr(config, 'overlap', False)):
        metrics = agent.update()
    assert metrics.is_finite and agent.skipped == []


def test_of_a_loss_beyond_all_numbers_the_dump_says_so(make_agent, tmp_path):
    """Rewards and values are numbers, their squares are none."""
    env_config = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1, reward_scale=1e30)
    agent = make_agent(A2CConfig(network='mlp', num_envs=3), env_config)
    metrics = agent.update()
    again = actor_critic_dumps.recompute(
        checkpoints.load(save(agent, agent.skipped, metrics, tmp_path))
    )
    assert dumps.first_not_finite(again) == 'value_loss'
    assert np.isfinite(again['rewards']).all() and again['rewards'].max() > 1e29


def test_three_dumps_are_kept_and_none_is_a_pickle(make_agent, tmp_path):
    agent = make_agent(A2CConfig(network='mlp', num_envs=2))
    rollout, forward_pass = agent.runners[0].run()
    batch = Batch(rollout, forward_pass.memories, (), 0.0, 1.0)
    for _ in range(4):
        path = save(agent, [batch], agent.update(), tmp_path)
    assert agent.num_steps == 50  # The runner was run once before.
    names = [f'step-{step:09d}.zip' for step in (30, 40, 50)]
    assert sorted(os.listdir(tmp_path / 'dumps')) == names
    with zipfile.ZipFile(path) as archive:
        assert {os.path.splitext(name)[1] for name in archive.namelist()} == {'.json', '.npy'}


def test_the_script_shows_where_numbers_end(make_agent, tmp_path):
    agent = make_agent(A2CConfig(network='mlp', num_envs=2))
    rollout, forward_pass = agent.runners[0].run()
    rollout.rewards[1, 0] = np.inf
    batch = Batch(rollout, forward_pass.memories, (), 0.01, 1.0)
    path = save(agent, [batch], agent.update(), tmp_path)
    show = [sys.executable, '-m', 'research.reliability.dump']
    done = subprocess.run([*show, f'--file={path}'], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    cells = [re.split(' {2,}', line, maxsplit=1) for line in done.stdout.splitlines()]
    lines = {name: ' '.join(others).split() for name, *others in cells}
    assert lines['rewards'] == ['5', 'x', '1', '1', '1', '1']
    assert lines['logits'][:6] == ['5', 'x', '1', 'x', '2', '0']
    assert done.stdout.endswith('first not finite: rewards\n')
    other = checkpoints.save(str(tmp_path), 1, {'agent': {'num_steps': 1}})
    for file, told in (('README.md', 'cannot be read: '), (other, 'is no dump')):
        done = subprocess.run([*show, f'--file={file}'], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.startswith(f'error: --file: {file} {told}')


SMALL = {
    'num_envs': 2,
    'hidden_units': (8, 6),
    'batch_size': 4,
    'learning_starts': 8,
    'train_period': 2,  # One update for a step of both environments
}


@pytest.mark.parametrize(
    'agent_class, config, game, options',
    [
        (TD3, TD3Config(**SMALL, replay_capacity=500), 'Pendulum-v1', {}),
        (
            DQN,
            DQNConfig(num_envs=2, network='a3c', batch_size=4, learning_starts=8, train_period=2),
            'VizdoomBasic-v1',
            {'frame_stack': 4, 'action_repeat': 4},
        ),
        (Reinforce, ReinforceConfig(num_envs=2, network='mlp'), 'CartPole-v1', {}),
        (
            Reinforce,
            ReinforceConfig(num_envs=2, network='mlp', baseline=False),
            'CartPole-v1',
            {},
        ),
    ],
    ids=['td3', 'dqn', 'reinforce', 'unguided'],
)
def test_dumps_of_agents_on_tf_agents_tell_what_each_network_answers(
    tmp_path, agent_class, config, game, options
):
    options = {'frame_stack': 1, 'action_repeat': 1, **options}
    agent = agent_class(config, EnvConfig(game, **options))
    try:
        metrics = None
        while metrics is None:
            metrics = agent.update()
        assert metrics.is_finite and agent.skipped is None
        agent._envs.step = poisoned(agent._envs.step)
        while metrics is None or metrics.is_finite:
            metrics = agent.update()
        dump = agent.dump(metrics)
        again = tfa_dumps.recompute(checkpoints.load(dumps.save(str(tmp_path), 1, dump)))
        assert dumps.first_not_finite(again) == 'rewards'
        for field, array in dump['experience'].items():
            np.testing.assert_array_equal(again[field], array)
        for name, network in agent._networks().items():
            first = f'weights {name} {network.weights[0].path}'
            np.testing.assert_array_equal(again[first], network.weights[0])
        policy = agent.network(dump['experience']['observations'])[0].numpy()
        name = {DQN: 'q_network', Reinforce: 'logits'}.get(agent_class, 'actor')
        [found] = [array for key, array in again.items() if key.startswith(name)]
        np.testing.assert_allclose(found, policy, rtol=1e-4, atol=1e-5)
    finally:
        agent.close()


def test_the_dump_is_of_the_update_that_was_skipped_not_of_later_ones(monkeypatch):
    config = DDPGConfig(**{**SMALL, 'num_envs': 4, 'train_period': 1})
    agent = DDPG(config, EnvConfig('Pendulum-v1', action_repeat=1, frame_stack=1))
    try:
        while agent.update() is None:
            pass
        learn, before = DDPG._learn, []

        def spoil_the_second(agent, transitions):
            before.append([weights.copy() for weights in agent.network.get_weights()])
            if len(before) == 2:
                transitions.rewards[:] = np.inf
            return learn(agent, transitions)

        monkeypatch.setattr(DDPG, '_learn', spoil_the_second)
        metrics = agent.update()
        assert len(before) == 4 and not metrics.is_finite
        dump = agent.dump(metrics)
        assert np.isinf(dump['experience']['rewards']).all()
        [kernel] = [i for i, v in enumerate(agent.network.weights) if v.path == 'actor/kernel']
        found = tfa_dumps.recompute(dump)['weights actor actor/kernel']
        np.testing.assert_array_equal(found, before[1][kernel])
        assert not np.array_equal(found, agent.network.get_weights()[kernel])
    finally:
        agent.close()


def poisoned(step):
    """The step of environments, with rewards beyond all numbers."""

    def poison(actions):
        observations, rewards, *others = step(actions)
        return observations, np.full_like(rewards, np.inf), *others

    return poison


@pytest.mark.parametrize('num_critics', [1, 2])
def test_targets_answer_to_what_came_next_and_critics_to_what_was_done(num_critics):
    space = gymnasium.spaces.Box(-2.0, 2.0, (1,), np.float32)
    seen = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
    built = [
        continuous.build(seen, space, (8, 6), seed, num_critics=num_critics) for seed in (1, 2)
    ]
    networks = {}
    for prefix, own in zip(('', 'target_'), built, strict=True):
        networks[f'{prefix}actor'] = own.actor
        for i, critic in enumerate(own.critics, start=1):
            networks[f'{prefix}critic{i}'] = critic
    rng = np.random.default_rng(0)
    now, after = rng.normal(size=(2, 5, 3)).astype(np.float32)
    actions, rewards = rng.normal(size=(5, 1)).astype(np.float32), np.zeros(5, np.float32)
    batch = Transitions(now, actions, rewards, rewards, after)
    metrics = DeterministicMetrics(0.0, 0.0, 0.0, 0.0, 0.0)
    dump = tfa_dumps.of_experience(DDPGConfig(), networks, batch, metrics)
    again = tfa_dumps.recompute(dump)
    for i in range(num_critics):
        expected = built[0].critics[i]([now, actions])
        np.testing.assert_allclose(again[f'critic{i + 1}'], expected, rtol=1e-5, atol=1e-6)
        expected = built[1].critics[i]([after, built[1].actor(after).numpy()])
        np.testing.assert_allclose(again[f'target_critic{i + 1}'], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again['actor'], built[0].actor(now), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    'space',
    [
        gymnasium.spaces.Discrete(4),
        gymnasium.spaces.MultiDiscrete([3, 2, 4]),
        gymnasium.spaces.MultiBinary(5),
        gymnasium.spaces.Box(np.float32([-1, -np.inf]), np.float32([100, 0])),
    ],
    ids=str,
)
def test_action_spaces_survive(space):
    assert actor_critic_dumps._action_space(*actor_critic_dumps._describe(space)) == space
