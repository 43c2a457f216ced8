"""Plays whole episodes with a fixed policy and says how good it is, and how sure that is."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import keras
import numpy as np

from agents import levels
from agents.distributions import deterministic
from agents.experience.runner import Actor, forget
from agents.experience.step_model import StepModel
from agents.storage import saved_policy
from envs import observations as observation_parts
from envs.config import EnvConfig
from envs.make import make_vec_env
from envs.vector.restarts import RestartBudget

_log = logging.getLogger(__name__)

MAX_ENVS = 8
MAX_ENVS_FILMING = 2
# Two-sided 95 % quantiles of Student's t distribution by degrees of freedom; 1.96 in the limit.
_T_95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 7: 2.36, 9: 2.26, 14: 2.14, 19: 2.09,
         29: 2.05, 49: 2.01, 99: 1.98}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Episode:
    """One finished episode."""

    score: float  # The raw reward: the game's own, or that of `--reward`, before scaling
    return_: float  # What the agent was trained on
    length: int  # Agent steps
    level: str
    terminated: bool
    truncated: bool
    progress: float | None = None  # The part of the level, 0 to 1, if the game tells

    @property
    def completed(self) -> bool:
        """Whether it is known to have reached the level's end."""
        return self.progress is not None and self.progress >= 1.0

    def as_json(self) -> dict[str, Any]:
        """Its fields, and its progress only if that is known."""
        fields = dataclasses.asdict(self)
        fields['return'] = fields.pop('return_')
        return {name: value for name, value in fields.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Episodes of one policy in one mode."""

    game: str
    mode: str  # 'sampled' or 'greedy'
    episodes: tuple[Episode, ...]

    @property
    def mean_score(self) -> float:
        """Mean raw score."""
        return float(np.mean([episode.score for episode in self.episodes]))

    @property
    def mean_return(self) -> float:
        """Mean of what the agent was trained on."""
        return float(np.mean([episode.return_ for episode in self.episodes]))

    @property
    def standard_error(self) -> float:
        """Of the mean score: s / sqrt(n), s with n - 1 degrees of freedom; NaN of one episode."""
        scores = [episode.score for episode in self.episodes]
        if len(scores) < 2:
            return float('nan')
        return float(np.std(scores, ddof=1) / np.sqrt(len(scores)))

    @property
    def confidence_interval(self) -> tuple[float, float]:
        """Of the mean score, 95 %, by Student's t distribution."""
        half = student_t_95(len(self.episodes) - 1) * self.standard_error
        return self.mean_score - half, self.mean_score + half

    @property
    def by_level(self) -> list[levels.LevelResult]:
        """The result of each level."""
        return levels.by_level(self.episodes)

    def as_json(self) -> dict[str, Any]:
        """The contract of `evaluate --json`; NaN becomes null."""

        def number(value: float) -> float | None:
            return value if np.isfinite(value) else None

        results = [dataclasses.asdict(result) for result in self.by_level]
        return {
            'game': self.game,
            'mode': self.mode,
            'episodes': [episode.as_json() for episode in self.episodes],
            **({'levels': results} if len(results) > 1 else {}),
            'mean_return': number(self.mean_return),
            'mean_score': number(self.mean_score),
            'standard_error': number(self.standard_error),
            'confidence_interval': [number(bound) for bound in self.confidence_interval],
        }


def student_t_95(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's t; between table rows that of fewer degrees."""
    known = [d for d in _T_95 if d <= degrees]
    return _T_95[max(known)] if known else float('nan')


def summary(evaluation: Evaluation) -> str:
    """One line: mean score, its error and its confidence interval."""
    count, score = len(evaluation.episodes), f'mean score {evaluation.mean_score:.2f}'
    mean_return = f'mean return {evaluation.mean_return:.3f}'
    if count < 2:
        return f'{evaluation.mode} actions, one episode: {score}, {mean_return}'
    low, high = evaluation.confidence_interval
    return (
        f'{evaluation.mode} actions, {count} episodes: {score} (standard error '
        f'{evaluation.standard_error:.2f}, 95 % confidence {low:.2f} to {high:.2f}), {mean_return}'
    )


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
        memory = forget(actor.remember(decision, rewards), terminated | truncated)
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
