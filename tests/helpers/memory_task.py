"""A task that nobody can solve without a memory, and agents that play it in this process."""

import functools

import gymnasium
import numpy as np

LENGTH = 5


class MemoryTask(gymnasium.Env):
    """The first observation shows a cue, 0 or 1; all others are zeros.

    The last action of the episode is rewarded by 1 if it is the cue, by -1 if not. All that can be
    seen by then is the same for both cues, so a policy of the present observation earns 0 on
    average, whatever it is.
    """

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._cue, self._step = int(self.np_random.integers(2)), 0
        return np.eye(2, dtype=np.float32)[self._cue], {}

    def step(self, action):
        self._step += 1
        observation = np.zeros(2, np.float32)
        if self._step < LENGTH:
            return observation, 0.0, False, False, {}
        reward = 1.0 if action == self._cue else -1.0
        statistics = {'return': reward, 'score': reward, 'length': LENGTH, 'level': ''}
        return observation, reward, True, False, {'episode': statistics}


class EchoTask(MemoryTask):
    """The reward of each step tells the cue; observations tell nothing."""

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        return 0 * observation, info

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 0.5 * self._cue, *rest


class SignTask(gymnasium.Env):
    """Two numbers beside a black picture tell by their signs what to choose, twice; else -1."""

    observation_space = gymnasium.spaces.Dict(
        screen=gymnasium.spaces.Box(0, 255, (20, 20, 1), np.uint8),
        variables=gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32),
    )
    action_space = gymnasium.spaces.MultiDiscrete([2, 2])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._numbers, self._return, self._step = self.np_random.normal(size=2), 0.0, 0
        return self._see(), {}

    def step(self, action):
        reward = 1.0 if ((self._numbers > 0.0) == action).all() else -1.0
        self._numbers, self._step = self.np_random.normal(size=2), self._step + 1
        self._return += reward / LENGTH
        if self._step < LENGTH:
            return self._see(), reward, False, False, {}
        statistics = {'return': self._return, 'length': LENGTH, 'level': ''}
        return self._see(), reward, False, True, {'episode': statistics}

    def _see(self):
        screen = np.zeros((20, 20, 1), np.uint8)
        return {'screen': screen, 'variables': self._numbers.astype(np.float32)}


def make_here(task, env_config, group, **options):
    """Stands for `make_vec_env`: no processes."""
    return gymnasium.vector.SyncVectorEnv(
        [task] * len(group), autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )


def playing(task):
    """What an agent takes as `make_envs` to play this task in its own process."""
    return functools.partial(make_here, task)
