"""Estimators of the policy gradient, and statistics of the gradients that they give.

S is the number of steps, B of environments, E of estimators, P of the policy's parameters.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from agents.actor_critic.a2c import A2C
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from agents.distributions.base import Distribution
from agents.evaluation import results
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.learning import losses, optimizers, returns
from agents.learning.compiled import Compiled
from envs.config import EnvConfig
from envs.fields import require
from envs.make import make_vec_env
from research.gradient_variance.options import Options

N_STEPS, LAMBDA = 5, 0.95
ESTIMATORS = ('REINFORCE', 'with a baseline', f'GAE {LAMBDA}', f'{N_STEPS} steps', 'one step')
CRITICS = ('fitted critic', "A2C's critic")
_CHUNK = 50  # Steps that are collected at a time, a multiple of N_STEPS.
_NO_LIMIT = 100_000  # Agent steps: a cut episode would have no full return.
_FIT_SAMPLES, _FIT_RATE = 2_048, 1e-3


class Stream(NamedTuple):
    """Steps of the fixed policy: S steps of B environments, time-major."""

    observations: np.ndarray  # float32[S, B, D]
    actions: np.ndarray  # int32[S, B]
    rewards: np.ndarray  # float32[S, B]
    discounts: np.ndarray  # float32[S, B]; γ, or 0 where an episode ended
    last_observations: np.ndarray  # float32[B, D], s_S
    lengths: list[int]  # Of the episodes that ended in it


def train_policy(env_config: EnvConfig, steps: int, seed: int) -> tuple[keras.Model, Distribution]:
    """The policy and critic after a few steps of A2C with the preset of control problems."""
    preset = presets.PRESETS['classic_control']
    names = set(A2CConfig.__dataclass_fields__)
    options = {name: value for name, value in preset.items() if name in names}
    agent = A2C(A2CConfig(**{**options, 'seed': seed}), env_config)
    try:
        while agent.num_steps < steps:
            agent.update()
        return agent.network, agent.distribution
    finally:
        agent.close()


def play(env_config: EnvConfig, actor: StepModel, steps: int, num_envs: int, seed: int) -> Stream:
    """Lets the policy play."""
    envs = make_vec_env(env_config, range(num_envs))
    try:
        runner = Runner(envs, actor, _CHUNK, A2CConfig.discount)
        runner.reset(seed)
        rollouts, lengths = [], []
        for _ in range(steps // _CHUNK):
            rollout, _ = runner.run()
            rollouts.append(rollout)
            require(not any(e['truncated'] for e in runner.episodes), 'an episode was cut')
            lengths += [int(episode['length']) for episode in runner.episodes]
        names = Stream._fields[:4]
        parts = [np.concatenate([getattr(rollout, name) for rollout in rollouts]) for name in names]
        return Stream(*parts, np.array(envs.observations), lengths)
    finally:
        envs.close()


def values_of(network: keras.Model, stream: Stream) -> np.ndarray:
    """V of all observations, the last ones too, `float32[S + 1, B]`."""
    predict = Compiled(lambda observations: network(observations)[1])
    return np.stack([predict(o).numpy() for o in [*stream.observations, stream.last_observations]])


def fit(network: keras.Model, stream: Stream, targets: np.ndarray, epochs: int, seed: int) -> None:
    """Fits the critic to returns, `[S, B]`; the policy shares nothing with it."""
    variables = [v for v in network.trainable_variables if v.path.startswith('value')]
    optimizer = optimizers.make('adam', _FIT_RATE, rho=0.0, epsilon=0.0)
    optimizer.build(variables)

    def update(observations: tf.Tensor, targets: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(observations)[1] - targets))
        optimizer.learning_rate.assign(rate)
        gradients = tape.gradient(loss, variables)
        optimizer.apply_if(tf.constant(True), gradients, variables)
        return loss

    compiled, rng = Compiled(update), np.random.default_rng(seed)
    flat, flat_targets = stream.observations.reshape(targets.size, -1), targets.ravel()
    size = min(_FIT_SAMPLES, targets.size)
    num_updates = epochs * targets.size // size
    for number in range(num_updates):
        chosen = rng.integers(targets.size, size=size)
        rate = np.float32(_FIT_RATE * (1.0 - number / num_updates))
        compiled(flat[chosen], flat_targets[chosen], np.asarray(rate))


def advantages_of(stream: Stream, values: np.ndarray) -> dict[str, np.ndarray]:
    """A_t of every estimator, `float32[S, B]`, given V, `float32[S + 1, B]`."""
    rewards, discounts, num_steps = stream.rewards, stream.discounts, len(stream.rewards)
    now, last = values[:-1], values[-1]

    def generalized(lambda_: float) -> np.ndarray:
        return returns.generalized_advantages(rewards, discounts, now, last, lambda_)[0].numpy()

    def cut(array: np.ndarray) -> np.ndarray:
        """`[S, B]` to rollouts as A2C has them, `[n, S / n * B]`."""
        return array.reshape(num_steps // N_STEPS, N_STEPS, -1).swapaxes(0, 1).reshape(N_STEPS, -1)

    next_values = values[N_STEPS::N_STEPS].ravel()
    rollouts, _ = returns.generalized_advantages(
        cut(rewards), cut(discounts), cut(now), next_values, 1.0
    )
    n_step = rollouts.numpy().reshape(N_STEPS, num_steps // N_STEPS, -1).swapaxes(0, 1)
    full = returns.n_step_returns(rewards, discounts, last).numpy()
    each = (full, full - now, generalized(LAMBDA), n_step.reshape(now.shape), generalized(0.0))
    return dict(zip(ESTIMATORS, each, strict=True))


def gradients_of(
    network: keras.Model,
    distribution: Distribution,
    stream: Stream,
    advantages: np.ndarray,
    batch_steps: int,
    tail: int,
) -> np.ndarray:
    """Policy gradients, `float32[number of batches, E, P]`, with advantages `[E, S, B]`.

    A batch is a piece of what one environment did. Between two of them one is left out, so that
    they share no episode, or hardly one.
    """
    variables = [v for v in network.trainable_variables if v.path.startswith('policy')]

    def derive(observations: tf.Tensor, actions: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            logits, values = network(observations)
            policy_losses = [
                losses.a2c_losses(
                    distribution, logits, values, actions, row, values, 0.0, 0.0
                ).policy_loss
                for row in tf.unstack(advantages)
            ]
        rows = [tape.gradient(loss, variables) for loss in policy_losses]
        return tf.stack([tf.concat([tf.reshape(g, [-1]) for g in row], 0) for row in rows])

    compiled = Compiled(derive)
    starts = range(0, len(stream.rewards) - tail - batch_steps + 1, 2 * batch_steps)
    return np.stack([
        compiled(
            stream.observations[start : start + batch_steps, env].copy(),
            stream.actions[start : start + batch_steps, env].copy(),
            advantages[:, start : start + batch_steps, env].copy(),
        ).numpy()
        for start in starts
        for env in range(stream.rewards.shape[1])
    ])  # fmt: skip


def statistics(gradients: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    """Statistics of one estimator's gradients, `[n, P]`; `reference` has the right mean.

    `variance` is the trace of the covariance over the squared norm of the right gradient: as many
    batches make noise and signal equally strong. `bias` is the distance of the two means over
    that norm; its square is estimated without bias from differences on the same batches, and
    `bias_error` is what it would be by chance.
    """
    gradients, reference = gradients.astype(np.float64), reference.astype(np.float64)
    count, right = len(gradients), reference.mean(axis=0)
    square = float(np.sum(right**2))
    deviations = np.sum((gradients - gradients.mean(axis=0)) ** 2, axis=1)
    variance = float(deviations.sum() / (count - 1) / square)
    error = float(np.std(deviations, ddof=1)) / np.sqrt(count) / square
    spread = results.student_t_95(count - 1) * error
    differences = gradients - reference
    distance = float(np.sum(differences.mean(axis=0) ** 2))
    noise = float(np.sum(differences.var(axis=0, ddof=1)) / count)
    cosines = gradients @ right / (np.linalg.norm(gradients, axis=1) * np.sqrt(square))
    return {
        'variance': variance,
        'variance_interval': [variance - spread, variance + spread],
        'bias': float(np.sqrt(max(distance - noise, 0.0) / square)),
        'bias_error': float(np.sqrt(noise / square)),
        'cosine_mean': float(cosines.mean()),
        'cosine_quartiles': np.quantile(cosines, (0.25, 0.5, 0.75)).tolist(),
    }


def measure(options: 'Options') -> dict[str, Any]:
    """The whole experiment."""
    env_config = EnvConfig(
        options.game, action_repeat=1, frame_stack=1, reward_scale=0.1, max_episode_steps=_NO_LIMIT
    )
    steps, num_envs, seed = options.steps, options.num_envs, options.seed
    network, distribution = train_policy(env_config, options.policy_steps, seed)
    actor = StepModel(network, distribution, seed)
    stream = play(env_config, actor.copy(seed + 1), steps, num_envs, seed + 1)
    fitted = keras.models.clone_model(network)
    fitted.set_weights(network.get_weights())
    last_values = values_of(network, stream)[-1]
    full = returns.n_step_returns(stream.rewards, stream.discounts, last_values).numpy()
    fit(fitted, stream, full, options.fit_epochs, seed)
    stream = play(env_config, actor.copy(seed + 2), steps, num_envs, seed + num_envs + 1)
    # The fitted one comes first: with it the right gradient is known best.
    critics, reference = {}, np.zeros(0)
    for name, critic in zip(CRITICS, (fitted, network), strict=True):
        values = values_of(critic, stream)
        advantages = advantages_of(stream, values)
        rows = np.stack(list(advantages.values()))
        gradients = gradients_of(
            network, distribution, stream, rows, options.batch_steps, options.tail
        )
        if not critics:
            reference = gradients[:, ESTIMATORS.index('with a baseline')]
        explained = losses.explained_variance(advantages['REINFORCE'], values[:-1])
        critics[name] = {
            'explained_variance': float(explained),
            'estimators': {
                estimator: statistics(gradients[:, i], reference)
                for i, estimator in enumerate(ESTIMATORS)
            },
        }
    settings = {name: value for name, value in vars(options).items() if name != 'out'}
    return {
        **settings,
        'mean_episode_length': float(np.mean(stream.lengths)),
        'num_batches': len(reference),
        'critics': critics,
    }
