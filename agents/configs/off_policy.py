"""Hyperparameters of DQN, DDPG and TD3, which learn from a replay memory.

Never imports TensorFlow.
"""

import dataclasses
from typing import Literal

from agents.configs.network import NETWORK_HELP, NetworkName, require_effect
from envs.fields import (
    hparam,
    require,
    require_fractions,
    require_not_negative,
    require_positive,
    require_types,
)


@dataclasses.dataclass(frozen=True)
class OffPolicyConfig:
    """Hyperparameters of agents with a replay memory."""

    algorithm = ''  # Its script is `train_<algorithm>`.
    advice = 'try smaller learning rates, or a smaller --reward_scale'
    total_steps: int = hparam(1_000_000, 'Agent steps of all environments together.')
    num_envs: int = hparam(1, 'Environments that step together, N.')
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    replay_capacity: int = hparam(
        100_000, 'Transitions that the replay memory holds; an episode of n steps takes n + 1.'
    )
    batch_size: int = hparam(128, 'Transitions per update, B.')
    learning_starts: int = hparam(
        0, 'Agent steps with random actions before the first update, which also needs a full batch.'
    )
    train_period: int = hparam(1, 'Agent steps between updates.')
    seed: int = hparam(0, 'Seed of weights, actions, replay samples and environments.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        names = 'total_steps', 'num_envs', 'replay_capacity', 'batch_size', 'train_period'
        require_positive(self, names)
        require_not_negative(self, ('learning_starts', 'seed'))
        require_fractions(self, ('discount',))
        least = 32 * self.num_envs
        require(
            self.replay_capacity >= max(least, self.batch_size),
            f'--replay_capacity must be at least a batch, and {least} for {self.num_envs} '
            f'environments, not {self.replay_capacity}',
        )


@dataclasses.dataclass(frozen=True)
class DeterministicConfig(OffPolicyConfig):
    """Hyperparameters of agents with a deterministic actor."""

    advice = 'try smaller --actor_learning_rate and --critic_learning_rate'
    hidden_units: tuple[int, ...] = hparam(
        (400, 300), 'Units of each hidden layer of actor and critic.'
    )
    actor_learning_rate: float = hparam(1e-4, 'Learning rate of the actor (Adam).')
    critic_learning_rate: float = hparam(1e-3, 'Learning rate of the critic (Adam).')
    tau: float = hparam(
        1e-3, 'Soft update: part τ of the weights that the targets take over per update.'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('actor_learning_rate', 'critic_learning_rate', 'tau'))
        require_fractions(self, ('tau',))
        sizes = self.hidden_units
        fine = len(sizes) >= 2 and min(sizes, default=0) > 0
        require(fine, f'--hidden_units must be two sizes or more, not {sizes}')


@dataclasses.dataclass(frozen=True)
class DDPGConfig(DeterministicConfig):
    """Hyperparameters of DDPG, as it is taught; Lillicrap et al. (2016)."""

    algorithm = 'ddpg'
    ou_theta: float = hparam(
        0.15, 'Pull θ of the Ornstein-Uhlenbeck noise towards zero, per agent step.'
    )
    ou_sigma: float = hparam(
        0.2, 'Fresh noise σ per agent step, in units of half the range of an action.'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_fractions(self, ('ou_theta',))
        require_not_negative(self, ('ou_sigma',))


@dataclasses.dataclass(frozen=True)
class TD3Config(DeterministicConfig):
    """Hyperparameters of TD3; Fujimoto et al. (2018), RL Baselines3 Zoo."""

    algorithm = 'td3'
    replay_capacity: int = hparam(
        1_000_000, 'Transitions that the replay memory holds; an episode of n steps takes n + 1.'
    )
    batch_size: int = hparam(256, 'Transitions per update, B.')
    learning_starts: int = hparam(
        10_000,
        'Agent steps with random actions before the first update, which also needs a full batch.',
    )
    actor_learning_rate: float = hparam(1e-3, 'Learning rate of the actor (Adam).')
    tau: float = hparam(
        5e-3,
        'Soft update: part τ of the weights that the targets take over per update of the actor.',
    )
    exploration_noise: float = hparam(
        0.1, 'Standard deviation of the noise on actions, in units of half their range.'
    )
    target_noise: float = hparam(
        0.2, "Standard deviation of the noise on the target actor's actions, in the same units."
    )
    target_noise_clip: float = hparam(
        0.5, 'Bound of the noise on target actions, in the same units.'
    )
    policy_delay: int = hparam(2, 'Updates of the critics per update of the actor and the targets.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('policy_delay',))
        names = 'exploration_noise', 'target_noise', 'target_noise_clip'
        require_not_negative(self, names)


@dataclasses.dataclass(frozen=True)
class DQNConfig(OffPolicyConfig):
    """Hyperparameters of DQN, near those of Mnih et al. (2015)."""

    algorithm = 'dqn'
    advice = 'try a smaller --learning_rate or --reward_scale, or a longer --target_period'
    batch_size: int = hparam(32, 'Transitions per update, B.')
    learning_starts: int = hparam(
        5_000,
        'Agent steps with random actions before the first update, which also needs a full batch.',
    )
    train_period: int = hparam(4, 'Agent steps between updates.')
    learning_rate: float = hparam(1e-4, 'Learning rate (Adam) at the start.')
    lr_schedule: Literal['linear', 'constant'] = hparam(
        'constant', 'Learning rate over the run: linear decay to 0 at --total_steps, or constant.'
    )
    max_grad_norm: float = hparam(
        10.0, 'Largest global gradient norm, to which others are clipped; 0: no clipping.'
    )
    target_period: int = hparam(
        1_000, 'Updates between copies of the weights to the target network.'
    )
    double: bool = hparam(
        False, 'Double DQN: the online network chooses the action that the target network values.'
    )
    exploration_start: float = hparam(1.0, 'Probability ε of a random action at the start.')
    exploration_end: float = hparam(0.05, 'Probability ε of a random action at the end.')
    exploration_steps: int = hparam(
        100_000, 'Agent steps over which ε falls linearly from start to end.'
    )
    network: NetworkName = hparam('nature', NETWORK_HELP)
    hidden_units: tuple[int, ...] = hparam((256, 256), 'mlp: units of each hidden layer.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('learning_rate', 'target_period', 'exploration_steps'))
        require_not_negative(self, ('max_grad_norm',))
        require_fractions(self, ('exploration_start', 'exploration_end'))
        sizes = self.hidden_units
        require(min(sizes, default=1) > 0, f'--hidden_units must be positive sizes, not {sizes}')
        require_effect(self)
