"""TD3's targets by hand, and what it updates when. TF-Agents skips its own test of this."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from agents.configs.off_policy import TD3Config
from agents.experience.replay import Transitions
from agents.tfa.off_policy import as_experience
from agents.tfa.td3 import TD3
from tests.helpers.games import PENDULUM

CONFIG = TD3Config(
    hidden_units=(8, 6), batch_size=8, replay_capacity=1000, learning_starts=20, seed=1,
    discount=0.9, tau=0.25,
)  # fmt: skip


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


def critic_loss(agent, t):
    experience = as_experience(Transitions(*map(tf.constant, t)))
    return agent._agent.critic_loss(
        experience.time_step, experience.action_step.action, experience.next_time_step
    ).numpy()


def models(agent):
    own = agent._agent
    networks = [
        own._actor_network, own._critic_network_1, own._critic_network_2,
        own._target_actor_network, own._target_critic_network_1, own._target_critic_network_2,
    ]  # fmt: skip
    return [network.model for network in networks]


def make_constant(model, value):
    """Q(s, a) = value, whatever s and a."""
    *weights, last = model.get_weights()
    model.set_weights([*(np.zeros_like(w) for w in weights), np.full_like(last, value)])


@pytest.mark.parametrize('first, second', [(3.0, 5.0), (5.0, 3.0), (-2.0, 1.0)])
def test_the_smaller_target_counts_for_both_critics(agent, first, second):
    _, critic_1, critic_2, _, target_1, target_2 = models(agent)
    for model, value in ((critic_1, 1.5), (critic_2, -0.5), (target_1, first), (target_2, second)):
        make_constant(model, value)
    t = transitions()
    targets = t.rewards + 0.9 * t.discounts * min(first, second)
    wanted = np.mean((targets - 1.5) ** 2 + (targets + 0.5) ** 2)
    np.testing.assert_allclose(critic_loss(agent, t), wanted, rtol=1e-5)


def test_targets_look_at_smoothed_actions_within_the_space(agent):
    """Target critics that answer with the action itself; a target actor at the upper bound."""
    _, critic_1, critic_2, target_actor, target_1, target_2 = models(agent)
    for critic in (critic_1, critic_2):
        make_constant(critic, 0.0)
    for critic in (target_1, target_2):
        weights = [np.zeros_like(w) for w in critic.get_weights()]
        # Two units make a/2 of the action, relu(a/2) - relu(-a/2): the last of four inputs.
        weights[0][3, :2], weights[2][:2, :2], weights[4][:2, 0] = (1, -1), np.eye(2), (1, -1)
        critic.set_weights(weights)
    *weights, last = target_actor.get_weights()
    target_actor.set_weights([*(np.zeros_like(w) for w in weights), np.full_like(last, 50.0)])
    t = transitions(num=2000)._replace(
        rewards=np.zeros(2000, np.float32), discounts=np.ones(2000, np.float32)
    )
    # ã = min(2 + clip(0.4 ε, -1, 1), 2); half of it is 1 + min(clip(0.2 ε, -0.5, 0.5), 0).
    noise = 1 + np.minimum(np.clip(0.2 * np.random.default_rng(0).normal(size=10**6), -0.5, 0.5), 0)
    wanted = 2 * 0.9**2 * np.mean(noise**2)
    np.testing.assert_allclose(critic_loss(agent, t), wanted, rtol=0.02)
    assert wanted < 0.95 * 2 * 0.9**2  # As it would be without noise, or more without the bound.


def test_actor_and_targets_move_with_every_second_update_together(agent):
    tau, rest = np.float32(0.25), np.float32(0.75)
    for update in range(4):
        before = [model.get_weights() for model in models(agent)]
        metrics = agent._learn(transitions(seed=update))
        after = [model.get_weights() for model in models(agent)]
        moved = [
            any(not np.array_equal(a, b) for a, b in zip(*pair, strict=True))
            for pair in zip(before, after, strict=True)
        ]
        is_due = update % 2 == 0
        assert moved == [is_due, True, True, is_due, is_due, is_due] and metrics.is_finite
        for learned, target, old in zip(after[:3], after[3:], before[3:], strict=True):
            for new, now, was in zip(learned, target, old, strict=True):
                wanted = rest * was + tau * new if is_due else was
                np.testing.assert_array_equal(now, wanted)


def test_the_critics_start_different(agent):
    _, critic_1, critic_2, *_ = models(agent)
    assert not np.array_equal(critic_1.get_weights()[0], critic_2.get_weights()[0])


def test_the_actor_follows_the_first_critic(agent):
    actor, critic_1, critic_2, *_ = models(agent)
    make_constant(critic_2, 7.0)
    t = transitions()
    observations = tf.constant(t.observations)
    wanted = -np.mean(critic_1([observations, actor(observations)]))
    experience = as_experience(Transitions(*map(tf.constant, t)))
    loss = agent._agent.actor_loss(experience.time_step)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_it_begins_with_random_actions_of_the_whole_space(agent):
    observations = np.zeros((1, 3), np.float32)
    calm = agent.step_model.step(observations, (), 0).actions[0, 0]
    config = dataclasses.replace(CONFIG, learning_starts=500)
    agent.config, actions = config, []
    for agent.num_steps in range(600):
        actions.append(agent._explore(observations, np.zeros(1, bool))[0][0, 0])
    first, later = np.array(actions[:500]), np.array(actions[500:])
    assert -2 <= first.min() < -1.9 and 1.9 < first.max() <= 2
    assert abs(first.mean()) < 0.25 and abs(first.std() - 4 / np.sqrt(12)) < 0.1
    np.testing.assert_allclose(later.mean(), calm, atol=0.1)
    np.testing.assert_allclose(later.std(), 0.2, rtol=0.3)  # 0.1 halves of the range


@pytest.mark.parametrize('spoiled', ['rewards', 'observations'])
def test_an_update_that_is_not_finite_changes_no_weight(agent, spoiled):
    """Neither of the critics nor, since they were not updated, of the actor."""
    for seed in range(3):  # With the third one the actor is due.
        t = transitions(seed=seed)
        if seed:
            getattr(t, spoiled)[2] = np.nan
        before = [model.get_weights() for model in models(agent)[:3]]
        moments = [v.numpy() for v in agent._parts.actor_updates._adam.variables[2:]]
        assert agent._learn(t).is_finite == (seed == 0)
    for model, old in zip(models(agent)[:3], before, strict=True):
        for now, was in zip(model.get_weights(), old, strict=True):
            np.testing.assert_array_equal(now, was)
    for now, was in zip(agent._parts.actor_updates._adam.variables[2:], moments, strict=True):
        np.testing.assert_array_equal(now, was)
    assert agent._learn(transitions()).is_finite


def test_a_gradient_of_the_actor_that_is_not_finite_concerns_one_update():
    agent = TD3(dataclasses.replace(CONFIG, policy_delay=3), PENDULUM)
    agent._learn(transitions())
    agent._parts.actor_updates.norm.assign(np.inf)  # As an update that was due has left it.
    assert [agent._learn(transitions()).is_finite for _ in range(2)] == [True, True]
    agent.close()
