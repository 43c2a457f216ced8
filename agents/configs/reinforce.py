"""Hyperparameters of REINFORCE. Never imports TensorFlow."""

import dataclasses
from typing import Literal

from envs.fields import (
    hparam,
    require_fractions,
    require_not_negative,
    require_positive,
    require_types,
)


@dataclasses.dataclass(frozen=True)
class ReinforceConfig:
    """Hyperparameters of REINFORCE, with and without a baseline."""

    algorithm = 'reinforce'
    advice = 'try a smaller --learning_rate, more --episodes_per_update, or --max_grad_norm'
    total_steps: int = hparam(500_000, 'Agent steps of all environments together.')
    num_envs: int = hparam(
        1, 'Environments that step together; what one plays beyond its episodes is not used.'
    )
    episodes_per_update: int = hparam(
        10, 'Whole episodes of an update, all in memory; rounded up to as many of each environment.'
    )
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    baseline: bool = hparam(True, 'Subtract a learned value V(s) from the returns.')
    normalize_returns: bool = hparam(
        False, 'Bring what weighs the steps of an update to mean 0 and standard deviation 1.'
    )
    learning_rate: float = hparam(1e-3, 'Learning rate (Adam).')
    value_cost: float = hparam(0.5, 'Weight of the value loss, (R - V)²; with a baseline only.')
    max_grad_norm: float = hparam(0.0, 'Clip of the global gradient norm; 0 disables it.')
    network: Literal['nature', 'a3c', 'impala', 'mlp'] = hparam(
        'nature', 'nature, a3c and impala are for pictures, mlp is for vectors.'
    )
    seed: int = hparam(0, 'Seed of weights, actions and environments.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        names = 'total_steps', 'num_envs', 'episodes_per_update', 'learning_rate'
        require_positive(self, names)
        require_not_negative(self, ('value_cost', 'max_grad_norm', 'seed'))
        require_fractions(self, ('discount',))
