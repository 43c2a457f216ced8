"""State-dependent exploration against SciPy, against its own samples, and in agents."""

import dataclasses
import json

import gymnasium
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from agents.actor_critic import dumps
from agents.actor_critic.a2c import A2C
from agents.configs import policy_kinds
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.run import EvaluationConfig, RunConfig
from agents.distributions.gsde import StateDependentExploration
from agents.evaluation import report
from agents.experience.step_model import StepModel
from agents.networks import policy_value
from agents.networks.heads import GaussianHead
from agents.runs.train import train
from agents.storage import saved_policy
from envs.errors import UsageError
from tests.helpers import memory_task
from tests.helpers.games import PENDULUM
from tests.helpers.gradients import derivatives

K, F = 2, 3
NOISE = StateDependentExploration([-1.0] * K, [1.0] * K, F, noise_period=4)
EPSILON = 1e-6
CONFIG = A2CConfig(
    network='mlp', num_envs=3, hidden_units=(8, 5), state_dependent_exploration=True,
    total_steps=600, seed=3,
)  # fmt: skip


@pytest.fixture(params=['eager', 'graph'])
def compiled(request):
    return {'eager': lambda fn: fn, 'graph': tf.function}[request.param]


def batch(n=50, dtype=np.float64):
    """Logits `[n, K + F + F K]` and actions `[n, K]`."""
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(n, K)), rng.normal(size=(n, F)), rng.uniform(-3.0, 0.5, (n, F * K))
    logits = np.concatenate(parts, axis=1)
    means, stds = moments(logits)
    actions = means + stds * rng.normal(size=(n, K))
    return logits.astype(dtype), actions.astype(dtype)


def moments(logits):
    """Means and standard deviations, by loops."""
    logits = np.asarray(logits, np.float64)
    stds = np.empty((len(logits), K))
    for row, std in zip(logits, stds, strict=True):
        features, log_stds = row[K : K + F], row[K + F :]
        for i in range(K):
            variances = [features[j] ** 2 * np.exp(2.0 * log_stds[j * K + i]) for j in range(F)]
            std[i] = np.sqrt(sum(variances) + EPSILON)
    return logits[:, :K], stds


def scipy_log_prob(logits, actions):
    return scipy.stats.norm.logpdf(actions, *moments(logits)).sum(-1)


def scipy_entropy(logits, actions):
    return scipy.stats.norm.entropy(*moments(logits)).sum(-1)


def test_density_and_entropy_are_those_of_scipy(compiled):
    logits, actions = batch()
    log_probs = compiled(NOISE.log_prob)(tf.constant(logits), tf.constant(actions))
    np.testing.assert_allclose(log_probs, scipy_log_prob(logits, actions), rtol=1e-9)
    entropy = compiled(NOISE.entropy)(tf.constant(logits))
    np.testing.assert_allclose(entropy, scipy_entropy(logits, actions), rtol=1e-9)
    np.testing.assert_array_equal(NOISE.mode(tf.constant(logits)), logits[:, :K])


def test_gradients_are_those_of_scipy_but_for_the_features_which_get_none(compiled):
    logits, actions = batch()
    for ours, scipys in (
        (lambda x: NOISE.log_prob(x, tf.constant(actions)), scipy_log_prob),
        (NOISE.entropy, scipy_entropy),
    ):
        x = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(compiled(ours)(x))
        found = tape.gradient(y, x).numpy()
        expected = derivatives(lambda x, f=scipys: f(x, actions), logits)
        assert np.abs(expected[:, K : K + F]).max() > 0.1
        expected[:, K : K + F] = 0.0
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * scale)


def test_samples_have_the_density_that_is_told(compiled):
    row = batch(1, np.float32)[0]
    logits = tf.constant(np.tile(row, [20_000, 1]))
    samples = compiled(NOISE.sample)(logits, tf.constant([1, 2]))
    (means,), (stds,) = moments(row)
    for i in range(K):
        assert scipy.stats.kstest(samples[:, i], 'norm', (means[i], stds[i])).pvalue > 0.01
    assert np.abs(np.corrcoef(samples, rowvar=False) - np.eye(K)).max() < 0.03
    surprise = -np.mean(NOISE.log_prob(logits, samples))
    assert surprise == pytest.approx(float(NOISE.entropy(logits[0])), abs=0.03)


