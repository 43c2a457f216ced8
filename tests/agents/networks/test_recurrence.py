"""Networks with an LSTM: step by step and in one call they are the same; they remember."""

import dataclasses
import functools

import gymnasium
import numpy as np
import pytest
import tensorflow as tf

from agents.actor_critic.a2c import A2C
from agents.actor_critic.a3c import A3C
from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.distributions import discrete
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.networks import backprop, policy_value
from envs.config import EnvConfig
from tests.helpers import memory_task

T, B, UNITS, NUM_ACTIONS = 7, 3, 6, 4
PICTURE = gymnasium.spaces.Box(0, 255, (44, 44, 2), np.uint8)
VECTOR = gymnasium.spaces.Box(-1.0, 1.0, (5,), np.float32)
BOTH = gymnasium.spaces.Dict(screen=PICTURE, variables=VECTOR)
VARIANTS = [
    (name, activation, fed)
    for name in policy_value.NETWORKS
    for activation in ('relu', 'elu')
    for fed in (False, True)
    if (name, activation) not in (('impala', 'elu'), ('mlp', 'elu'), ('nature', 'elu'))
]
VARIANTS += [('a3c with variables', 'relu', fed) for fed in (False, True)]


class Episodes(gymnasium.Env):
    """Random observations and rewards; episodes of 1 to 4 steps, some of them cut."""

    action_space = gymnasium.spaces.Discrete(NUM_ACTIONS)

    def __init__(self, space):
        self.observation_space = space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        ended, cut = self.np_random.random(2) < 0.25
        reward = float(self.np_random.normal())
        return self.observation_space.sample(), reward, bool(ended), bool(cut), {}


def make(name, activation, fed):
    space = {'mlp': VECTOR, 'a3c with variables': BOTH}.get(name, PICTURE)
    network = policy_value.build(
        name.split()[0],
        space,
        NUM_ACTIONS,
        0,
        activation=activation,
        lstm_units=UNITS,
        feed_last_action_reward=fed,
    )
    rng = np.random.default_rng(0)
    for variable in network.trainable_variables:  # Biases and the policy head start near zero.
        variable.assign_add(rng.normal(scale=0.05, size=variable.shape))
    return network, space


