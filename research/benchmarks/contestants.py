"""Contestants of `throughput`, each in a process of its own that waits for its turns.

    python -m research.benchmarks.contestants KIND OPTIONS

A line on stdin with a number of seconds is a turn: the work is done for that long, after a second
that does not count, and what was done is told on stdout as a line of JSON. The first line tells
that the contestant is ready.
"""

import contextlib
import functools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from agents import quiet_tensorflow
from agents.configs import presets
from agents.configs.actor_critic import A2CConfig
from envs.backends import registry
from envs.config import EnvConfig
from envs.make import make_env
from research.benchmarks import emulation, processes


class Options(NamedTuple):
    """The setting that is measured."""

    game: str
    num_envs: int
    num_groups: int
    unroll_length: int
    network: str
    num_workers: int = 8  # Of A3C; they share the environments.
    locked: bool = True
    envs_per_process: int = 0  # 0: as fits the cores.


# While the others have their turns, the kernel may take the code of who waits out of memory.
_WARM_UP_SECONDS = 1.0

Work = Callable[[], int]  # Does a piece of work and returns its number of agent steps.
Span = Callable[[], contextlib.AbstractContextManager[object]]  # Of a turn.


def inference(options: Options) -> Work:
    """The step model alone, with the batch of one group."""
    step_model, _, rollout, _ = _models(options)
    observations, batch = rollout.observations[0], rollout.observations.shape[1]

    def work() -> int:
        step_model.step(observations, (), 0)
        return batch

    return work


def training(options: Options) -> Work:
    """The train model alone: the gradients of every group, and the update."""
    _, train_model, rollout, forward_pass = _models(options)

    def work() -> int:
        experience, fraction = (rollout, forward_pass), 1 / options.num_groups
        groups = range(options.num_groups)
        parts = [train_model.gradients(*experience, 0.01, fraction) for _ in groups]
        train_model.apply(parts, 1e-4)
        return rollout.rewards.size * options.num_groups

    return work


