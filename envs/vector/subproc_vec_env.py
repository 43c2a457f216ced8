"""Vector environment whose environments step together, in processes of their own.

`worker` is what runs in the processes, and `transport` is how the learner talks to them.
"""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import error, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs import observations
from envs.errors import UsageError
from envs.game import Snapshot
from envs.observations import Observation
from envs.vector import transport, worker
from envs.vector.recovery import Recovery
from envs.vector.restarts import RestartBudget
from envs.vector.worker_pool import WorkerPool

Step = tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]

_RESTORE_SECONDS = 3600.0  # A worker that takes longer to restore counts as hung.
_ARRAY_SPACES = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


class SubprocVecEnv(VectorEnv[Any, Any, np.ndarray]):
    """Environments in processes of their own, with observations in shared memory.

    It behaves like gymnasium's SyncVectorEnv with `AutoresetMode.SAME_STEP`: the observation after
    an episode's end is the first one of the next episode; `infos['final_obs']` and
    `infos['final_info']` belong to the episode that ended.

    A worker that dies, hangs, raises or returns something that cannot be learned from is replaced,
    with all its environments. Their step counts as truncated, with reward 0 and the last good
    observation as the final one, except for episodes that had just ended; the failure is described
    in `infos['final_info']['worker_error']` and logged. The environments go on from the last
    snapshot of their episode, or begin a new one if there is none: see `envs.vector.recovery`.

    Workers keep to the cores of the thread that starts them.

    Attributes:
        observations: The shared array, `[N, ...]`, or a dict of such arrays. `reset`, `step` and
            `restore` return the array itself and no copy: its content is valid until the next step.
        recovery: Replaces workers.
    """

    def __init__(
        self,
        env_fns: Sequence[worker.EnvFn],
        *,
        context: str = 'forkserver',
        hang_seconds: float = 60.0,
        restarts: RestartBudget | None = None,
        max_memory_mb: int = 0,
        snapshot_seconds: float = 10.0,
        step_infos: bool = True,
        envs_per_process: int = 1,
        preload: Sequence[str] = (),
    ) -> None:
        """Starts all workers at once and waits for all of them.

        Args:
            env_fns: Functions that make the environments; picklable, such as a functools.partial.
            context: Start method of processes: 'forkserver' or 'spawn'. A fork would inherit the
                locks of TensorFlow's threads.
            hang_seconds: Time to answer, after which a worker counts as dead; 0 for no limit.
            restarts: Counter of replaced workers, which limits their number; by default 100 may
                fail within an hour.
            max_memory_mb: Limit for the RAM of a worker with its engines, above which it is
                replaced and its environments go on exactly; 0 for no limit.
            snapshot_seconds: Time between a worker's snapshots, which are used if it dies.
            step_infos: Whether to pass on the infos of steps within an episode, which pickles
                them at every step; those of an episode's start and end are always passed on.
            envs_per_process: Environments in a worker, which steps them one after another: fewer
                wake-ups and less memory, but no use of more cores than workers.
            preload: Modules that the environments need; importing them ahead speeds up restarts.

        Raises:
            UsageError: If an environment refuses what its user asked for.
            RuntimeError: If an environment cannot be made; the message has the worker's traceback.
        """
        if not env_fns or envs_per_process < 1 or context not in ('forkserver', 'spawn'):
            raise ValueError(f'needs environments, and forkserver or spawn, not {context!r}')
        self.num_envs, self._pending = len(env_fns), False
        options = worker.Options(self.num_envs, step_infos, snapshot_seconds)
        self._pool = WorkerPool(env_fns, context, options, envs_per_process, preload)
        try:
            names = self._adopt(self._pool.start())
            self._pool.share(hang_seconds)
            restarts = restarts or RestartBudget()
            self.recovery = Recovery(self._pool, self._arrays, names, restarts, max_memory_mb)
        except BaseException:
            self.close()
            raise

    def _adopt(self, descriptions: list[tuple[Any, ...]]) -> list[str]:
        """Adopts the spaces, which must agree; returns the names of the games."""
        names = [name for name, *_ in descriptions]
        _, observation_space, action_space, metadata, self.render_mode = descriptions[0]
        for name, *others in descriptions:
            if others[:2] != [observation_space, action_space]:
                raise UsageError(f'the spaces of {name} and of {names[0]} differ')
        parts = observations.spaces_of(observation_space)
        for space in (*(parts.values() if isinstance(parts, dict) else [parts]), action_space):
            if not isinstance(space, _ARRAY_SPACES):
                raise UsageError(f'{names[0]} has a space that is not one array: {space}')
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, self.num_envs)
        self.action_space = batch_space(action_space, self.num_envs)
        self.metadata = {**metadata, 'autoreset_mode': AutoresetMode.SAME_STEP}
        self._arrays = transport.map_arrays(
            self._pool.memory, self.num_envs, observation_space, action_space
        )
        self.observations = self._arrays.observations
        return names

    @property
    def num_restarts(self) -> int:
        """Number of workers replaced so far."""
        return self.recovery.num_restarts

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._pool.pids

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode in every environment; environment i gets the seed `seed + i`."""
        if seed is None or isinstance(seed, (int, np.integer)):
            seeds = [None if seed is None else int(seed) + i for i in range(self.num_envs)]
        else:
            seeds = list(seed)
        if seed is not None:
            self.recovery.seed([s for s in seeds if s is not None])
        self._require_idle()
        self._pool.ask([('reset', own_seed, options) for own_seed in seeds])
        infos: dict[str, Any] = {}
        for index, (_, info) in enumerate(self._answers(resume=False)):
            infos = self._add_info(infos, info, index)
        return self.observations, infos

    def step(self, actions: Any) -> Step:
        """Steps every environment."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Any) -> None:
        """Sends the actions, `[N, ...]`, without waiting."""
        self._require_idle()
        actions = np.asarray(actions)
        if actions.shape != self._arrays.actions.shape:
            raise ValueError(f'actions of {actions.shape}, not {self._arrays.actions.shape}')
        np.copyto(self._arrays.actions, actions, casting='same_kind')
        self.recovery.recycle_the_large()
        self._arrays.terminated[:] = self._arrays.truncated[:] = False
        self._pending = True
        self._pool.ask_for_steps()

    def step_wait(self) -> Step:
        """Waits for all workers; returns observations, rewards, terminated, truncated and infos."""
        if not self._pending:
            raise error.NoAsyncCallError('step_wait without step_async', 'step')
        arrays = self._arrays
        infos: dict[str, Any] = {}
        for index, answer in enumerate(self._answers(resume=True)):
            if answer is None:
                continue
            final_info, info = answer
            if final_info is not None:
                final_obs = observations.at(arrays.final_observations, index)
                final = {'final_obs': final_obs, 'final_info': final_info}
                infos = self._add_info(infos, final, index)
            infos = self._add_info(infos, info, index)
        self._pending = False
        flags = arrays.terminated.copy(), arrays.truncated.copy()
        return self.observations, arrays.rewards.copy(), *flags, infos

    def apply(self, function: Callable[[gymnasium.Env[Any, Any]], Any]) -> tuple[Any, ...]:
        """Calls a picklable function with each environment, in its process; returns the results."""
        return self._call_each([('apply', function)] * self.num_envs)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Calls a method of each environment, or gets an attribute."""
        return self.apply(functools.partial(_call, name=name, args=args, kwargs=kwargs))

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Gets an attribute of each environment."""
        return self.call(name)

    def render(self) -> tuple[Any, ...]:
        """Renders each environment; returns the pictures."""
        return self.apply(operator.methodcaller('render'))

    def snapshot(self) -> list[Snapshot]:
        """Whole state of each environment, with its present observation.

        Workers that died or hang are replaced first: `observations` shows where their games go on.
        """
        calls = [('snapshot',)] * self.num_envs
        self._require_idle()
        self._pool.ask(calls)
        answers = self._pool.answers()
        failures = self._pool.failures(answers)
        for number, failure in failures.items():
            if failure.trace:  # The environment raised, and would raise again.
                raise RuntimeError(self.recovery.describe(failure))
            self.recovery.heal(number, failure, resume=True)
        return list(self._call_each(calls) if failures else answers)

    def restore(self, snapshots: Sequence[Snapshot]) -> Observation:
        """Continues from snapshots; returns the observations at that moment."""
        # Some games replay their episode, which takes as long as it lasted.
        with self._pool.patience(_RESTORE_SECONDS):
            self._call_each([('restore', snapshot) for snapshot in snapshots])
        return self.observations

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the workers; those that hang are killed."""
        self._pool.close()

    def _require_idle(self) -> None:
        if self.closed:
            raise error.ClosedEnvironmentError('SubprocVecEnv is closed')
        if self._pending:
            raise error.AlreadyPendingCallError('a step is under way: call step_wait first', 'step')

    def _call_each(self, calls: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Results of a call to a method of each `WorkerEnv`."""
        self._require_idle()
        self._pool.ask(calls)
        answers = self._pool.answers()
        failures = self._pool.failures(answers)
        for number, failure in failures.items():
            if failure.hung:  # Its late answer would pass for the next one.
                self._pool.stop(number)
        for failure in failures.values():
            raise RuntimeError(self.recovery.describe(failure))
        return tuple(answers)

    def _answers(self, resume: bool) -> list[Any]:
        """Answers to a step or a reset; new workers answer for those that failed."""
        answers = self._pool.answers()
        for number, failure in self._pool.failures(answers).items():
            envs = self._pool.shares[number]
            answers[envs.start : envs.stop] = self.recovery.heal(number, failure, resume)
        return answers


def _call(env: gymnasium.Env[Any, Any], name: str, args: Any, kwargs: Any) -> Any:
    attribute = env.get_wrapper_attr(name)
    return attribute(*args, **kwargs) if callable(attribute) else attribute
