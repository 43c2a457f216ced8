"""Hyperparameters of REINFORCE. Never imports TensorFlow."""

import dataclasses

from agents.configs.network import NETWORK_HELP, NetworkName
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
        1, 'Environments that step together; steps beyond the episodes of an update are not used.'
    )
    episodes_per_update: int = hparam(
        10, 'Whole episodes per update, kept in memory; rounded up to a multiple of --num_envs.'
    )
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    baseline: bool = hparam(True, 'Subtract a learned value V(s) from the returns.')
    normalize_returns: bool = hparam(
        False, 'Scale the weights of the steps of an update to mean 0 and standard deviation 1.'
    )
    learning_rate: float = hparam(1e-3, 'Learning rate (Adam).')
    value_cost: float = hparam(0.5, 'Weight of the value loss, (R - V)²; only with a baseline.')
    max_grad_norm: float = hparam(
        0.0, 'Largest global gradient norm, to which others are clipped; 0: no clipping.'
    )
    network: NetworkName = hparam('nature', NETWORK_HELP)
    seed: int = hparam(0, 'Seed of weights, actions and environments.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        names = 'total_steps', 'num_envs', 'episodes_per_update', 'learning_rate'
        require_positive(self, names)
        require_not_negative(self, ('value_cost', 'max_grad_norm', 'seed'))
        require_fractions(self, ('discount',))
