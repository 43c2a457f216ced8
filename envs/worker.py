"""What runs in a worker process: one environment that answers the learner's requests.

A worker never outlives its learner: the end of its pipe makes it close its environment and leave,
and a thread ends it with its engine if it is stuck. It never imports TensorFlow.
"""

import contextlib
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import cv2
import gymnasium

from envs import transport
from envs.errors import UsageError

# Seconds until a worker without a learner is asked to leave, and from then until it is killed.
_PATIENCE = 0.7


class Worker:
    """The environment of one worker process and its row in shared memory."""

    def __init__(
        self, env: gymnasium.Env[Any, Any], arrays: transport.Arrays, index: int, step_infos: bool
    ) -> None:
        self._env, self._arrays, self._index = env, arrays, index
        self._step_infos = step_infos

    def step(self) -> tuple[dict[str, Any] | None, dict[str, Any]] | None:
        """An agent step; the final info, if an episode ended, and the info, if any."""
        arrays, index = self._arrays, self._index
        action = arrays.actions[index].copy()  # Wrappers may keep it, and the row changes.
        observation, reward, terminated, truncated, info = self._env.step(action)
        final_info = None
        if terminated or truncated:
            final_info = info
            arrays.final_observations[index] = observation
            observation, info = self._env.reset()
        arrays.observations[index] = observation
        arrays.rewards[index] = reward
        arrays.terminated[index] = terminated
        arrays.truncated[index] = truncated
        if final_info is not None or (info and self._step_infos):
            return final_info, info
        return None

    def reset(self, seed: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        """Starts an episode; its info."""
        self._arrays.observations[self._index], info = self._env.reset(seed=seed, options=options)
        return info

    def apply(self, function: Callable[[gymnasium.Env[Any, Any]], Any]) -> Any:
        """Whatever the function makes of the environment."""
        return function(self._env)


def run(
    connection: multiprocessing.connection.Connection,
    env_fn: Callable[[], gymnasium.Env[Any, Any]],
    index: int,
    num_envs: int,
    step_infos: bool,
) -> None:
    """Main function of a worker: makes the environment and serves it until the learner is gone."""
    channel = transport.Channel(connection)
    _become_worker(channel)
    with contextlib.suppress(EOFError, ConnectionError):  # The learner is gone.
        try:
            env = env_fn()
        except Exception as error:
            channel.put(transport.FAIL, _failure(error))
            return
        try:
            _serve(env, channel, index, num_envs, step_infos)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Nothing interrupts the clean-up.
            with contextlib.suppress(Exception):  # A broken environment may fail to close.
                env.close()


def _serve(
    env: gymnasium.Env[Any, Any],
    channel: transport.Channel,
    index: int,
    num_envs: int,
    step_infos: bool,
) -> None:
    """Tells what the environment is, maps the shared memory, and answers requests for ever."""
    name = env.unwrapped.spec.id if env.unwrapped.spec else str(env.unwrapped)
    spaces = env.observation_space, env.action_space
    channel.put(transport.TELL, pickle.dumps((name, *spaces, env.metadata, env.render_mode)))
    memory = channel.get_file()
    worker = Worker(env, transport.map_arrays(memory, num_envs, *spaces), index, step_infos)
    os.close(memory)
    while True:
        kind = channel.get()
        channel.put(*_answer(worker, kind, channel.get_body() if kind == transport.CALL else b''))


def _answer(worker: Worker, kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    try:
        method, *arguments = pickle.loads(body) if kind == transport.CALL else ('step',)
        answer = getattr(worker, method)(*arguments)
        return (transport.DONE, b'') if answer is None else (transport.TELL, pickle.dumps(answer))
    except Exception as error:
        return transport.FAIL, _failure(error)


def _failure(error: Exception) -> bytes:
    usage = isinstance(error, UsageError)
    summary = str(error) if usage else ' '.join(f'{type(error).__name__}: {error}'.split())
    return pickle.dumps(
        transport.Failure(summary, ''.join(traceback.format_exception(error)), usage)
    )


def _become_worker(channel: transport.Channel) -> None:
    """Makes this process one that dies with its learner and leaves nothing behind."""
    os.setpgid(0, 0)  # A group of its own, so that its engine can be killed with it.
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
    """Leaves the main thread time to close the environment, then interrupts, then kills."""
    channel.wait_for_the_end()
    time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os.killpg(0, signal.SIGKILL)
