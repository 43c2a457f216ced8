"""One update of ours with real actions against one of Stable-Baselines3's A2C.

    .venv/bin/pip install -r requirements-bench.txt
    .venv/bin/python -m research.agreement.gaussian

Done as in `categorical`, with the network `mlp` and the settings of the preset `mujoco`: with Adam,
and with RMSProp, whose ε stands inside the root here and outside of it there, once with next to no
ε and once with that of the preset; with noise drawn at every step, and with gSDE (see
`agents/distributions/gsde.py`).
"""

import dataclasses
from typing import Any

import gymnasium
import numpy as np

from agents.actor_critic.train_model import TrainModel
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from agents.distributions import factory
from agents.experience.runner import ForwardPass, Rollout
from agents.experience.step_model import StepModel
from agents.networks import heads, policy_value
from research.peers import sb3

_OBSERVATIONS = gymnasium.spaces.Box(-np.inf, np.inf, (17,), np.float32)
_ACTIONS = gymnasium.spaces.Box(-1.0, 1.0, (6,), np.float32)
_UPDATES = 6
_LAYERS = {
    'policy_dense1': 'mlp_extractor.policy_net.0',
    'policy_dense2': 'mlp_extractor.policy_net.2',
    'value_dense1': 'mlp_extractor.value_net.0',
    'value_dense2': 'mlp_extractor.value_net.2',
    'policy': 'action_net',
    'value': 'value_net',
}


class _Spaces(gymnasium.Env[np.ndarray, np.ndarray]):
    """Only its spaces are used."""

    observation_space, action_space = _OBSERVATIONS, _ACTIONS


def make_peer(config: A2CConfig) -> Any:
    """Stable-Baselines3's A2C, ready for `train`."""
    from stable_baselines3.common import logger
    from stable_baselines3.common.vec_env import DummyVecEnv

    config = dataclasses.replace(config, rmsprop_epsilon=config.rmsprop_epsilon**0.5)
    peer = sb3.make_model(config, DummyVecEnv([_Spaces] * config.num_envs))
    peer.set_logger(logger.Logger(None, []))
    return peer


def as_peer(network: Any) -> dict[str, np.ndarray]:
    """Our weights under the peer's names, in its order of axes."""
    weights = {variable.path: variable.numpy() for variable in network.trainable_variables}
    log_stds = weights['log_std/bias']
    size = _ACTIONS.shape[0]
    many = len(log_stds) > size  # A row for each feature
    result = {'log_std': log_stds.reshape(-1, size).copy() if many else log_stds.copy()}
    for ours, theirs in _LAYERS.items():
        result[f'{theirs}.weight'] = weights[f'{ours}/kernel'].T.copy()
        result[f'{theirs}.bias'] = weights[f'{ours}/bias'].copy()
    return result


def random_rollout(
    config: A2CConfig,
    step_model: StepModel,
    rng: np.random.Generator,
    first: int,
) -> tuple[Rollout, ForwardPass]:
    """Random observations, and what the step model makes of them."""
    shape = (config.unroll_length, config.num_envs)
    *observations, last = rng.normal(size=(shape[0] + 1, shape[1], 17)).astype(np.float32)
    decisions = [step_model.step(o, (), first + t) for t, o in enumerate(observations)]
    ended = rng.random(shape) < 0.1
    rollout = Rollout(
        np.stack(observations),
        np.stack([decision.actions for decision in decisions]),
        rng.normal(size=shape).astype(np.float32),
        np.where(ended, 0.0, config.discount).astype(np.float32),
        np.stack([decision.values for decision in decisions]),
        step_model.value(last, ()),
        ended,
    )
    return rollout, ForwardPass(activations=[decision.activations for decision in decisions])


def fill(peer: Any, rollout: Rollout) -> None:
    """The same rollout in the peer's buffer."""
    import torch

    buffer, starts = peer.rollout_buffer, np.zeros(rollout.rewards.shape[1])
    buffer.reset()
    for t, observations in enumerate(rollout.observations):
        actions = rollout.actions[t]
        with torch.no_grad():
            answers = torch.tensor(observations), torch.tensor(actions)
            values, log_probs, _ = peer.policy.evaluate_actions(*answers)
        buffer.add(observations, actions, rollout.rewards[t], starts, values, log_probs)
        starts = (rollout.discounts[t] == 0.0).astype(float)
    last_values = torch.tensor(rollout.bootstrap_value)
    buffer.compute_returns_and_advantage(last_values=last_values, dones=starts)


def compare(config: A2CConfig) -> str:
    """The largest difference of a few updates, relative to the peer's, and where it is."""
    import torch

    explores = config.state_dependent_exploration
    head = heads.GaussianHead(config.initial_log_std, noise_of_features=explores)
    network = policy_value.build('mlp', _OBSERVATIONS, 2 * _ACTIONS.shape[0], 0, gaussian=head)
    distribution = factory.for_training(config, _ACTIONS, network)
    step_model = StepModel(network, distribution, seed=0)
    train_model = TrainModel(network, distribution, config)
    peer, rng, worst = make_peer(config), np.random.default_rng(0), (0.0, '')
    parameters = dict(peer.policy.named_parameters())
    for update in range(_UPDATES):
        before = as_peer(network)
        with torch.no_grad():
            for name, value in before.items():
                parameters[name].copy_(torch.tensor(value))
        first = update * config.unroll_length
        rollout, forward_pass = random_rollout(config, step_model, rng, first)
        fill(peer, rollout)
        train_model.train(rollout, forward_pass, config.learning_rate, config.entropy_cost)
        peer.train()
        for name, after in as_peer(network).items():
            ours, theirs = after - before[name], parameters[name].detach().numpy() - before[name]
            difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
            worst = max(worst, (float(difference), name))
    return f'at most {worst[0]:.1e} ({worst[1]})'


def main() -> None:
    """Compares a few updates of each optimizer."""
    preset = presets.PRESETS['mujoco']
    names = {field.name for field in dataclasses.fields(A2CConfig)}
    config = A2CConfig(**{name: preset[name] for name in preset if name in names})
    for explores in (False, True):
        for changes in ({'optimizer': 'adam'}, {'rmsprop_epsilon': 1e-20}, {}):
            changes = {**changes, 'state_dependent_exploration': explores}
            print(changes, compare(dataclasses.replace(config, **changes)))


if __name__ == '__main__':
    main()
