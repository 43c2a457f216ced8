"""Emulation alone: all workers play at random as fast as they can, each for itself."""

import dataclasses
import functools
import os
import time
from typing import Any

import numpy as np

from envs.config import EnvConfig
from envs.make import make_vec_env
from envs.vector.subproc_vec_env import SubprocVecEnv


def play(env_config: EnvConfig, num_envs: int, seconds: float) -> dict[str, float]:
    """The agent steps of all workers together, and how long they took."""
    envs = _make(env_config, num_envs)
    # A worker's environments play one after the other.
    seconds *= len(envs.worker_pids) / num_envs
    start = time.perf_counter()
    steps = sum(envs.apply(functools.partial(_play_at_random, seconds=seconds)))
    return {'steps': steps, 'wall_seconds': time.perf_counter() - start}


@functools.cache
def _make(env_config: EnvConfig, num_envs: int) -> SubprocVecEnv:
    envs = make_vec_env(dataclasses.replace(env_config, hang_seconds=0.0), range(num_envs))
    envs.reset(seed=0)
    return envs


def _play_at_random(env: Any, seconds: float) -> int:
    """Runs in a worker: the number of agent steps."""
    rng, steps, end = np.random.default_rng(os.getpid()), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        _, _, terminated, truncated, _ = env.step(rng.integers(env.action_space.n))
        steps += 1
        if terminated or truncated:
            env.reset()
    return steps
