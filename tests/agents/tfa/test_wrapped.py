"""Models of Keras 3 as networks of TF-Agents, and the noise of the target actor of TD3."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces

from agents.networks import continuous
from agents.tfa import wrapped

# isort: split
from tf_agents.networks import network
from tf_agents.specs import tensor_spec

OBSERVATIONS = spaces.Box(-np.inf, np.inf, (3,))
ACTIONS = spaces.Box(np.float32([-2.0, 0.0]), np.float32([2.0, 6.0]))
SPECS = tensor_spec.TensorSpec((3,), tf.float32), tensor_spec.TensorSpec((2,), tf.float32)


@pytest.fixture(scope='module')
def built():
    return continuous.build(OBSERVATIONS, ACTIONS, (8, 8), 1)


@pytest.fixture(scope='module')
def observations():
    return tf.constant(np.random.default_rng(0).normal(size=(4000, 3)), tf.float32)


def test_it_answers_as_the_model_does(built, observations):
    actor = wrapped.WrappedNetwork(built.actor, SPECS[0])
    critic = wrapped.WrappedNetwork(built.critics[0], SPECS)
    assert isinstance(actor, network.Network)
    actions, state = actor(observations, step_type=None, network_state=())
    assert state == ()
    np.testing.assert_array_equal(actions, built.actor(observations))
    values, _ = critic((observations, actions))
    np.testing.assert_array_equal(values, built.critics[0]([observations, actions]))
    tf.random.set_seed(0)  # It makes up observations, which must be seeded after some other tests.
    assert actor.create_variables().shape == (2,)


def test_its_variables_are_those_of_the_model(built):
    actor = wrapped.WrappedNetwork(built.actor, SPECS[0])
    for names in ('variables', 'weights', 'trainable_variables', 'trainable_weights'):
        for raw, variable in zip(getattr(actor, names), built.actor.variables, strict=True):
            assert isinstance(raw, tf.Variable) and raw is variable.value


def test_a_copy_has_weights_of_its_own(built, observations):
    actor = wrapped.WrappedNetwork(built.actor, SPECS[0])
    other = actor.copy(name='other')
    assert (other.name, len(other.variables)) == ('other', len(actor.variables))
    assert isinstance(other.model, keras.Model)
    for one, its in zip(actor.variables, other.variables, strict=True):
        its.assign(one + 1.0)
    assert not np.allclose(actor(observations)[0], other(observations)[0])


def smoothed(built, noise, clip, seed=1, count=0):
    actor = wrapped.WrappedNetwork(built.actor, SPECS[0])
    other = wrapped.SmoothedActor.smoothing(
        actor,
        ACTIONS,
        noise=np.float32(noise),
        clip=np.float32(clip),
        seed=seed,
        count=tf.Variable(count, dtype=tf.int64),
    )
    other.model.set_weights(built.actor.get_weights())
    return other


def test_noise_of_the_target_actor_has_its_size_and_its_bounds(built, observations):
    calm, (actions, _) = (
        built.actor(observations),
        smoothed(built, [0.1, 0.3], [9, 9])(observations),
    )
    noise = (actions - calm).numpy()
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=0.02)
    np.testing.assert_allclose(noise.std(axis=0), [0.1, 0.3], rtol=0.05)
    clipped = smoothed(built, [0.1, 0.3], [0.05, 0.1])(observations)[0] - calm
    np.testing.assert_allclose(np.abs(clipped).max(axis=0), [0.05, 0.1], rtol=1e-4)
    np.testing.assert_allclose(clipped, np.clip(noise, [-0.05, -0.1], [0.05, 0.1]), atol=1e-6)


def test_smoothed_actions_stay_within_the_space(built, observations):
    actions = smoothed(built, [5.0, 5.0], [9.0, 9.0])(observations)[0].numpy()
    np.testing.assert_array_equal(actions.min(axis=0), ACTIONS.low)
    np.testing.assert_array_equal(actions.max(axis=0), ACTIONS.high)


def test_noise_follows_from_seed_and_count(built, observations):
    def actions(**options):
        return smoothed(built, [0.1, 0.1], [1.0, 1.0], **options)(observations)[0].numpy()

    np.testing.assert_array_equal(actions(), actions())
    assert not np.array_equal(actions(), actions(count=1))
    assert not np.array_equal(actions(), actions(seed=2))
