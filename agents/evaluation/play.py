"""Plays whole episodes with a fixed policy, to tell how good it is and how certain that is."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import keras
import numpy as np

from agents.configs import policy_kinds
from agents.distributions import factory
from agents.evaluation.results import Episode, Evaluation
from agents.experience.actor import Actor, reset_memory
from agents.experience.step_model import StepModel
from agents.storage import saved_policy
from envs import observations as observation_parts
from envs.config import EnvConfig
from envs.make import make_vec_env
from envs.vector.restarts import RestartBudget

_log = logging.getLogger(__name__)

MAX_ENVS = 8
MAX_ENVS_FILMING = 2


def evaluate(
    network: keras.Model,
    env_config: EnvConfig,
    num_episodes: int,
    *,
    greedy: bool = False,
    seed: int = 0,
    film: str = '',
    recipe: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Plays `num_episodes` whole episodes, several at a time.

    The number of episodes of every environment is fixed in advance: counting the first episodes
    that finish would favour short ones.

    Args:
        network: Network from observations to `(logits, values)`.
        env_config: Game to play; each of its levels gets the same number of episodes.
        num_episodes: Number of episodes, at least 1; rounded up to a multiple of the levels.
        greedy: Whether to take the most probable action instead of sampling.
        seed: Seed of the environments and the actions.
        film: File for a film of the first environment; '' for none.
        recipe: Recipe of the network: see `distributions.factory.for_recipe`.

    Raises:
        UsageError: If the game cannot be played, or the network does not fit it.
    """

    def make_actor(envs: gymnasium.vector.VectorEnv[Any, Any, Any]) -> StepModel:
        distribution = factory.for_recipe(recipe or {}, envs.single_action_space)
        shapes = observation_parts.shapes(envs.single_observation_space)
        saved_policy.check_fit(network, shapes, distribution.num_logits, distribution.num_codes)
        return StepModel(network, distribution, seed, greedy)

    is_greedy = greedy or (recipe or {}).get('policy') in policy_kinds.WITHOUT_CHANCE
    mode = 'greedy' if is_greedy else 'sampled'
    return evaluate_actor(make_actor, env_config, num_episodes, mode, seed, film)


def evaluate_actor(
    make_actor: Callable[[gymnasium.vector.VectorEnv[Any, Any, Any]], Actor],
    env_config: EnvConfig,
    num_episodes: int,
    mode: str,
    seed: int,
    film: str = '',
    should_stop: Callable[[], bool] = lambda: False,
    restarts: RestartBudget | None = None,
) -> Evaluation:
    """Plays whole episodes as `evaluate` does, with any actor.

    Args:
        make_actor: Makes the actor for the environments it is given.
        env_config: Game to play.
        num_episodes: Number of episodes, rounded up to a multiple of the levels.
        mode: Mode of the actor: 'sampled' or 'greedy'.
        seed: Seed of the environments.
        film: File for a film of the first environment; '' for none.
        should_stop: Is called at every step; if it returns true, the evaluation ends with the
            episodes finished so far.
        restarts: Counter of replaced workers that other environments share; None for a new one.
    """
    num_episodes = even(num_episodes, env_config)
    num_envs = count_envs(num_episodes, bool(film))
    # An environment's next level is one that no other environment has played yet.
    envs = make_vec_env(
        env_config, range(num_envs), film=film, level_stride=num_envs, restarts=restarts
    )
    try:
        actor = make_actor(envs)
        quota = [-((i - num_episodes) // num_envs) for i in range(num_envs)]  # The first get more.
        episodes = play(actor, envs, quota, seed, should_stop)
        if envs.recovery.num_lost and len(env_config.levels) > 1:
            _log.warning('An episode was lost: its levels were not played as often as others.')
    finally:
        envs.close()
    return Evaluation(env_config.game, mode, tuple(episodes))


def even(num_episodes: int, env_config: EnvConfig) -> int:
    """Least number of episodes from `num_episodes` up that gives every level equally many."""
    num_levels = max(len(env_config.levels), 1)
    return -(-num_episodes // num_levels) * num_levels


def count_envs(num_episodes: int, filming: bool = False) -> int:
    """Number of environments; fewer for a film, whose environment should play several episodes."""
    return min(num_episodes, MAX_ENVS_FILMING if filming else MAX_ENVS)


def play(
    actor: Actor,
    envs: gymnasium.vector.VectorEnv[Any, Any, Any],
    quota: list[int],
    seed: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Episode]:
    """Steps all environments until each environment i has finished `quota[i]` episodes."""
    observations, _ = envs.reset(seed=seed)
    memory = actor.first_memory(envs.num_envs)
    left, episodes, count = list(quota), [], 0
    while any(left) and not should_stop():
        drawn = count - count % actor.noise_period
        decision = actor.step(observations, memory, drawn)
        observations, rewards, terminated, truncated, infos = envs.step(decision.actions)
        memory = reset_memory(actor.remember(decision, rewards), terminated | truncated)
        count += 1
        finished = infos.get('final_info', {})
        for i in np.flatnonzero(finished.get('_episode', ())):
            if left[i]:
                left[i] -= 1
                episodes.append(_episode(finished['episode'], int(i)))
    return episodes


def _episode(statistics: dict[str, Any], i: int) -> Episode:
    return Episode(
        score=float(statistics['score'][i]),
        return_=float(statistics['return'][i]),
        length=int(statistics['length'][i]),
        level=str(statistics['level'][i]),
        terminated=bool(statistics['terminated'][i]),
        truncated=bool(statistics['truncated'][i]),
        progress=float(statistics['progress'][i]) if 'progress' in statistics else None,
    )