def rollout_of(network, space, num_rollouts=2):
    """The second rollout, which begins with a memory and within episodes; and its forward pass."""
    step_model = StepModel(network, discrete.Categorical(NUM_ACTIONS), seed=1)
    envs = gymnasium.vector.SyncVectorEnv(
        [functools.partial(Episodes, space)] * B,
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
    runner = Runner(envs, step_model, T, 0.9)
    runner.reset(seed=0)
    results = [runner.run() for _ in range(num_rollouts)]
    return results[-1]


def flat(array):
    return tf.reshape(array, [-1, *np.shape(array)[2:]])


def step_by_step(network, rollout, forward_pass):
    """Logits and values `[T * B, ...]` by the Keras model itself, one step after the other."""
    memory = list(map(tf.convert_to_tensor, forward_pass.memories[0]))
    logits, values = [], []
    for t in range(T):
        keep = tf.cast(~rollout.starts[t], tf.float32)[:, None]
        if t and len(memory) > 2:
            action = tf.one_hot(rollout.actions[t - 1], NUM_ACTIONS)
            memory[2:] = [action, rollout.rewards[t - 1][:, None]]
        memory = [keep * array for array in memory]
        seen = [tf.constant(part[t]) for part in tf.nest.flatten(rollout.observations)]
        own_logits, own_values, *state = network([*seen, *memory])
        logits.append(own_logits)
        values.append(own_values)
        memory[:2] = state
    return tf.concat(logits, 0), tf.concat(values, 0)


def gradients_of(network, rollout, forward_pass, of_outputs):
    """The outputs of the whole rollout in one call, and the gradients of the weights."""

    @tf.function
    def function(observations, memories, activations, starts, of_outputs):
        seen = map(flat, tf.nest.flatten(observations))
        inputs = [*seen, *(tf.concat(m, 0) for m in zip(*memories, strict=True))]
        activations = [tf.concat(steps, 0) for steps in zip(*activations, strict=True)]
        outputs, vjp = backprop.vjp_from_activations(network, inputs, activations, starts)
        return outputs, vjp(of_outputs)

    return function(rollout.observations, *forward_pass, rollout.starts, of_outputs)


def random_gradients():
    """Random gradients of logits and values."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=s).astype(np.float32) for s in ((T * B, NUM_ACTIONS), (T * B,))]


@pytest.mark.parametrize('name, activation, fed', VARIANTS)
def test_a_rollout_in_one_call_is_the_rollout_step_by_step(name, activation, fed):
    network, space = make(name, activation, fed)
    rollout, forward_pass = rollout_of(network, space)
    assert rollout.starts.any() and not rollout.starts.all()
    of_outputs = random_gradients()
    with tf.GradientTape() as tape:
        expected = step_by_step(network, rollout, forward_pass)
    variables = [variable.value for variable in network.trainable_variables]
    expected_gradients = tape.gradient(expected, variables, of_outputs)
    outputs, gradients = gradients_of(network, rollout, forward_pass, of_outputs)
    np.testing.assert_allclose(outputs[1], flat(rollout.values), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


def test_no_gradient_goes_back_beyond_a_start():
    network, space = make('mlp', 'relu', True)
    rollout, forward_pass = rollout_of(network, space)
    observations = rollout.observations.copy()
    observations[:3] += 1.0
    of_outputs = random_gradients()
    for of_output in of_outputs:
        of_output[: 3 * B] = 0.0  # Only what comes after is learned.
    for begins in (True, False):
        starts = np.zeros((T, B), bool)
        starts[3] = begins
        one = rollout._replace(starts=starts)
        other = one._replace(observations=observations)
        gradients = [gradients_of(network, r, forward_pass, of_outputs)[1][0] for r in (one, other)]
        assert np.array_equal(*gradients) == begins


def test_a_truncated_episode_is_valued_with_its_own_memory():
    """V(s_final) is that of the episode that was cut, not of the one that begins."""
    network, space = make('mlp', 'relu', True)

    class Cut(Episodes):
        def step(self, action):
            return *super().step(action)[:2], False, True, {}

    step_model = StepModel(network, discrete.Categorical(NUM_ACTIONS), seed=1)
    envs = gymnasium.vector.SyncVectorEnv(
        [lambda: Cut(VECTOR)], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )
    runner, seen = Runner(envs, step_model, 1, 0.9), []
    runner.reset(seed=0)
    value = step_model.value
    step_model.value = lambda *args: (seen.append(args), value(*args))[1]
    rollout, _ = runner.run()
    (_, memory), (_, after) = seen
    assert all(np.any(array) for array in memory)
    assert not any(np.any(array) for array in after)
    assert rollout.starts.all() and not rollout.discounts.any()


@pytest.mark.parametrize('loss_reduction', ['mean', 'sum'])
def test_an_lstm_learns_by_the_gradient_through_time(loss_reduction):
    network, space = make('mlp', 'relu', True)
    rollout, forward_pass = rollout_of(network, space)
    config = A2CConfig(lstm_units=UNITS, max_grad_norm=0.0, loss_reduction=loss_reduction)
    train_model = TrainModel(network, discrete.Categorical(NUM_ACTIONS), config)
    gradients = train_model.gradients(rollout, forward_pass, entropy_cost=0.02)
    with tf.GradientTape() as tape:
        logits, values = step_by_step(network, rollout, forward_pass)
        log_probs = tf.math.log(tf.nn.softmax(logits))
        targets = flat(gradients.targets)
        chosen = tf.gather(log_probs, flat(rollout.actions), batch_dims=1)
        terms = (
            -chosen * (targets - flat(rollout.values))
            + config.value_cost * 0.5 * (targets - values) ** 2
            + 0.02 * tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)
        )
        loss = tf.reduce_sum(terms) if loss_reduction == 'sum' else tf.reduce_mean(terms)
    expected = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    for ours, theirs in zip(gradients.gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


MEMORY = {
    'network': 'mlp', 'total_steps': 30_000, 'unroll_length': 10, 'optimizer': 'adam',
    'learning_rate': 3e-3, 'lr_schedule': 'constant', 'seed': 1, 'loss_reduction': 'mean',
    'max_grad_norm': 0.5, 'entropy_cost': 0.003,
}  # fmt: skip


def mean_return(agent, config):
    """Mean return of the last 300 episodes of a training."""
    returns = []
    while agent.num_steps < config.total_steps:
        agent.update()
        returns += [episode['return'] for episode in agent.episodes]
    agent.close()
    assert len(returns) > 1000
    return np.mean(returns[-300:])


AGENTS = [
    (A2C, A2CConfig(num_envs=8, **MEMORY)),
    (A3C, A3CConfig(num_workers=3, envs_per_worker=4, **MEMORY)),
]


@pytest.mark.parametrize('agent_class, config', AGENTS, ids=['a2c', 'a3c'])
def test_a_cue_is_remembered_with_an_lstm_and_cannot_be_without(agent_class, config):
    make_envs = memory_task.playing(memory_task.MemoryTask)
    with_lstm = dataclasses.replace(config, lstm_units=16)
    assert mean_return(agent_class(with_lstm, EnvConfig('CartPole-v1'), make_envs), with_lstm) > 0.9
    # Of 300 fair games the mean is within 0.3 of zero: five standard deviations.
    without = dataclasses.replace(config, total_steps=10_000)
    assert (
        abs(mean_return(agent_class(without, EnvConfig('CartPole-v1'), make_envs), without)) < 0.3
    )


SIGNS = {
    'network': 'a3c', 'total_steps': 6_000, 'unroll_length': 5, 'optimizer': 'adam',
    'learning_rate': 2e-3, 'lr_schedule': 'constant', 'seed': 1, 'discount': 0.5,
}  # fmt: skip


@pytest.mark.parametrize(
    'agent_class, config',
    [
        (A2C, A2CConfig(num_envs=8, num_groups=2, overlap=True, **SIGNS)),
        (A3C, A3CConfig(num_workers=2, envs_per_worker=4, **SIGNS)),
    ],
    ids=['a2c', 'a3c'],
)
def test_what_only_variables_tell_is_learned(agent_class, config):
    """Both choices of a step are right by chance in one of four cases: a return of -0.5."""
    make_envs = memory_task.playing(memory_task.SignTask)
    assert mean_return(agent_class(config, EnvConfig('CartPole-v1'), make_envs), config) > 0.3


def test_what_only_rewards_tell_is_learned_from_the_last_reward():
    make_envs = memory_task.playing(memory_task.EchoTask)
    config = dataclasses.replace(AGENTS[0][1], lstm_units=16)
    fed = dataclasses.replace(config, feed_last_action_reward=True)
    assert mean_return(A2C(fed, EnvConfig('CartPole-v1'), make_envs), fed) > 0.9
    unfed = dataclasses.replace(config, total_steps=10_000)
    assert abs(mean_return(A2C(unfed, EnvConfig('CartPole-v1'), make_envs), unfed)) < 0.3
