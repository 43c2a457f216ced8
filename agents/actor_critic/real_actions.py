"""The head of a policy over real actions, and the options that are for such actions alone."""

import gymnasium

from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions.base import Distribution
from agents.distributions.gaussian import DiagonalGaussian
from agents.networks.heads import GaussianHead
from envs.errors import UsageError

_OPTIONS = (
    'initial_log_std',
    'state_dependent_std',
    'state_dependent_exploration',
    'bounded_means',
)


def gaussian_head(
    config: ActorCriticConfig, distribution: Distribution, action_space: gymnasium.Space
) -> GaussianHead | None:
    """The head that the options ask for; None where actions are choices.

    Raises:
        UsageError: An option has no meaning for this action space.
    """
    if not isinstance(distribution, DiagonalGaussian):
        for name in _OPTIONS:
            if getattr(config, name):
                raise UsageError(
                    f'--{name} is for actions that are real numbers, not {action_space}'
                )
        return None
    if config.initial_log_std > distribution.highest_log_std:
        most = f'{distribution.highest_log_std:.3g}'
        raise UsageError(f'--initial_log_std: {most} is the most that this game has use for')
    if config.bounded_means and not distribution.is_bounded:
        raise UsageError('--bounded_means: the actions of this game have no bounds')
    return GaussianHead(
        config.initial_log_std,
        distribution.bounds if config.bounded_means else (),
        config.state_dependent_std,
        config.state_dependent_exploration,
    )
