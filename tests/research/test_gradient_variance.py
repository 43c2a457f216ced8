"""The experiment on the noise of policy gradients, in small, and its numbers by hand."""

import json

import numpy as np
import pytest

from research.gradient_variance import estimates, picture
from research.gradient_variance.options import Options

STEPS, ENVS = 20, 3


@pytest.fixture(scope='module')
def stream():
    rng = np.random.default_rng(0)
    shape = STEPS, ENVS
    return estimates.Stream(
        rng.normal(size=(*shape, 4)).astype(np.float32),
        rng.integers(2, size=shape).astype(np.int32),
        rng.normal(size=shape).astype(np.float32),
        np.where(rng.random(shape) < 0.15, 0.0, 0.9).astype(np.float32),
        rng.normal(size=(ENVS, 4)).astype(np.float32),
        [],
    )


def naive_advantage(stream, values, t, env, num_steps, lambda_=1.0):
    """Σ_k λ^k γ_t ... γ_{t+k-1} δ_{t+k} over at most `num_steps` steps."""
    total, weight = 0.0, 1.0
    for k in range(t, min(t + num_steps, STEPS)):
        discount = stream.discounts[k, env]
        delta = stream.rewards[k, env] + discount * values[k + 1, env] - values[k, env]
        total += weight * delta
        weight *= lambda_ * discount
    return total


def test_advantages_are_what_they_are_called(stream):
    values = np.random.default_rng(1).normal(size=(STEPS + 1, ENVS)).astype(np.float32)
    found = estimates.advantages_of(stream, values)
    for t in range(STEPS):
        for env in range(ENVS):
            to_the_end = naive_advantage(stream, values, t, env, STEPS)
            expected = {
                'REINFORCE': to_the_end + values[t, env],
                'with a baseline': to_the_end,
                'GAE 0.95': naive_advantage(stream, values, t, env, STEPS, 0.95),
                '5 steps': naive_advantage(stream, values, t, env, 5 - t % 5),
                'one step': naive_advantage(stream, values, t, env, 1),
            }
            actual = {name: advantages[t, env] for name, advantages in found.items()}
            assert actual == pytest.approx(expected, abs=1e-5)


def test_statistics_find_what_was_put_in():
    rng = np.random.default_rng(0)
    right = np.array([3.0, 0.0, 4.0, 0.0])  # Of norm 5
    reference = right + rng.normal(size=(20_000, 4)) * 0.1
    same = estimates.statistics(reference, reference)
    assert same['variance'] == pytest.approx(4 * 0.01 / 25, rel=0.05)
    assert (same['bias'], same['bias_error']) == (0.0, 0.0)
    noise = rng.normal(size=(20_000, 4)) * [5.0, 5.0, 0.0, 0.0]
    biased = estimates.statistics(reference + noise + [0.0, 0.0, 0.0, 2.0], reference)
    low, high = biased['variance_interval']
    assert low < 2.0016 < high < 2.1
    assert biased['bias'] == pytest.approx(2 / 5, abs=0.02)
    assert biased['bias_error'] == pytest.approx(np.sqrt(2 / 20_000), rel=0.05)
    unbiased = estimates.statistics(reference + noise, reference)
    assert unbiased['bias'] < 3 * unbiased['bias_error']
    opposite = estimates.statistics(-reference, reference)
    assert opposite['cosine_mean'] == pytest.approx(-1.0, abs=0.01)
    assert opposite['bias'] == pytest.approx(2.0, rel=0.01)


def test_the_experiment_in_small(tmp_path):
    options = Options(
        policy_steps=300, num_envs=2, steps=300, tail=50, batch_steps=50, fit_epochs=20
    )
    result = estimates.measure(options)
    assert result['num_batches'] == 3 * 2  # Every second one of 5 of each environment.
    assert 'out' not in json.loads(json.dumps(result))
    fitted, own = (result['critics'][name] for name in estimates.CRITICS)
    assert fitted['explained_variance'] > own['explained_variance']
    reinforce = [critic['estimators']['REINFORCE']['variance'] for critic in (fitted, own)]
    assert reinforce[0] == reinforce[1] > fitted['estimators']['one step']['variance']
    pytest.importorskip('matplotlib')
    picture.draw(result, str(tmp_path / 'picture.png'))
    assert (tmp_path / 'picture.png').stat().st_size > 10_000


@pytest.mark.parametrize('changes', [{'steps': 1001}, {'batch_steps': 16_000}])
def test_settings_without_a_batch_are_refused(changes):
    with pytest.raises(ValueError, match='--steps must be'):
        Options(**changes)
