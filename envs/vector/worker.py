"""Code of a worker process: one or a few environments that answer the learner's requests.

A worker never outlives its learner: when its pipe is closed it closes its environments and exits,
and a thread kills it, with its engines, if it is stuck. It never imports TensorFlow.

Every few seconds it saves its environments, so that its successor can go on should it die.
"""

import contextlib
import math
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import gymnasium

from envs.errors import UsageError
from envs.vector import cores, transport
from envs.vector.crash_snapshots import LastSnapshot
from envs.vector.worker_env import BadAnswer, WorkerEnv

EnvFn = Callable[[], gymnasium.Env[Any, Any]]

# Seconds until a worker without a learner is asked to exit, and from then until it is killed.
_PATIENCE = 0.7
_MAX_SAVING = 0.005  # Largest fraction of time spent on saving; costly snapshots are rarer.


class Options(NamedTuple):
    """Options that all workers of a vector environment have in common.

    Attributes:
        num_envs: Number of environments of all workers together.
        step_infos: Whether to send the infos of steps within an episode.
        snapshot_seconds: Time between two snapshots, which are used if the worker dies.
    """

    num_envs: int
    step_infos: bool = True
    snapshot_seconds: float = 10.0


class _Saver:
    """Saves the environments of a worker from time to time."""

    def __init__(self, worker_envs: Sequence[WorkerEnv], period: float) -> None:
        self._worker_envs, self._period = worker_envs, period
        self._next = time.monotonic() + period

    def save_if_due(self) -> None:
        start = time.monotonic()
        if start < self._next:
            return
        try:
            for worker_env in self._worker_envs:
                worker_env.save()
        except Exception:  # The environment has no snapshots, or none of this state.
            self._next = math.inf
        else:
            end = time.monotonic()
            self._next = end + max(self._period, (end - start) / _MAX_SAVING)


def run(
    connection: multiprocessing.connection.Connection,
    env_fns: Sequence[EnvFn],
    first: int,
    options: Options,
    own_cores: list[int],
) -> None:
    """Makes a worker's environments and serves them until the learner is gone.

    Args:
        connection: Connection to the learner.
        env_fns: Functions that make the environments.
        first: Number of the first environment among those of all workers.
        options: Options of all workers.
        own_cores: Cores that this process and its engines keep to.
    """
    cores.keep_to(own_cores)
    channel = transport.Channel(connection)
    _become_worker(channel)
    envs: list[gymnasium.Env[Any, Any]] = []
    with contextlib.suppress(EOFError, ConnectionError):  # The learner is gone.
        try:
            for env_fn in env_fns:
                envs.append(env_fn())
        except Exception as error:
            channel.put(transport.FAIL, _failure(error, first + len(envs)))
        else:
            _serve(envs, channel, first, options)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Nothing may interrupt the clean-up.
            for env in envs:
                with contextlib.suppress(Exception):  # A broken environment may fail to close.
                    env.close()


def _serve(
    envs: Sequence[gymnasium.Env[Any, Any]],
    channel: transport.Channel,
    first: int,
    options: Options,
) -> None:
    """Describes the environments, maps the shared memory, and answers requests for ever."""
    channel.put(transport.TELL, pickle.dumps([_description(env) for env in envs]))
    memory, snapshots = channel.get_file(), channel.get_file()
    spaces = envs[0].observation_space, envs[0].action_space
    arrays = transport.map_arrays(memory, options.num_envs, *spaces)
    os.close(memory)
    worker_envs = [
        WorkerEnv(env, arrays, i, LastSnapshot(snapshots, i), options.step_infos)
        for i, env in enumerate(envs, first)
    ]
    saver = _Saver(worker_envs, options.snapshot_seconds)
    while True:
        kind = channel.get()
        body = channel.get_body() if kind == transport.CALL else b''
        answer = _answer(worker_envs, body, first)
        channel.put(*answer)
        if kind == transport.STEP and answer[0] != transport.FAIL:
            saver.save_if_due()  # Now that the learner is busy.


def _description(env: gymnasium.Env[Any, Any]) -> tuple[Any, ...]:
    name = env.unwrapped.spec.id if env.unwrapped.spec else str(env.unwrapped)
    return name, env.observation_space, env.action_space, env.metadata, env.render_mode


def _answer(worker_envs: Sequence[WorkerEnv], body: bytes, first: int) -> tuple[bytes, bytes]:
    """Calls a method of each environment, one after another; returns the kind and body."""
    answers: list[Any] = []
    try:
        calls = pickle.loads(body) if body else [('step',)] * len(worker_envs)
        for worker_env, (method, *arguments) in zip(worker_envs, calls, strict=True):
            answers.append(getattr(worker_env, method)(*arguments))
        if any(answer is not None for answer in answers):
            return transport.TELL, pickle.dumps(answers)
        return transport.DONE, b''
    except Exception as error:
        return transport.FAIL, _failure(error, first + min(len(answers), len(worker_envs) - 1))


def _failure(error: Exception, env: int) -> bytes:
    usage, trace = isinstance(error, UsageError), ''.join(traceback.format_exception(error))
    if isinstance(error, BadAnswer):
        what, trace = str(error), ''
    else:
        what = str(error) if usage else ' '.join(f'raised {type(error).__name__}: {error}'.split())
    return pickle.dumps(transport.Failure(what, trace, usage, env))


def _become_worker(channel: transport.Channel) -> None:
    """Makes this process end with its learner and leave nothing behind."""
    os.setpgid(0, 0)  # A group of its own, so that its engines can be killed with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The learner decides what Ctrl-C means.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    for name in os.listdir('/dev/fd'):
        # An engine that inherits our end of a pipe would hide our death from the learner.
        if int(name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), False)
    cv2.setNumThreads(0)  # As many workers as cores already.
    threading.Thread(target=_end_with_the_learner, args=(channel,), daemon=True).start()


def _end_with_the_learner(channel: transport.Channel) -> None:
    """Gives the main thread time to close the environments, interrupts it, then kills the group."""
    channel.wait_for_the_end()
    time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os.killpg(0, signal.SIGKILL)
