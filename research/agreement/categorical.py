"""One update of ours against one of Stable-Baselines3's A2C: same weights, same rollout.

    .venv/bin/pip install -r requirements-bench.txt
    .venv/bin/python -m research.agreement.categorical

Random pictures, actions, rewards and ends; network `nature`, Adam, GAE. After every update the
peer takes over our weights. Prints, of the kernel or bias where it is largest, the norm of the
difference of the two changes relative to the norm of the peer's.
"""

from typing import Any

import gymnasium
import numpy as np

from agents.actor_critic.train_model import TrainModel
from agents.configs.actor_critic import A2CConfig
from agents.distributions import factory
from agents.experience.runner import ForwardPass, Rollout
from agents.experience.step_model import StepModel
from agents.networks import policy_value
from research.peers import sb3

_SPACE = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)
_NUM_ACTIONS, _NUM_ENVS, _UPDATES = 6, 16, 6
_CONFIG = A2CConfig(optimizer='adam', learning_rate=5e-4, unroll_length=10, gae_lambda=0.95)
_LAYERS = {
    'conv1': 'features_extractor.cnn.0',
    'conv2': 'features_extractor.cnn.2',
    'conv3': 'features_extractor.cnn.4',
    'dense': 'features_extractor.linear.0',
    'policy': 'action_net',
    'value': 'value_net',
}


class _Spaces(gymnasium.Env[np.ndarray, int]):
    """Only its spaces are used."""

    observation_space = _SPACE
    action_space = gymnasium.spaces.Discrete(_NUM_ACTIONS)


def make_peer() -> Any:
    """Stable-Baselines3's A2C with `_CONFIG`, ready for `train`."""
    from stable_baselines3.common import logger
    from stable_baselines3.common.vec_env import DummyVecEnv

    peer = sb3.make_model(_CONFIG, DummyVecEnv([_Spaces] * _NUM_ENVS))
    peer.set_logger(logger.Logger(None, []))
    return peer


def as_peer(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our kernels and biases under the peer's names, in its order of axes."""
    result = {}
    for ours, theirs in _LAYERS.items():
        kernel = weights[f'{ours}/kernel']
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        else:
            if ours == 'dense':  # It flattens channels first.
                kernel = kernel.reshape(7, 7, 64, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
            kernel = kernel.T
        result[f'{theirs}.weight'] = kernel.copy()
        result[f'{theirs}.bias'] = weights[f'{ours}/bias']
    return result


def random_rollout(
    step_model: StepModel, rng: np.random.Generator, first: int
) -> tuple[Rollout, ForwardPass]:
    """Random observations, and what the step model makes of them."""
    shape = (_CONFIG.unroll_length, _NUM_ENVS)
    brightness = rng.random((*shape, 1, 1, 1))
    observations = (rng.integers(0, 256, shape + _SPACE.shape) * brightness).astype(np.uint8)
    decisions = [step_model.step(o, (), first + t) for t, o in enumerate(observations)]
    ended = rng.random(shape) < 0.1
    last = rng.integers(0, 256, (_NUM_ENVS, *_SPACE.shape)).astype(np.uint8)
    rollout = Rollout(
        observations,
        np.stack([decision.actions for decision in decisions]),
        rng.integers(-1, 2, shape).astype(np.float32),
        np.where(ended, 0.0, _CONFIG.discount).astype(np.float32),
        np.stack([decision.values for decision in decisions]),
        step_model.value(last, ()),
        ended,
    )
    return rollout, ForwardPass(activations=[decision.activations for decision in decisions])


def fill(peer: Any, rollout: Rollout) -> None:
    """The same rollout in the peer's buffer."""
    import torch

    buffer, starts = peer.rollout_buffer, np.zeros(_NUM_ENVS)
    buffer.reset()
    for t, observations in enumerate(rollout.observations):
        pictures = observations.transpose(0, 3, 1, 2)
        with torch.no_grad():
            values, log_probs, _ = peer.policy.evaluate_actions(
                torch.tensor(pictures.copy()), torch.tensor(rollout.actions[t])
            )
        actions, rewards = rollout.actions[t][:, None], rollout.rewards[t]
        buffer.add(pictures, actions, rewards, starts, values, log_probs)
        starts = (rollout.discounts[t] == 0.0).astype(float)
    last_values = torch.tensor(rollout.bootstrap_value)
    buffer.compute_returns_and_advantage(last_values=last_values, dones=starts)


def main() -> None:
    """Compares a few updates."""
    import torch

    network = policy_value.build('nature', _SPACE, _NUM_ACTIONS, seed=0)
    distribution = factory.for_space(_Spaces.action_space)
    step_model = StepModel(network, distribution, seed=0)
    train_model = TrainModel(network, distribution, _CONFIG)
    peer, rng = make_peer(), np.random.default_rng(0)
    parameters = dict(peer.policy.named_parameters())

    def weights() -> dict[str, np.ndarray]:
        return as_peer({v.path: v.numpy() for v in network.trainable_variables})

    for update in range(_UPDATES):
        before = weights()
        with torch.no_grad():
            for name, value in before.items():
                parameters[name].copy_(torch.tensor(value))
        first = update * _CONFIG.unroll_length
        rollout, forward_pass = random_rollout(step_model, rng, first)
        fill(peer, rollout)
        train_model.train(rollout, forward_pass, _CONFIG.learning_rate, _CONFIG.entropy_cost)
        peer.train()
        differences = {}
        for name, after in weights().items():
            ours, theirs = after - before[name], parameters[name].detach().numpy() - before[name]
            differences[name] = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
        worst = max(differences, key=lambda name: differences[name])
        print(f'update {update}: at most {differences[worst]:.1e} ({worst})')


if __name__ == '__main__':
    main()
