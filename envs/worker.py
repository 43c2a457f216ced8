"""What runs in a worker process: one environment, or a few, that answer the learner's requests.

A worker never outlives its learner: the end of its pipe makes it close its environments and leave,
and a thread ends it with its engines if it is stuck. It never imports TensorFlow.
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
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import gymnasium

from envs import cores, transport
from envs.errors import UsageError

EnvFn = Callable[[], gymnasium.Env[Any, Any]]

# Seconds until a worker without a learner is asked to leave, and from then until it is killed.
_PATIENCE = 0.7


class Seat:
    """An environment in a worker process, and its row in shared memory."""

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

    def reset(
        self, seed: int | None, options: dict[str, Any] | None
    ) -> tuple[None, dict[str, Any]]:
        """Starts an episode; no final info, and the info."""
        self._arrays.observations[self._index], info = self._env.reset(seed=seed, options=options)
        return None, info

    def apply(self, function: Callable[[gymnasium.Env[Any, Any]], Any]) -> Any:
        """Whatever the function makes of the environment."""
        return function(self._env)


def run(
    connection: multiprocessing.connection.Connection,
    env_fns: Sequence[EnvFn],
    first: int,
    num_envs: int,
    step_infos: bool,
    own_cores: list[int],
) -> None:
    """Main function of a worker: makes its environments and serves them until the learner is gone.

    Args:
        connection: To the learner.
        env_fns: Make the environments.
        first: Number of the first one among all.
        num_envs: All of them.
        step_infos: Whether to tell the infos of steps within an episode.
        own_cores: To keep to, with all engines.
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
            _serve(envs, channel, first, num_envs, step_infos)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Nothing interrupts the clean-up.
            for env in envs:
                with contextlib.suppress(Exception):  # A broken environment may fail to close.
                    env.close()


def _serve(
    envs: Sequence[gymnasium.Env[Any, Any]],
    channel: transport.Channel,
    first: int,
    num_envs: int,
    step_infos: bool,
) -> None:
    """Tells what the environments are, maps the shared memory, and answers requests for ever."""
    channel.put(transport.TELL, pickle.dumps([_description(env) for env in envs]))
    memory = channel.get_file()
    spaces = envs[0].observation_space, envs[0].action_space
    arrays = transport.map_arrays(memory, num_envs, *spaces)
    os.close(memory)
    seats = [Seat(env, arrays, first + i, step_infos) for i, env in enumerate(envs)]
    while True:
        kind = channel.get()
        body = channel.get_body() if kind == transport.CALL else b''
        channel.put(*_answer(seats, body, first))


def _description(env: gymnasium.Env[Any, Any]) -> tuple[Any, ...]:
    name = env.unwrapped.spec.id if env.unwrapped.spec else str(env.unwrapped)
    return name, env.observation_space, env.action_space, env.metadata, env.render_mode


def _answer(seats: Sequence[Seat], body: bytes, first: int) -> tuple[bytes, bytes]:
    """Calls a method of each, one after the other."""
    answers: list[Any] = []
    try:
        calls = pickle.loads(body) if body else [('step',)] * len(seats)
        for seat, (method, *arguments) in zip(seats, calls, strict=True):
            answers.append(getattr(seat, method)(*arguments))
        if any(answer is not None for answer in answers):
            return transport.TELL, pickle.dumps(answers)
        return transport.DONE, b''
    except Exception as error:
        return transport.FAIL, _failure(error, first + min(len(answers), len(seats) - 1))


def _failure(error: Exception, env: int) -> bytes:
    usage = isinstance(error, UsageError)
    summary = str(error) if usage else ' '.join(f'{type(error).__name__}: {error}'.split())
    return pickle.dumps(
        transport.Failure(summary, ''.join(traceback.format_exception(error)), usage, env)
    )


def _become_worker(channel: transport.Channel) -> None:
    """Makes this process one that dies with its learner and leaves nothing behind."""
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
    """Leaves the main thread time to close the environments, then interrupts, then kills."""
    channel.wait_for_the_end()
    time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os.killpg(0, signal.SIGKILL)
