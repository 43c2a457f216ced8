"""Updates of our TD3 against those of Stable-Baselines3's: same weights, same transitions.

    .venv/bin/pip install -r requirements-bench.txt
    .venv/bin/python -m research.agreement.td3

Random transitions of Pendulum-v1, the preset of robots, no noise of the targets. Both make ten
updates; then the change of each network, the targets included, is compared: the norm of the
difference of the two changes, relative to that of the peer's.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from agents.configs import presets
from agents.configs.off_policy import TD3Config
from agents.experience.replay import Transitions
from agents.tfa.td3 import TD3
from envs.backends import registry
from envs.config import EnvConfig
from envs.make import make_env
from research.peers import td3 as peers

_ENV_CONFIG = EnvConfig('Pendulum-v1', action_repeat=1, frame_stack=1)
_NETWORKS = {
    'actor': 'actor.mu',
    'critic1': 'critic.qf0',
    'critic2': 'critic.qf1',
    'target_actor': 'actor_target.mu',
    'target_critic1': 'critic_target.qf0',
    'target_critic2': 'critic_target.qf1',
}
_UPDATES = 10


def make_peer(config: TD3Config) -> Any:
    """Stable-Baselines3's TD3, ready for `train`."""
    from stable_baselines3.common import logger
    from stable_baselines3.common.vec_env import DummyVecEnv

    peer = peers.make_model(config, DummyVecEnv([lambda: make_env(_ENV_CONFIG, 0)]))
    peer.set_logger(logger.Logger(None, []))
    peer._n_updates = 1  # Its actor learns with every second update, ours with the first.
    return peer


def kernels(network: keras.Model) -> list[np.ndarray]:
    """Kernels and biases, layer by layer, in the peer's order of axes."""
    return [weight.T.copy() for weight in network.get_weights()]


def peers_kernels(peer: Any, name: str) -> list[Any]:
    """The kernels of the peer, as its parameters."""
    network, part = name.split('.')
    return list(getattr(getattr(peer, network), part).parameters())


def random_transitions(rng: np.random.Generator, size: int) -> Transitions:
    """B of them; a tenth ends the game."""
    now, after = rng.normal(size=(2, size, 3)).astype(np.float32)
    return Transitions(
        now,
        rng.uniform(-2.0, 2.0, (size, 1)).astype(np.float32),
        rng.normal(size=size).astype(np.float32),
        (rng.random(size) > 0.1).astype(np.float32),
        after,
    )


def train_peer(peer: Any, transitions: Transitions) -> None:
    """An update from these; actions are scaled to -1 to 1 in the peer's memory."""
    import torch
    from stable_baselines3.common.type_aliases import ReplayBufferSamples

    tensors = {name: torch.tensor(array) for name, array in transitions._asdict().items()}
    samples = ReplayBufferSamples(
        tensors['observations'],
        tensors['actions'] / 2.0,
        tensors['next_observations'],
        1.0 - tensors['discounts'][:, None],
        tensors['rewards'][:, None],
    )
    peer.replay_buffer.sample = lambda *_, **__: samples
    peer.train(1, len(transitions.rewards))


def compare() -> dict[str, float]:
    """The largest relative difference of each network's changes."""
    import torch

    fields = {field.name for field in dataclasses.fields(TD3Config)}
    preset = presets.for_game('auto', registry.find('HalfCheetah-v5'), 'td3')
    options = {name: value for name, value in preset.items() if name in fields}
    small = {'replay_capacity': 1_000, 'target_noise': 0.0}
    config = TD3Config(**{**options, **small})
    agent, peer = TD3(config, _ENV_CONFIG), make_peer(config)
    networks = agent._networks()
    before = {name: kernels(network) for name, network in networks.items()}
    for name, theirs in _NETWORKS.items():
        for parameter, weight in zip(peers_kernels(peer, theirs), before[name], strict=True):
            with torch.no_grad():
                parameter.copy_(torch.tensor(weight))
    rng = np.random.default_rng(0)
    for _ in range(_UPDATES):
        transitions = random_transitions(rng, config.batch_size)
        agent._learn(transitions)
        train_peer(peer, transitions)
    agent.close()
    result = {}
    for name, theirs in _NETWORKS.items():
        ours = kernels(networks[name])
        worst = 0.0
        for old, own, parameter in zip(
            before[name], ours, peers_kernels(peer, theirs), strict=True
        ):
            change = parameter.detach().numpy() - old
            difference = np.linalg.norm(own - old - change) / np.linalg.norm(change)
            worst = max(worst, float(difference))
        result[name] = worst
    return result


def main() -> None:
    """Prints a row for each network."""
    for name, difference in compare().items():
        print(f'{name:<15} {difference:.1e}')


if __name__ == '__main__':
    main()