def test_with_one_seed_the_noise_is_one_linear_function_of_the_features():
    """Noise of a sum of two features is the sum of their noise; each row has its own function."""
    (first, second), seed = batch(2, np.float32)[0], tf.constant([5, 6])
    second[:K], second[K + F :] = first[:K], first[K + F :]
    both = first.copy()
    both[K : K + F] += second[K : K + F]
    noise = [
        NOISE.sample(tf.constant([row, row]), seed).numpy() - first[:K]
        for row in (first, second, both)
    ]
    np.testing.assert_allclose(noise[0] + noise[1], noise[2], rtol=1e-4, atol=1e-5)
    assert np.abs(noise[0][0] - noise[0][1]).min() > 1e-3
    other = NOISE.sample(tf.constant([first, first]), tf.constant([5, 7])) - first[:K]
    assert np.abs(other - noise[0]).min() > 1e-3


@pytest.mark.parametrize('log_std, edge', [(30.0, NOISE.highest_log_std), (-90.0, None)])
def test_noise_is_held_in_the_range_of_a_gaussian(compiled, log_std, edge):
    logits = np.zeros((2_000, NOISE.num_logits), np.float32)
    logits[:, K:] = np.concatenate([np.ones(F), np.full(F * K, log_std)])
    entropy = compiled(NOISE.entropy)(tf.constant(logits))
    expected = 0.5 * np.log(EPSILON) if edge is None else edge
    wanted = K * (expected + 0.5 * np.log(2 * np.pi * np.e))
    np.testing.assert_allclose(entropy, wanted, rtol=1e-5)
    samples = compiled(NOISE.sample)(tf.constant(logits), tf.constant([1, 2])).numpy()
    assert np.isfinite(samples).all()
    if edge is not None:
        assert samples.std() == pytest.approx(np.exp(edge), rel=0.05)


