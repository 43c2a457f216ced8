"""The choice of a distribution: for an action space, for a training, or for a saved model.

A training asks twice. The network needs to know how many logits it must have, which `for_space`
says; then `for_training` replaces that distribution by one with gSDE if the configuration asks for
it, since only the finished network tells how many features there are.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium
import keras
import numpy as np

from agents.configs import policy_kinds
from agents.configs.actor_critic import ActorCriticConfig
from agents.distributions.base import Distribution
from agents.distributions.deterministic import Deterministic, Greedy
from agents.distributions.discrete import Bernoulli, Categorical, MultiCategorical
from agents.distributions.gaussian import DiagonalGaussian
from agents.distributions.gsde import StateDependentExploration
from agents.distributions.spaces import bounded_box, count_actions
from envs.errors import UsageError


def for_space(space: gymnasium.Space) -> Distribution:
    """Returns the usual distribution over an action space.

    - Discrete: `Categorical`.
    - MultiDiscrete, one row: `MultiCategorical`.
    - MultiBinary, one row: `Bernoulli`.
    - Box of real numbers, one row: `DiagonalGaussian`.

    Raises:
        UsageError: The space is of another kind, or its choices are not counted from 0.
    """
    spaces = gymnasium.spaces
    if isinstance(space, spaces.Discrete) and space.start == 0:
        return Categorical(int(space.n))
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        if not space.start.any():
            return MultiCategorical(space.nvec.tolist())
    if isinstance(space, spaces.MultiBinary) and len(space.shape) == 1:
        return Bernoulli(space.shape[0])
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        if np.issubdtype(space.dtype, np.floating):
            return DiagonalGaussian(space.low.tolist(), space.high.tolist())
    raise UsageError(
        f'no policy for the action space {space}: it must be Discrete, MultiDiscrete or '
        'MultiBinary, counted from 0, or a Box of real numbers, one row'
    )


def for_training(
    config: ActorCriticConfig, space: gymnasium.Space, network: keras.Model
) -> Distribution:
    """Returns the distribution that A2C or A3C trains: gSDE if asked for, else `for_space`.

    Args:
        config: Hyperparameters of the algorithm.
        space: Action space of one environment.
        network: Made by `policy_value.build` with the number of logits of `for_space(space)`.

    Raises:
        UsageError: There is no policy for the space, or gSDE is asked for in a space that is not of
            real numbers.
    """
    if not config.state_dependent_exploration:
        return for_space(space)
    num_features = network.get_layer('policy').input.shape[-1]
    return _with_gsde(space, num_features, config.noise_period or config.unroll_length)


def for_recipe(recipe: Mapping[str, Any], space: gymnasium.Space) -> Distribution:
    """Returns the distribution that the first output of a saved model describes.

    Args:
        recipe: Of the model, as `saved_policy` reads it; its key `policy` is one of
            `policy_kinds.ALL`, and a missing one means the default.
        space: Action space of the environment to play in.

    Raises:
        UsageError: The policy cannot act in this space.
    """
    kind = recipe.get('policy', policy_kinds.DEFAULT)
    if kind == policy_kinds.GREEDY:
        return Greedy(count_actions(space, 'a greedy policy'))
    if kind == policy_kinds.DETERMINISTIC:
        return Deterministic(bounded_box(space, 'a deterministic policy'))
    if kind == policy_kinds.STATE_DEPENDENT_EXPLORATION:
        return _with_gsde(space, recipe['num_features'], recipe['noise_period'])
    return for_space(space)


def _with_gsde(
    space: gymnasium.Space, num_features: int, noise_period: int
) -> StateDependentExploration:
    gaussian = for_space(space)
    if not isinstance(gaussian, DiagonalGaussian):
        raise UsageError('the model is not for this game, whose actions are no real numbers')
    return StateDependentExploration(*gaussian.bounds, num_features, noise_period)
