"""Stable-Baselines3's A2C with our settings, and its policies in our evaluation."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from agents.configs.actor_critic import A2CConfig
from agents.experience.actor import Actor, Decision, Memory
from envs.fields import require


class PeerActor(Actor):
    """A policy of Stable-Baselines3 as our evaluation wants it.

    With gSDE it draws its noise anew after as many steps as in training; left alone it would keep
    that of the last rollout, and have the same one in all environments.

    Args:
        model: The peer's.
        normalize: What its training did with observations.
        greedy: Choose the most probable action instead of sampling.
    """

    def __init__(
        self,
        model: Any,
        normalize: Callable[[np.ndarray], np.ndarray] = np.array,
        greedy: bool = False,
    ) -> None:
        self._model, self._normalize, self._greedy = model, normalize, greedy
        explores = getattr(model, 'use_sde', False) and not greedy
        self._period = (max(model.sde_sample_freq, 0) or model.n_steps) if explores else 0

    def step(self, observations: np.ndarray, memory: Memory, count: int) -> Decision:
        """The peer's actions."""
        seen = self._normalize(observations)
        if self._period and count % self._period == 0:
            self._model.policy.reset_noise(len(observations))
        actions, _ = self._model.predict(seen, deterministic=self._greedy)
        return Decision(actions, np.zeros(len(actions), np.float32))

    def value(self, observations: np.ndarray, memory: Memory) -> np.ndarray:
        """Not needed to evaluate."""
        return np.zeros(len(observations), np.float32)


def check(config: A2CConfig) -> None:
    """Raises UsageError if Stable-Baselines3's A2C has no such setting."""
    require(config.entropy_schedule == 'constant', 'the peer has no --entropy_schedule')
    require(config.network != 'impala', 'the peer has no --network=impala')
    require(config.max_grad_norm > 0, 'the peer always clips: set --max_grad_norm')
    require(not config.state_dependent_std, 'the peer has no --state_dependent_std')
    require(not config.bounded_means, 'the peer has no --bounded_means')
    require(not config.shared_torso, 'the peer has no --shared_torso')
    require(not config.lstm_units, 'the peer has no --lstm_units')
    require(config.loss_reduction == 'mean', 'the peer has no --loss_reduction=sum')
    require(config.rmsprop_decay == 0.99, "the peer's --rmsprop_decay is 0.99")
    require(config.activation == 'relu', 'the peer has no --activation=elu')
    require(not config.overlap, 'the peer has no --overlap')


def make_model(config: A2CConfig, envs: Any, verbose: int = 0) -> Any:
    """Stable-Baselines3's A2C with our settings.

    Its value loss is (R - V)² without our factor 1/2, so its weight is half of ours. Its RMSprop
    is PyTorch's, with epsilon outside the root, as its users have it; Adam is the same.

    Raises:
        UsageError: It has no such setting.
    """
    check(config)
    import torch
    from stable_baselines3 import A2C

    mlp = {
        'net_arch': {'pi': list(config.hidden_units), 'vf': list(config.hidden_units)},
        'log_std_init': _log_std(config),
    }
    constant = config.lr_schedule == 'constant'
    adam = {'optimizer_class': torch.optim.Adam, 'optimizer_kwargs': {'eps': 1e-5}}
    return A2C(
        'MlpPolicy' if config.network == 'mlp' else 'CnnPolicy',
        envs,
        learning_rate=lambda left: config.learning_rate * (1.0 if constant else left),
        n_steps=config.unroll_length,
        gamma=config.discount,
        gae_lambda=config.gae_lambda,
        ent_coef=config.entropy_cost,
        vf_coef=config.value_cost / 2,
        max_grad_norm=config.max_grad_norm,
        rms_prop_eps=config.rmsprop_epsilon,
        use_rms_prop=config.optimizer == 'rmsprop',
        use_sde=config.state_dependent_exploration,
        sde_sample_freq=config.noise_period or -1,
        policy_kwargs={
            **(adam if config.optimizer == 'adam' else {}),
            **(mlp if config.network == 'mlp' else {}),
            **({'features_extractor_class': a3c_torso()} if config.network == 'a3c' else {}),
        },
        seed=config.seed,
        device='cpu',
        verbose=verbose,
    )


def _log_std(config: A2CConfig) -> float:
    """log σ at first; with gSDE, of each feature's part."""
    shares = config.hidden_units[-1] if config.state_dependent_exploration else 1
    return config.initial_log_std - 0.5 * math.log(shares)


def a3c_torso() -> type:
    """Our network `a3c` for Stable-Baselines3, whose own is `nature`."""
    import torch
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    class A3CTorso(BaseFeaturesExtractor):
        def __init__(self, observation_space: Any) -> None:
            super().__init__(observation_space, 256)
            self.layers = torch.nn.Sequential(
                torch.nn.Conv2d(observation_space.shape[0], 16, 8, 4),
                torch.nn.ReLU(),
                torch.nn.Conv2d(16, 32, 4, 2),
                torch.nn.ReLU(),
                torch.nn.Flatten(),
                torch.nn.Linear(32 * 9 * 9, 256),
                torch.nn.ReLU(),
            )

        def forward(self, observations: Any) -> Any:
            return self.layers(observations)

    return A3CTorso
