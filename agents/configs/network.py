"""Options of the network of policy and value, and which of them a network ignores.

Never imports TensorFlow. The networks themselves are built by `agents.networks.policy_value`.
"""

import dataclasses
from typing import Any, Literal

from envs.fields import hparam, require, require_not_negative, require_types

NetworkName = Literal['nature', 'a3c', 'impala', 'mlp']
NETWORK_HELP = 'nature, a3c and impala take pictures, mlp takes vectors.'
# Options that only the networks for pictures have, and options that only mlp has.
_PICTURE_OPTIONS, _MLP_OPTIONS = ('activation',), ('hidden_units', 'shared_torso')


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The network of policy and value."""

    network: NetworkName = hparam('nature', NETWORK_HELP)
    activation: Literal['relu', 'elu'] = hparam(
        'relu', 'Activation in the networks for pictures; mlp always has tanh.'
    )
    lstm_units: int = hparam(0, 'Units of an LSTM before policy and value; 0: no LSTM.')
    feed_last_action_reward: bool = hparam(
        False, 'Also feed the last action and the last reward to the LSTM.'
    )
    hidden_units: tuple[int, ...] = hparam((64, 64), 'mlp: units of each hidden layer.')
    shared_torso: bool = hparam(
        False, 'mlp: one torso for policy and value, as in the networks for pictures.'
    )
    initial_log_std: float = hparam(
        0.0,
        'Real-valued actions: log of their standard deviation before training, in units of the '
        'action; with gSDE, where the features have a mean square of 1.',
    )
    state_dependent_std: bool = hparam(
        False, 'Real-valued actions: the standard deviation depends on the observation.'
    )
    state_dependent_exploration: bool = hparam(
        False,
        'Real-valued actions: gSDE, noise that is a function of the features; see --noise_period.',
    )
    noise_period: int = hparam(
        0,
        'Agent steps for which gSDE keeps its noise, a divisor of --unroll_length; '
        '0: the whole unroll.',
    )
    bounded_means: bool = hparam(
        False, 'Real-valued actions: a tanh keeps the means within the range of the action.'
    )
    normalize_observations: bool = hparam(
        False, 'Shift and scale vectors by their running mean and standard deviation.'
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
        require_effect(self)
        explores = self.state_dependent_exploration
        one = not (explores and self.state_dependent_std)
        require(one, 'not both --state_dependent_exploration and --state_dependent_std')
        held = explores or not self.noise_period
        require(held, '--noise_period is of --state_dependent_exploration')
        fed = not self.feed_last_action_reward or self.lstm_units > 0
        require(fed, '--feed_last_action_reward feeds an LSTM, but --lstm_units=0 has none')


def without_effect(config_class: type, network: str) -> dict[str, Any]:
    """Returns the options of a configuration that this network ignores, with their defaults."""
    names = _PICTURE_OPTIONS if network == 'mlp' else _MLP_OPTIONS
    return {name: getattr(config_class, name) for name in names if hasattr(config_class, name)}


def require_effect(config: Any) -> None:
    """Refuses an option that was changed although the network of the configuration ignores it."""
    is_mlp = config.network == 'mlp'
    owner = 'networks for pictures: mlp has tanh' if is_mlp else '--network=mlp, not of '
    for name, default in without_effect(type(config), config.network).items():
        fits = getattr(config, name) == default
        require(fits, f'--{name} is of {owner}{"" if is_mlp else config.network}')