def _models(options: Options) -> tuple[Any, Any, Any, Any]:
    """Step model, train model, a random rollout of one group, and its forward pass."""
    env = make_env(_env_config(options))
    quiet_tensorflow.load()
    from agents.actor_critic.train_model import TrainModel
    from agents.distributions import factory
    from agents.experience.runner import ForwardPass, Rollout
    from agents.experience.step_model import StepModel
    from agents.networks import policy_value

    num_actions = int(env.action_space.n)
    network = policy_value.build(options.network, env.observation_space, num_actions, seed=0)
    distribution = factory.for_space(env.action_space)
    rng = np.random.default_rng(0)
    shape = (options.unroll_length, options.num_envs // options.num_groups)
    rollout = Rollout(
        rng.integers(0, 256, shape + env.observation_space.shape, np.uint8),
        rng.integers(0, env.action_space.n, shape).astype(np.int32),
        *(rng.random(shape, np.float32) for _ in range(3)),
        rng.random(shape[1:], np.float32),
        np.zeros(shape, bool),
    )
    env.close()
    config = A2CConfig(network=options.network, unroll_length=options.unroll_length)
    step_model = StepModel(network, distribution, seed=0)
    activations = [step_model.step(o, (), 0).activations for o in rollout.observations]
    train_model = TrainModel(network, distribution, config)
    return step_model, train_model, rollout, ForwardPass(activations=activations)


def a2c(options: Options, overlap: bool = False) -> Work:
    """Our A2C as `train_a2c` runs it, without evaluations and checkpoints."""
    quiet_tensorflow.load()
    import tensorflow as tf

    from agents.actor_critic import a2c as algorithm

    tf.config.experimental.enable_op_determinism()
    config = A2CConfig(
        num_envs=options.num_envs,
        num_groups=options.num_groups,
        unroll_length=options.unroll_length,
        network=options.network,
        overlap=overlap,
    )
    agent = algorithm.A2C(config, _env_config(options))

    def work() -> int:
        before = agent.num_steps
        agent.update()
        return agent.num_steps - before

    return work


def a3c(options: Options) -> tuple[Work, Span]:
    """Our A3C as `train_a3c` runs it; its workers rest between turns."""
    quiet_tensorflow.load()
    from agents.actor_critic import a3c as algorithm
    from agents.configs.actor_critic import A3CConfig

    config = A3CConfig(
        num_workers=options.num_workers,
        envs_per_worker=options.num_envs // options.num_workers,
        unroll_length=options.unroll_length,
        network=options.network,
        total_steps=10**9,
        locked=options.locked,
    )
    agent, rest = algorithm.A3C(config, _env_config(options)), contextlib.ExitStack()

    def work() -> int:
        before = agent.num_steps
        agent.update()
        return agent.num_steps - before

    @contextlib.contextmanager
    def playing() -> Iterator[None]:
        rest.close()
        yield
        rest.enter_context(agent.paused())

    return work, playing


def sb3(options: Options, our_envs: bool = False) -> Work:
    """Stable-Baselines3's A2C, with its own wrappers or with our environments."""
    from research.benchmarks import no_tensorflow  # noqa: F401, I001
    import torch
    from stable_baselines3 import A2C
    from stable_baselines3.common.vec_env import SubprocVecEnv as PeerVecEnv
    from stable_baselines3.common.vec_env import VecFrameStack

    from research.benchmarks import peer_envs
    from research.peers import sb3 as peer

    if our_envs:
        make = functools.partial(make_env, _env_config(options))
    else:
        make = functools.partial(peer_envs.make, options.game)
    preload = [no_tensorflow.__name__, 'stable_baselines3']
    multiprocessing.get_context('forkserver').set_forkserver_preload(preload)
    envs: Any = PeerVecEnv([make] * options.num_envs, start_method='forkserver')
    if not our_envs:
        envs = VecFrameStack(envs, 4)
    torso = {'features_extractor_class': peer.a3c_torso()} if options.network == 'a3c' else {}
    model = A2C('CnnPolicy', envs, n_steps=options.unroll_length, device='cpu', policy_kwargs=torso)
    total, callback = model._setup_learn(10**9)  # As `learn` begins.
    torch.set_num_threads(len(os.sched_getaffinity(0)))

    def work() -> int:
        model.collect_rollouts(model.env, callback, model.rollout_buffer, model.n_steps)
        model._update_current_progress_remaining(model.num_timesteps, total)
        model.train()
        return options.num_envs * options.unroll_length

    return work


def _env_config(options: Options) -> EnvConfig:
    """As the preset draws the game; how many pictures it draws is what matters here."""
    preset = presets.for_game('auto', registry.find(options.game))
    return EnvConfig(
        game=options.game,
        max_pool=preset.get('max_pool', True),
        envs_per_process=options.envs_per_process,
    )


_KINDS: dict[str, Callable[[Options], Any]] = {
    'inference': inference,
    'training': training,
    'a2c': a2c,
    'a2c_overlap': functools.partial(a2c, overlap=True),
    'a3c': a3c,
    'sb3': sb3,
    'sb3_our_envs': functools.partial(sb3, our_envs=True),
}


def turn(work: Work, span: Span, seconds: float) -> dict[str, float]:
    """Whole pieces of work for about so many seconds, and the CPU time that they took."""
    steps, start, cpu = 0, time.perf_counter(), processes.cpu_seconds()
    with span():
        while time.perf_counter() < start + seconds:
            steps += work()
    wall_seconds = time.perf_counter() - start
    after = processes.cpu_seconds()
    return {
        'steps': steps,
        'wall_seconds': wall_seconds,
        'learner_cpu_seconds': after.own - cpu.own,
        'workers_cpu_seconds': after.children - cpu.children,
    }


def main(kind: str, options: Options) -> None:
    """Takes turns until stdin ends."""
    if kind == 'emulation':
        run = functools.partial(emulation.play, _env_config(options), options.num_envs)
    else:
        made = _KINDS[kind](options)
        work, span = made if isinstance(made, tuple) else (made, contextlib.nullcontext)
        turn(work, span, 0.5)
        run = functools.partial(turn, work, span)
    print(json.dumps({'ready': True}), flush=True)
    for line in sys.stdin:
        run(_WARM_UP_SECONDS)
        print(json.dumps({**run(float(line)), **processes.memory()}), flush=True)
    os._exit(0)  # The workers end with us.


if __name__ == '__main__':
    main(sys.argv[1], Options(**json.loads(sys.argv[2])))