class Still(gymnasium.Env):
    """Always shows the same."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.float32([0.5, -0.5]), {}

    def step(self, action):
        return np.float32([0.5, -0.5]), 0.0, False, False, {}


@pytest.mark.parametrize(
    'kind, asked, unroll_length, periods',
    [
        ('a2c', 0, 6, [6, 6]),
        ('a2c', 3, 6, [3] * 4),
        ('a2c', 1, 3, [1] * 6),
        ('a3c', 2, 4, [2] * 4),
    ],
)
def test_in_the_same_state_an_action_stays_the_same_for_a_period(
    make_agent, kind, asked, unroll_length, periods
):
    options = {name: getattr(CONFIG, name) for name in ('network', 'hidden_units')}
    options.update(state_dependent_exploration=True, noise_period=asked)
    if kind == 'a2c':
        config = A2CConfig(num_envs=4, num_groups=2, unroll_length=unroll_length, **options)
    else:
        config = A3CConfig(num_workers=2, envs_per_worker=2, unroll_length=unroll_length, **options)
    agent = make_agent(config, PENDULUM, memory_task.playing(Still))
    rollouts = [[runner.run()[0] for runner in agent.runners] for _ in range(2)]
    actions = np.concatenate(
        [np.concatenate([part.actions for part in parts], axis=1) for parts in rollouts]
    )
    assert actions.shape == (2 * unroll_length, 4, 2)
    changes = np.abs(np.diff(actions, axis=0)).min(axis=(1, 2))  # Of all environments, or none
    starts = np.cumsum(periods)[:-1]
    np.testing.assert_array_equal(np.flatnonzero(changes > 1e-4) + 1, starts)
    still = np.delete(np.abs(np.diff(actions, axis=0)), starts - 1, axis=0)
    assert still.size == 0 or still.max() < 1e-5
    assert len(np.unique(actions[0], axis=0)) == 4


def test_runs_are_evaluated_with_the_noise_of_their_training(tmp_path, monkeypatch):
    run_dir = tmp_path / 'run'
    config = dataclasses.replace(CONFIG, unroll_length=6, noise_period=3)
    train(A2C, config, PENDULUM, RunConfig(str(run_dir), eval_period=300, eval_episodes=2))
    loaded = saved_policy.load(str(run_dir / 'model' / 'final'))
    recipe = loaded.recipe
    assert (recipe['policy'], recipe['noise_period']) == (
        policy_kinds.STATE_DEPENDENT_EXPLORATION,
        3,
    )
    seen = []
    step = StepModel.step

    def note(self, observations, memory, count):
        decision = step(self, observations, memory, count)
        seen.append((count, self._distribution.num_logits))
        return decision

    monkeypatch.setattr(StepModel, 'step', note)
    result = report.evaluate(EvaluationConfig(str(run_dir), episodes=2, model='final'))
    assert result.mode == 'sampled'
    assert seen[:7] == [(count, 1 + 5 + 5) for count in (0, 0, 0, 3, 3, 3, 6)]
    greedy = report.evaluate(EvaluationConfig(str(run_dir), episodes=2, greedy=True))
    assert greedy.mode == 'greedy'
    again = report.evaluate(EvaluationConfig(str(run_dir), episodes=2, model='final'))
    assert again == result


@pytest.mark.parametrize(
    'changes, told',
    [
        ({'noise_period': 0}, 'has noise_period = 0'),
        ({'noise_period': '3'}, "has noise_period = '3'"),
        ({'noise_period': True}, 'has noise_period = True'),
        ({'num_features': None}, 'has num_features = None'),
        ({'num_features': 6}, 'the model is not for this game: it maps'),
        ({'policy': ''}, 'the model is not for this game: it maps'),
        ({'environment': {'game': 'CartPole-v1'}}, 'whose actions are no real numbers'),
    ],
)
def test_recipes_that_lie_are_refused(tmp_path, changes, told):
    run_dir = tmp_path / 'run'
    directory = run_dir / 'model' / 'final'
    space = gymnasium.spaces.Box(-8.0, 8.0, (3,), np.float32)
    head = GaussianHead(noise_of_features=True)
    network = policy_value.build('mlp', space, 2, 0, hidden_units=(8, 5), gaussian=head)
    about = StateDependentExploration([-2.0], [2.0], 5, 3).about()
    saved_policy.save(str(directory), network, PENDULUM, **about)
    path = directory / 'recipe.json'
    recipe = json.loads(path.read_text())
    game = {**recipe['environment'], **changes.get('environment', {})}
    recipe = {**recipe, **changes, 'environment': game}
    known = {name: value for name, value in recipe.items() if value is not None}
    path.write_text(json.dumps(known))
    with pytest.raises(UsageError, match=told):
        report.evaluate(EvaluationConfig(str(run_dir), episodes=1))


def test_a_skipped_update_is_made_again_from_its_dump(make_agent):
    agent = make_agent(CONFIG, PENDULUM, num_groups=1, max_grad_norm=0.0)
    agent.update()
    rollout, forward_pass = agent.runners[0].run()
    gradients = agent.train_model.gradients(rollout, forward_pass, 0.01)
    metrics = agent.train_model.apply([gradients], 0.0)
    batches = [dumps.Batch(rollout, forward_pass.memories, (), 0.01, 1.0)]
    space = agent.envs[0].single_action_space
    dump = dumps.of_rollouts(agent.config, agent.network, space, batches, metrics)
    again = dumps.recompute({**dump, 'config': {**dump['config'], 'hidden_units': [8, 5]}})
    for name in ('policy_loss', 'entropy', 'grad_norm'):
        assert again[name] == pytest.approx(getattr(metrics, name), rel=1e-3, abs=1e-6), name
