"""Hyperparameters and run options, each with its default and help. Never imports TensorFlow."""

import dataclasses
from typing import Any, Literal

from envs.fields import (
    hparam,
    require,
    require_fractions,
    require_not_negative,
    require_positive,
    require_types,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The network of policy and value."""

    network: Literal['nature', 'a3c', 'impala', 'mlp'] = hparam(
        'nature', 'nature, a3c and impala are for pictures, mlp is for vectors.'
    )
    activation: Literal['relu', 'elu'] = hparam(
        'relu', 'Between the layers of the networks for pictures; mlp has tanh.'
    )
    lstm_units: int = hparam(0, 'Size of an LSTM before policy and value; 0: no LSTM.')
    feed_last_action_reward: bool = hparam(
        False, 'Give the LSTM the last action and the last reward, too.'
    )
    hidden_units: tuple[int, ...] = hparam((64, 64), 'Units of the layers of mlp.')
    shared_torso: bool = hparam(
        False, 'mlp: one torso for policy and value, as the networks for pictures have.'
    )
    initial_log_std: float = hparam(
        0.0,
        'Real actions: log of their standard deviation at first, in the units of actions; with '
        'gSDE, of that where features have a mean square of 1.',
    )
    state_dependent_std: bool = hparam(
        False, 'Real actions: the standard deviation depends on what is observed.'
    )
    state_dependent_exploration: bool = hparam(
        False, 'Real actions: gSDE, noise that is a function of the features; see --noise_period.'
    )
    noise_period: int = hparam(
        0, 'Agent steps for which gSDE keeps its noise, a divisor of --unroll_length; 0: all of it.'
    )
    bounded_means: bool = hparam(
        False, 'Real actions: means stay within the range of actions, by tanh.'
    )
    normalize_observations: bool = hparam(
        False, 'Vectors are shifted and scaled by their running mean and standard deviation.'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require_not_negative(self, ('lstm_units', 'noise_period'))
        log_std, units = self.initial_log_std, self.hidden_units
        require(-20 <= log_std <= 20, f'--initial_log_std must be in [-20, 20], not {log_std}')
        sizes = ','.join(map(str, units))
        require(
            bool(units) and min(units) > 0, f'--hidden_units must be 1 or more each, not {sizes!r}'
        )
        is_mlp = self.network == 'mlp'
        owner = 'networks for pictures: mlp has tanh' if is_mlp else '--network=mlp, not of '
        for name, default in without_effect(self.network).items():
            fits = getattr(self, name) == default
            require(fits, f'--{name} is of {owner}{"" if is_mlp else self.network}')
        explores = self.state_dependent_exploration
        one = not (explores and self.state_dependent_std)
        require(one, 'not both --state_dependent_exploration and --state_dependent_std')
        held = explores or not self.noise_period
        require(held, '--noise_period is of --state_dependent_exploration')
        fed = not self.feed_last_action_reward or self.lstm_units > 0
        require(fed, '--feed_last_action_reward feeds an LSTM, but --lstm_units=0 has none')


def without_effect(network: str) -> dict[str, Any]:
    """Options of `NetworkConfig` that do nothing with this network, and their defaults."""
    names = ('activation',) if network == 'mlp' else ('hidden_units', 'shared_torso')
    return {name: getattr(NetworkConfig, name) for name in names}


@dataclasses.dataclass(frozen=True)
class ActorCriticConfig(NetworkConfig):
    """Hyperparameters that A2C and A3C share."""

    algorithm = ''  # Its script is `train_<algorithm>`.
    advice = 'try a smaller --learning_rate, a larger --entropy_cost, or --max_grad_norm'
    total_steps: int = hparam(1_000_000, 'Agent steps of all environments together.')
    unroll_length: int = hparam(5, 'Steps per environment and update, T.')
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    gae_lambda: float = hparam(1.0, 'λ of generalized advantages; 1 gives n-step returns.')
    learning_rate: float = hparam(7e-4, 'Learning rate at the start.')
    lr_schedule: Literal['linear', 'constant'] = hparam(
        'linear', 'Learning rate over the run: linear to 0 at total_steps, or constant.'
    )
    optimizer: Literal['rmsprop', 'adam'] = hparam(
        'rmsprop', "The A3C paper's RMSProp, or Adam (epsilon 1e-5)."
    )
    rmsprop_decay: float = hparam(0.99, 'Decay ρ of the squared gradients in RMSProp.')
    rmsprop_epsilon: float = hparam(1e-5, 'ε of RMSProp, inside the square root.')
    entropy_cost: float = hparam(0.01, 'Weight of the entropy bonus at the start.')
    entropy_schedule: Literal['linear', 'constant'] = hparam(
        'constant', 'Entropy bonus over the run: linear to 0 at total_steps, or constant.'
    )
    value_cost: float = hparam(0.5, 'Weight of the value loss, (R - V)²/2.')
    loss_reduction: Literal['mean', 'sum'] = hparam(
        'mean', 'The loss is the mean over the samples of an update, or their sum.'
    )
    max_grad_norm: float = hparam(0.5, 'Clip of the global gradient norm; 0 disables it.')
    normalize_rewards: bool = hparam(
        False, 'Rewards are divided by the running standard deviation of discounted returns.'
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
        2, 'Groups of environments with a thread each: one computes while others emulate.'
    )
    pin_cores: bool = hparam(
        True, 'Each group keeps to processor cores of its own, if they can be dealt out evenly.'
    )
    overlap: bool = hparam(
        False, 'Collect the next rollout while this one is learned: gradients are one update old.'
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
        'sum', 'The loss is the mean over the samples of an update, or their sum.'
    )
    max_grad_norm: float = hparam(40.0, 'Clip of the global gradient norm; 0 disables it.')
    num_workers: int = hparam(8, 'Worker threads, each with a model and environments of its own.')
    envs_per_worker: int = hparam(1, 'Environments that a worker steps together.')
    locked: bool = hparam(
        True, 'One worker at a time changes the weights; off: lock-free, as in Hogwild.'
    )
    shared_statistics: bool = hparam(
        True, "Workers share the optimizer's statistics; off: each has its own."
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        require_positive(self, ('num_workers', 'envs_per_worker'))

    @property
    def num_envs(self) -> int:
        """Environments of all workers."""
        return self.num_workers * self.envs_per_worker
