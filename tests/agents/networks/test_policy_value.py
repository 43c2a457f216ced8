"""Networks: shapes, seeds, weights, gradients, files, and what they refuse."""

import subprocess
import sys

import gymnasium
import keras
import numpy as np
import pytest
import tensorflow as tf

from agents.networks import policy_value
from envs.errors import UsageError

PICTURE = gymnasium.spaces.Box(0, 255, [84, 84, 4], np.uint8)
SMALL = gymnasium.spaces.Box(0, 255, [36, 44, 2], np.uint8)
VECTOR = gymnasium.spaces.Box(-1.0, 1.0, [6], np.float32)
BOTH = gymnasium.spaces.Dict(screen=SMALL, variables=VECTOR)


def space_of(name, picture=SMALL):
    return VECTOR if name == 'mlp' else picture


def batch_of(space, size=3):
    space.seed(0)
    return np.stack([space.sample() for _ in range(size)])


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_maps_a_batch_to_logits_and_values(name):
    model = policy_value.build(name, space_of(name), num_logits=7, seed=0)
    observations = batch_of(space_of(name), 5)
    logits, values = tf.function(model)(tf.constant(observations))
    assert (logits.shape, values.shape) == ((5, 7), (5,))
    assert logits.dtype == values.dtype == tf.float32
    one_logits, one_value = model(observations[2:3])  # A batch of one keeps its dimension.
    np.testing.assert_allclose(one_logits, logits[2:3], atol=1e-5)
    np.testing.assert_allclose(one_value, values[2:3], atol=1e-5)
    assert len(np.unique(values)) == 5


