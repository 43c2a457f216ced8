"""Hyperparameters of A2C and A3C. Never imports TensorFlow."""

import dataclasses
from typing import Literal

from agents.configs.network import NetworkConfig
from envs.fields import (
    hparam,
    require,
    require_fractions,
    require_not_negative,
    require_positive,
)


@dataclasses.dataclass(frozen=True)
class ActorCriticConfig(NetworkConfig):
    """Hyperparameters that A2C and A3C share."""

    algorithm = ''  # Its script is `train_<algorithm>`.
    advice = 'try a smaller --learning_rate, a larger --entropy_cost, or --max_grad_norm'
    total_steps: int = hparam(1_000_000, 'Agent steps of all environments together.')
    unroll_length: int = hparam(5, 'Agent steps per environment and update, T.')
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    gae_lambda: float = hparam(
        1.0, 'λ of generalized advantage estimation; 1 gives n-step returns.'
    )
    learning_rate: float = hparam(7e-4, 'Learning rate at the start.')
    lr_schedule: Literal['linear', 'constant'] = hparam(
        'linear', 'Learning rate over the run: linear decay to 0 at --total_steps, or constant.'
    )
    optimizer: Literal['rmsprop', 'adam'] = hparam(
        'rmsprop', 'RMSProp as in the A3C paper, or Adam (ε = 1e-5).'
    )
    rmsprop_decay: float = hparam(
        0.99, 'Decay ρ per update of the mean squared gradients in RMSProp.'
    )
    rmsprop_epsilon: float = hparam(1e-5, 'ε of RMSProp, inside the square root.')
    entropy_cost: float = hparam(0.01, 'Weight of the entropy bonus, H(π) in nats, at the start.')
    entropy_schedule: Literal['linear', 'constant'] = hparam(
        'constant', 'Entropy bonus over the run: linear decay to 0 at --total_steps, or constant.'
    )
    value_cost: float = hparam(0.5, 'Weight of the value loss, (R - V)²/2.')
    loss_reduction: Literal['mean', 'sum'] = hparam(
        'mean', 'Reduction of the loss over the samples of an update.'
    )
    max_grad_norm: float = hparam(
        0.5, 'Largest global gradient norm, to which others are clipped; 0: no clipping.'
    )
    normalize_rewards: bool = hparam(
        False, 'Divide rewards by the running standard deviation of discounted returns.'
    )
    seed: int = hparam(0, 'Seed of weights, actions and environments.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('total_steps', 'unroll_length', 'learning_rate', 'rmsprop_epsilon'))
        length, period = self.unroll_length, self.noise_period
        divides = not period or length % period == 0
        require(divides, f'--noise_period must divide --unroll_length={length}, not be {period}')
        names = ('entropy_cost', 'value_cost', 'max_grad_norm', 'seed')
        require_not_negative(self, names)
        require_fractions(self, ('discount', 'gae_lambda', 'rmsprop_decay'))


@dataclasses.dataclass(frozen=True)
class A2CConfig(ActorCriticConfig):
    """Hyperparameters of A2C; defaults follow Mnih et al. (2016) and OpenAI Baselines."""

    algorithm = 'a2c'
    num_envs: int = hparam(16, 'Environments that step together, N.')
    num_groups: int = hparam(
        2, 'Groups of environments, with a thread each: one computes while others emulate.'
    )
    pin_cores: bool = hparam(
        True, 'Give each group its own processor cores, if they can be divided evenly.'
    )
    overlap: bool = hparam(
        False,
        'Collect the next rollout while learning from this one; gradients are one update old.',
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('num_envs', 'num_groups'))


@dataclasses.dataclass(frozen=True)
class A3CConfig(ActorCriticConfig):
    """Hyperparameters of A3C; defaults follow Mnih et al. (2016): sums, clipped at 40."""

    algorithm = 'a3c'
    loss_reduction: Literal['mean', 'sum'] = hparam(
        'sum', 'Reduction of the loss over the samples of an update.'
    )
    max_grad_norm: float = hparam(
        40.0, 'Largest global gradient norm, to which others are clipped; 0: no clipping.'
    )
    num_workers: int = hparam(8, 'Worker threads, each with a model and environments of its own.')
    envs_per_worker: int = hparam(1, 'Environments that each worker steps together.')
    locked: bool = hparam(
        True, 'Let one worker at a time change the weights; off: lock-free, as in Hogwild.'
    )
    shared_statistics: bool = hparam(
        True, "Share the optimizer's statistics among the workers; off: each has its own."
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('num_workers', 'envs_per_worker'))

    @property
    def num_envs(self) -> int:
        """Number of environments of all workers."""
        return self.num_workers * self.envs_per_worker
