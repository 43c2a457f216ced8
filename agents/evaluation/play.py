"""Plays whole episodes with a fixed policy and says how good it is, and how sure that is."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import keras
import numpy as np

from agents.distributions import deterministic
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

    Every environment plays a number of episodes fixed in advance: counting the first that finish
    would favour short ones.

    Args:
        network: Observations to `(logits, values)`.
        env_config: What to play; as many episodes of each of its levels.
        num_episodes: At least 1; with several levels a multiple of them is played.
        greedy: Take the most probable action instead of sampling.
        seed: Of the environments and the actions.
        film: File to film the first environment to; '' for none.
        recipe: Of the network: see `policy.distribution`.

    Raises:
        UsageError: The game cannot be played, or the network is not for it.
    """

    def make_actor(envs: gymnasium.vector.VectorEnv[Any, Any, Any]) -> StepModel:
        distribution = saved_policy.distribution(recipe or {}, envs.single_action_space)
        shapes = observation_parts.shapes(envs.single_observation_space)
        saved_policy.check_fit(network, shapes, distribution.num_logits, distribution.num_codes)
        return StepModel(network, distribution, seed, greedy)

    is_greedy = greedy or (recipe or {}).get('policy') in deterministic.POLICIES
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
    """`evaluate` for whatever chooses actions; `make_actor` is given the environments.

    `should_stop` is asked at every step; if true, only the episodes finished so far are returned.
    `restarts` counts replaced workers, if others are counted with them.
    """
    num_episodes = even(num_episodes, env_config)
    num_envs = count_envs(num_episodes, bool(film))
    # The next level of an environment is the one that no other has yet played.
    envs = make_vec_env(
        env_config, range(num_envs), film=film, level_stride=num_envs, restarts=restarts
    )
    try:
        actor = make_actor(envs)
        quota = [-((i - num_episodes) // num_envs) for i in range(num_envs)]  # First ones first.
        episodes = play(actor, envs, quota, seed, should_stop)
        if envs.recovery.num_lost and len(env_config.levels) > 1:
            _log.warning('An episode was lost: its levels were not played as often as others.')
    finally:
        envs.close()
    return Evaluation(env_config.game, mode, tuple(episodes))


def even(num_episodes: int, env_config: EnvConfig) -> int:
    """At least so many episodes, and as many of each level."""
    num_levels = max(len(env_config.levels), 1)
    return -(-num_episodes // num_levels) * num_levels


def count_envs(num_episodes: int, filming: bool = False) -> int:
    """Environments at a time; the one that is filmed shall play many episodes: one may be short."""
    return min(num_episodes, MAX_ENVS_FILMING if filming else MAX_ENVS)


def play(
    actor: Actor,
    envs: gymnasium.vector.VectorEnv[Any, Any, Any],
    quota: list[int],
    seed: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Episode]:
    """Steps all environments until environment i has finished `quota[i]` episodes."""
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