@pytest.mark.parametrize('options', [{}, {'lstm_units': 4, 'feed_last_action_reward': True}])
@pytest.mark.parametrize('name', policy_value.PICTURE_NETWORKS)
def test_variables_join_the_features_of_the_picture(name, options):
    """Earlier layers stay as they were; each number of both inputs matters to both heads."""
    plain = policy_value.build(name, SMALL, 7, seed=0, **options)
    model = policy_value.build(name, BOTH, 7, seed=0, **options)
    names = [tensor.name for tensor in model.inputs]
    assert names[:2] == ['observations', 'variables']
    assert names[2:] == [tensor.name for tensor in plain.inputs[1:]]
    joined = 64 * (4 * options['lstm_units'] if options else 7 + 1)
    assert model.count_params() - plain.count_params() == 7 * 64 + joined
    first = next(layer.name for layer in plain.layers if layer.weights)
    for ours, theirs in zip(
        *(m.get_layer(first).get_weights() for m in (model, plain)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    memory = [tf.ones((3, *tensor.shape[1:])) for tensor in model.inputs[2:]]
    screens = tf.constant(batch_of(SMALL))
    variables = tf.constant(batch_of(VECTOR))
    for head in (0, 1):
        with tf.GradientTape() as tape:
            tape.watch(variables)
            output = tf.reduce_sum(model([screens, variables, *memory])[head][..., :1])
        assert np.all(np.any(tape.gradient(output, variables), axis=0))
        dark = model([screens * 0, variables, *memory])[head]
        assert np.any(dark != model([screens, variables, *memory])[head])


@pytest.mark.parametrize(
    'name, space',
    [
        ('mlp', BOTH),
        ('a3c', gymnasium.spaces.Dict(screen=VECTOR, variables=VECTOR)),
        ('a3c', gymnasium.spaces.Dict(screen=SMALL)),
        ('a3c', gymnasium.spaces.Dict(camera=SMALL, variables=VECTOR)),
    ],
)
def test_other_parts_are_refused(name, space):
    with pytest.raises(UsageError, match='takes'):
        policy_value.build(name, space, 4, seed=0)


def test_sizes_are_those_of_the_papers():
    """Weights and biases, counted by hand."""
    heads = {name: (units + 1) * (18 + 1) for name, units in (('nature', 512), ('a3c', 256))}
    expected = {
        'nature': 8224 + 32832 + 36928 + (7 * 7 * 64 + 1) * 512 + heads['nature'],
        'a3c': 4112 + 8224 + (9 * 9 * 32 + 1) * 256 + heads['a3c'],
        'impala': (592 + 4 * 2320)
        + (4640 + 4 * 9248)
        + (9248 + 4 * 9248)
        + (11 * 11 * 32 + 1) * 256
        + 257 * 19,
        'mlp': 2 * (7 * 64 + 65 * 64) + 65 * 19,
    }
    counted = {
        name: policy_value.build(name, space_of(name, PICTURE), 18, 0).count_params()
        for name in policy_value.NETWORKS
    }
    assert counted == expected


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_the_seed_alone_decides_the_weights(name):
    keras.utils.set_random_seed(1)
    first = policy_value.build(name, space_of(name), 4, seed=3).get_weights()
    keras.utils.set_random_seed(2)
    again = policy_value.build(name, space_of(name), 4, seed=3).get_weights()
    other = policy_value.build(name, space_of(name), 4, seed=4).get_weights()
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not one.any() or (one != different).mean() > 0.9  # Biases are zero.


def test_another_process_builds_the_same_weights(tmp_path):
    code = (
        'import sys, gymnasium; from agents.networks import policy_value as networks; '
        "space = gymnasium.spaces.Box(0, 255, [36, 44, 2], 'uint8'); "
        "networks.build('a3c', space, 4, seed=3).save(sys.argv[1])"
    )
    path = tmp_path / 'model.keras'
    subprocess.run([sys.executable, '-c', code, path], check=True, capture_output=True)
    theirs = keras.saving.load_model(path).get_weights()
    ours = policy_value.build('a3c', SMALL, 4, seed=3).get_weights()
    for one, same in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_weights_are_orthogonal_with_the_right_gains(name):
    model = policy_value.build(name, space_of(name), 4, seed=0)
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        assert not bias.any()
        gain = {'policy': 0.01, 'value': 1.0}.get(layer.name, np.sqrt(2.0))
        if name == 'impala' and isinstance(layer, keras.layers.Conv2D):
            gain = np.sqrt(2.0) if layer.name.endswith('_conv1') else 1.0  # A relu follows.
        matrix = kernel.reshape([-1, kernel.shape[-1]])
        if matrix.shape[0] < matrix.shape[1]:
            matrix = matrix.T
        gram = matrix.T @ matrix
        np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_starts_close_to_equally_probable_actions(name):
    model = policy_value.build(name, space_of(name, PICTURE), 6, seed=0)
    logits, _ = model(batch_of(space_of(name, PICTURE)))
    probs = keras.ops.softmax(logits)
    np.testing.assert_allclose(probs, np.full([3, 6], 1 / 6), atol=0.03)


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_all_weights_learn_and_the_mlp_shares_none(name):
    model = policy_value.build(name, space_of(name), 4, seed=0)
    with tf.GradientTape(persistent=True) as tape:
        logits, values = model(batch_of(space_of(name)))
        targets = {'policy': tf.reduce_sum(logits[:, 0]), 'value': tf.reduce_sum(values)}
    paths = [variable.path for variable in model.trainable_variables]
    reached = {
        head: {
            path
            for path, g in zip(paths, tape.gradient(loss, model.trainable_variables), strict=True)
            if g is not None and np.any(g)
        }
        for head, loss in targets.items()
    }
    assert reached['policy'] | reached['value'] == set(paths)
    torso = {path for path in paths if not path.startswith(('policy/', 'value/'))}
    shared = reached['policy'] & reached['value']
    assert shared == (set() if name == 'mlp' else torso)


@pytest.mark.parametrize('options', [{}, {'hidden_units': (8,)}, {'hidden_units': (16, 8, 4)}])
def test_an_mlp_has_the_units_that_are_asked_for_and_may_share_them(options):
    sizes = options.get('hidden_units', (64, 64))
    apart = policy_value.build('mlp', VECTOR, 4, seed=0, **options)
    joined = policy_value.build('mlp', VECTOR, 4, seed=0, shared_torso=True, **options)
    for model, torsos in ((apart, ('policy', 'value')), (joined, ('features',))):
        layers = [layer for layer in model.layers if '_dense' in layer.name]
        wanted = {f'{t}_dense{i}': n for t in torsos for i, n in enumerate(sizes, 1)}
        assert {layer.name: layer.units for layer in layers} == wanted
        assert [x.shape for x in model(batch_of(VECTOR))] == [(3, 4), (3,)]


def test_pictures_are_scaled_once():
    """255 acts as 1 would: the model of uint8 equals its layers fed with floats in [0, 1]."""
    model = policy_value.build('a3c', SMALL, 4, seed=0)
    pictures = batch_of(SMALL)
    x = tf.constant(pictures / 255.0, tf.float32)
    for name in (
        'conv1',
        'activation1',
        'conv2',
        'activation2',
        'flatten',
        'dense',
        'features',
        'value',
    ):
        x = model.get_layer(name)(x)
    np.testing.assert_allclose(model(pictures)[1], x[:, 0], rtol=1e-4, atol=1e-5)


def test_byte_vectors_are_scaled_too():
    space = gymnasium.spaces.Box(0, 255, [128], np.uint8)  # The RAM of an Atari.
    model = policy_value.build('mlp', space, 4, seed=0)
    hidden = model.get_layer('value_dense1')(tf.constant(batch_of(space) / 255.0, tf.float32))
    hidden = model.get_layer('value_dense2')(hidden)
    expected = model.get_layer('value')(hidden)[:, 0]
    np.testing.assert_allclose(model(batch_of(space))[1], expected, rtol=1e-4, atol=1e-5)


def test_vectors_of_double_precision_are_taken():
    space = gymnasium.spaces.Box(-1.0, 1.0, [6], np.float64)
    logits, _ = policy_value.build('mlp', space, 4, seed=0)(batch_of(space))
    assert logits.dtype == tf.float32


@pytest.mark.parametrize('name', policy_value.NETWORKS)
def test_files_load_with_keras_alone_in_safe_mode(name, tmp_path):
    """Nothing in the file needs this code: all layers are Keras' own, and none is a Lambda."""
    model = policy_value.build(name, space_of(name), 4, seed=0)
    observations = batch_of(space_of(name))
    model.save(tmp_path / 'model.keras')
    loaded = keras.saving.load_model(tmp_path / 'model.keras', safe_mode=True, custom_objects={})
    for result, expected in zip(loaded(observations), model(observations), strict=True):
        np.testing.assert_array_equal(result, expected)
    modules = {type(layer).__module__.partition('.')[0] for layer in loaded.layers}
    assert modules == {'keras'}
    assert [v.path for v in loaded.variables] == [v.path for v in model.variables]


@pytest.mark.parametrize(
    'name, shape, words',
    [
        ('natur', [84, 84, 4], r"unknown network 'natur'; there are: nature, a3c, impala, mlp"),
        ('nature', [4], r"'nature' takes pictures.*right for these: mlp"),
        ('impala', [4], r"'impala' takes pictures.*right for these: mlp"),
        ('mlp', [84, 84, 4], r"'mlp' takes vectors.*right for these: nature, a3c, impala"),
        ('mlp', [84, 84], r'no network takes observations of shape \(84, 84\)'),
        ('nature', [84, 35, 4], r'at least 36 x 36 pixels, not 84 x 35'),
        ('a3c', [19, 84, 4], r'at least 20 x 20 pixels, not 19 x 84'),
    ],
)
def test_refuses_what_does_not_fit_in_one_line(name, shape, words):
    space = gymnasium.spaces.Box(0, 255, shape, np.uint8)
    with pytest.raises(UsageError, match=words) as error:
        policy_value.build(name, space, 4, seed=0)
    assert '\n' not in str(error.value)


def test_refuses_observations_without_a_shape():
    space = gymnasium.spaces.Dict({'a': VECTOR})
    with pytest.raises(UsageError, match='no network'):
        policy_value.build('mlp', space, 4, seed=0)


@pytest.mark.parametrize('name, side', [('nature', 36), ('a3c', 20), ('impala', 1)])
def test_the_smallest_picture_is_really_enough(name, side):
    space = gymnasium.spaces.Box(0, 255, [side, side, 1], np.uint8)
    logits, values = policy_value.build(name, space, 4, seed=0)(batch_of(space))
    assert (logits.shape, values.shape) == ((3, 4), (3,))
