"""Returns and advantages against the sums in the papers, term by term, in float64."""

import numpy as np
import pytest
import tensorflow as tf

from agents.learning import returns

T, B = 7, 3


@pytest.fixture(params=['eager', 'graph'])
def compiled(request):
    return {'eager': lambda fn: fn, 'graph': tf.function}[request.param]


def make_rollout(seed=0, num_steps=T, ends=((2, 0), (T - 1, 1))):
    """A random rollout; the episodes of `ends`, (step, environment), end there."""
    rng = np.random.default_rng(seed)
    discounts = np.full([num_steps, B], 0.9, np.float32)
    for end in ends:
        discounts[end] = 0.0
    return {
        'rewards': rng.normal(size=[num_steps, B]).astype(np.float32),
        'discounts': discounts,
        'values': rng.normal(size=[num_steps, B]).astype(np.float32),
        'bootstrap_value': rng.normal(size=[B]).astype(np.float32),
    }


def returns_rollout(rollout):
    return {name: x for name, x in rollout.items() if name != 'values'}


def reference_returns(rewards, discounts, bootstrap_value):
    """Σ_k (Π_{j<k} γ_{t+j}) r_{t+k}, and the bootstrap value at the end: the sum itself."""
    num_steps, num_envs = rewards.shape
    result = np.zeros([num_steps, num_envs])
    for t in range(num_steps):
        for b in range(num_envs):
            weight = 1.0
            for k in range(t, num_steps):
                result[t, b] += weight * rewards[k, b]
                weight *= float(discounts[k, b])
            result[t, b] += weight * bootstrap_value[b]
    return result


def reference_advantages(rewards, discounts, values, bootstrap_value, lambda_):
    """Σ_k (Π_{j<k} γ_{t+j} λ) δ_{t+k}."""
    next_values = np.append(values, bootstrap_value[None], axis=0)[1:].astype(np.float64)
    deltas = rewards + discounts * next_values - values
    return reference_returns(deltas, discounts.astype(np.float64) * lambda_, np.zeros(B))


@pytest.mark.parametrize('num_steps', [1, 5, 128])
def test_returns_match_the_sum_in_the_paper(compiled, num_steps):
    ends = [(num_steps // 2, 0), (num_steps - 1, 1)]
    rollout = returns_rollout(make_rollout(num_steps=num_steps, ends=ends))
    result = compiled(returns.n_step_returns)(**rollout)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, reference_returns(**rollout), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('num_steps', [1, 5, 128])
@pytest.mark.parametrize('lambda_', [0.0, 0.95, 1.0])
def test_advantages_match_the_sum_in_the_paper(compiled, lambda_, num_steps):
    ends = [(num_steps // 2, 0), (num_steps - 1, 1)]
    rollout = make_rollout(num_steps=num_steps, ends=ends)
    function = compiled(lambda **kwargs: returns.generalized_advantages(lambda_=lambda_, **kwargs))
    advantages, targets = function(**rollout)
    expected = reference_advantages(lambda_=lambda_, **rollout)
    np.testing.assert_allclose(advantages, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(targets, expected + rollout['values'], rtol=1e-5, atol=1e-5)


def test_lambda_one_gives_n_step_returns():
    rollout = make_rollout()
    advantages, targets = returns.generalized_advantages(**rollout)
    expected = returns.n_step_returns(**returns_rollout(rollout))
    np.testing.assert_allclose(targets, expected, atol=1e-5)
    np.testing.assert_allclose(advantages, expected - rollout['values'], atol=1e-5)


def test_lambda_zero_gives_one_step_errors():
    rollout = make_rollout()
    advantages, _ = returns.generalized_advantages(lambda_=0.0, **rollout)
    next_values = np.append(rollout['values'][1:], rollout['bootstrap_value'][None], axis=0)
    expected = rollout['rewards'] + rollout['discounts'] * next_values - rollout['values']
    np.testing.assert_allclose(advantages, expected, atol=1e-6)


def test_perfect_values_leave_no_advantage():
    rollout = make_rollout()
    rollout['values'] = returns.n_step_returns(**returns_rollout(rollout)).numpy()
    advantages, _ = returns.generalized_advantages(lambda_=0.7, **rollout)
    np.testing.assert_allclose(advantages, np.zeros([T, B]), atol=1e-5)


@pytest.mark.parametrize('lambda_', [0.5, 1.0])
def test_nothing_leaks_across_an_episode_end(lambda_):
    """Steps 0 to 2 of environment 0 do not depend on what follows step 2."""
    before = make_rollout()
    after = make_rollout(seed=1)
    for name in ('rewards', 'values'):
        after[name][:3] = before[name][:3]
    old, _ = returns.generalized_advantages(lambda_=lambda_, **before)
    new, _ = returns.generalized_advantages(lambda_=lambda_, **after)
    np.testing.assert_array_equal(old[:3, 0], new[:3, 0])
    assert np.abs(old[:3, 1:] - new[:3, 1:]).min() > 1e-4  # Those episodes went on.


def test_the_bootstrap_value_reaches_all_steps_of_the_last_episode_only():
    rollout = returns_rollout(make_rollout())
    old = returns.n_step_returns(**rollout).numpy()
    rollout['bootstrap_value'] = rollout['bootstrap_value'] + 1.0
    change = returns.n_step_returns(**rollout).numpy() - old
    still_open = np.array([[t > 2, False, True] for t in range(T)])
    np.testing.assert_array_equal(change > 1e-3, still_open)
    np.testing.assert_allclose(change[:, 2], 0.9 ** np.arange(T, 0, -1), rtol=1e-4)


def test_environments_do_not_mix():
    rollout = make_rollout()
    together, _ = returns.generalized_advantages(**rollout)
    for b in range(B):
        alone, _ = returns.generalized_advantages(
            **{name: x[..., b : b + 1] for name, x in rollout.items()}
        )
        np.testing.assert_array_equal(together[:, b], alone[:, 0])


def test_no_gradients():
    rollout = {name: tf.constant(x) for name, x in make_rollout().items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(rollout)
        outputs = [
            *returns.generalized_advantages(**rollout),
            returns.n_step_returns(**returns_rollout(rollout)),
        ]
    for output in outputs:
        gradients = tape.gradient(output, rollout)
        assert {name for name, g in gradients.items() if g is not None} == set()


@pytest.mark.parametrize('name', ['rewards', 'discounts', 'values'])
def test_rejects_column_vectors(compiled, name):
    rollout = make_rollout()
    rollout[name] = rollout[name][..., None]
    with pytest.raises(ValueError):
        compiled(returns.generalized_advantages)(**rollout)
    if name != 'values':
        with pytest.raises(ValueError):
            compiled(returns.n_step_returns)(**returns_rollout(rollout))


@pytest.mark.parametrize('name', ['rewards', 'discounts', 'values', 'bootstrap_value'])
def test_rejects_what_would_broadcast(compiled, name):
    """One environment among arguments of B, and a bootstrap value `[1, B]`."""
    rollout = make_rollout()
    rollout[name] = rollout[name][..., :1]
    with pytest.raises(ValueError):
        compiled(returns.generalized_advantages)(**rollout)
    rollout = make_rollout()
    rollout['bootstrap_value'] = rollout['bootstrap_value'][None]
    with pytest.raises(ValueError):
        compiled(returns.n_step_returns)(**returns_rollout(rollout))
