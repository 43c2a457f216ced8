"""An update of DDPG against the formulas, and what is ours beside TF-Agents."""

import numpy as np
import pytest
import tensorflow as tf

from agents.configs.off_policy import DDPGConfig
from agents.experience.replay import Transitions
from tests.helpers.games import PENDULUM

CONFIG = DDPGConfig(hidden_units=(16, 12), batch_size=8, tau=0.1, seed=1)


@pytest.fixture
def agent(make_agent):
    return make_agent(CONFIG, PENDULUM)


def transitions(num=8, seed=0):
    rng = np.random.default_rng(seed)
    observations = rng.normal(size=(2, num, 3)).astype(np.float32)
    actions = rng.uniform(-2, 2, (num, 1)).astype(np.float32)
    discounts = (np.arange(num) % 3 > 0).astype(np.float32)
    rewards = rng.normal(size=num).astype(np.float32)
    return Transitions(observations[0], actions, rewards, discounts, observations[1])


def parts(agent):
    """Actor, critic and their targets as functions, and the models of these."""
    own = agent._agent
    networks = own._actor_network, own._critic_network
    targets = own._target_actor_network, own._target_critic_network
    models = [network.model for network in (*networks, *targets)]
    actor, critic, target_actor, target_critic = models
    return actor, lambda s, a: critic([tf.constant(s), tf.constant(a)]), target_actor, (
        lambda s, a: target_critic([tf.constant(s), tf.constant(a)])
    ), models  # fmt: skip


def spread(agent, seed=3):
    """Makes the targets differ from what they are targets of."""
    rng = np.random.default_rng(seed)
    for model in parts(agent)[-1][2:]:
        for variable in model.variables:
            variable.assign(variable + rng.normal(0, 0.1, variable.shape))


def test_losses_are_those_of_the_paper(agent):
    spread(agent)
    actor, critic, target_actor, target_critic, _ = parts(agent)
    t = transitions()
    future = target_critic(t.next_observations, target_actor(t.next_observations)).numpy()
    targets = t.rewards + 0.99 * t.discounts * future
    value_loss = np.mean((targets - critic(t.observations, t.actions).numpy()) ** 2)
    actions = actor(t.observations).numpy()
    metrics = agent._learn(t)
    np.testing.assert_allclose(metrics.value_loss, value_loss, rtol=1e-5)
    # The actor of before the update follows the critic of after it.
    policy_loss = -np.mean(critic(t.observations, actions))
    np.testing.assert_allclose(metrics.policy_loss, policy_loss, rtol=1e-4)
    assert t.discounts.min() == 0.0 and metrics.is_finite


def test_the_actor_climbs_the_critic(agent):
    """Its gradient is that of -mean Q(s, π(s)), and leaves the critic alone."""
    actor, critic, *_ = parts(agent)
    t = transitions()
    own = agent._agent
    with tf.GradientTape() as tape:
        loss = own.actor_loss(own_time_steps(t))
    gradients = tape.gradient(loss, [v.value for v in actor.trainable_variables])
    np.testing.assert_allclose(loss, -np.mean(critic(t.observations, actor(t.observations))))
    for variable, gradient in zip(actor.trainable_variables, gradients, strict=True):
        place, step = (0,) * variable.ndim, 1e-2
        before, found = variable.numpy(), []
        for sign in (1, -1):
            changed = before.copy()
            changed[place] += sign * step
            variable.assign(changed)
            found.append(-np.mean(critic(t.observations, actor(t.observations))))
        variable.assign(before)
        slope = (found[0] - found[1]) / (2 * step)
        np.testing.assert_allclose(gradient[place], slope, rtol=0.05, atol=2e-5)


def own_time_steps(t):
    from agents.tfa.off_policy import as_experience

    return as_experience(Transitions(*map(tf.constant, t))).time_step


def test_soft_updates_are_exact(agent):
    spread(agent)
    *_, models = parts(agent)
    before = [model.get_weights() for model in models]
    agent._learn(transitions())
    tau, rest = np.float32(0.1), np.float32(1 - 0.1)
    for learned, target, old in zip(models[:2], models[2:], before[2:], strict=True):
        for new, now, was in zip(learned.get_weights(), target.get_weights(), old, strict=True):
            np.testing.assert_array_equal(now, rest * was + tau * new)
    for model, old in zip(models[:2], before[:2], strict=True):
        for now, was in zip(model.get_weights(), old, strict=True):
            assert not np.array_equal(now, was)


def test_targets_start_as_what_they_follow(agent):
    *_, models = parts(agent)
    for learned, target in zip(models[:2], models[2:], strict=True):
        for one, other in zip(learned.get_weights(), target.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('spoiled', ['rewards', 'observations'])
def test_an_update_that_is_not_finite_changes_no_weight(agent, spoiled):
    *_, models = parts(agent)
    t = transitions()
    getattr(t, spoiled)[2] = np.nan
    before = [model.get_weights() for model in models]
    metrics = agent._learn(t)
    assert not metrics.is_finite and np.isfinite(metrics.value_magnitude)
    after = [model.get_weights() for model in models]
    for one, other in zip(sum(before[:2], []), sum(after[:2], []), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(sum(before[2:], []), sum(after[2:], []), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)  # They may approach the same weights.
    assert agent._learn(transitions()).is_finite


def test_it_explores_with_correlated_noise_within_the_space(agent):
    observations = np.zeros((1, 3), np.float32)
    calm = agent.step_model.step(observations, (), 0).actions
    noise = []
    for agent.num_steps in range(400):
        actions, values = agent._explore(observations, np.array([agent.num_steps == 0]))
        assert actions.dtype == np.float32 and actions.shape == (1, 1) and values.shape == (1,)
        noise.append(float((actions - calm)[0, 0]))
    assert np.abs(noise).max() < 2.01
    # σ is in halves of the range, which is 2.
    assert 0.3 < np.std(noise) / (2 * 0.2 / np.sqrt(1 - 0.85**2)) < 2.0
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] > 0.5
