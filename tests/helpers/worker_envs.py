"""Environments for the tests of SubprocVecEnv; a light module, since every worker imports it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np

from envs.errors import UsageError

ACTION_SPACES = {
    'discrete': gymnasium.spaces.Discrete(4, start=1),
    'multi_discrete': gymnasium.spaces.MultiDiscrete([3, 2]),
    'multi_binary': gymnasium.spaces.MultiBinary(5),
    'box': gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32),
}


class Walk(gymnasium.Env):
    """A random walk that tells its actions, with infos of every kind, at every step if asked."""

    def __init__(self, actions='discrete', step_infos=True):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.action_space = ACTION_SPACES[actions]
        self._step_infos, self._time, self._state, self.kept = step_infos, 0, np.zeros(3), []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._time, self._state = 0, self.np_random.normal(size=3)
        return self._state.astype(np.float32), {'start': float(self._state[0]), 'options': options}

    def step(self, action):
        self._time += 1
        self.kept.append(action)
        self._state = self._state + self.np_random.normal(size=3) + np.sum(action)
        draw = self.np_random.random()
        info = {'time': self._time, 'name': f'step {self._time}', 'nested': {'state': self._state}}
        if not self._step_infos and draw < 0.9:
            info = {}
        observation = self._state.astype(np.float32)
        return observation, float(self._state[1]), draw > 0.95, 0.9 < draw < 0.97, info

    def snapshot(self):
        return {'time': self._time, 'state': self._state, 'rng': self.np_random.bit_generator.state}

    def restore(self, snapshot):
        self._time, self._state = snapshot['time'], snapshot['state']
        self.np_random.bit_generator.state = snapshot['rng']


class Sighted(Walk):
    """A walk that is seen: a picture, and the numbers beside it."""

    def __init__(self, actions='discrete', step_infos=True):
        super().__init__(actions, step_infos)
        self.observation_space = gymnasium.spaces.Dict(
            screen=gymnasium.spaces.Box(0, 255, (4, 6, 2), np.uint8),
            variables=self.observation_space,
        )

    def reset(self, **kwargs):
        observation, info = super().reset(**kwargs)
        return self._see(observation), info

    def step(self, action):
        observation, *answer = super().step(action)
        return self._see(observation), *answer

    def _see(self, variables):
        screen = np.full((4, 6, 2), 10 * variables[0], np.float32).astype(np.int64) % 256
        return {'screen': screen.astype(np.uint8), 'variables': variables}


class Blind(Sighted):
    """Never ends; shows, on demand, something else than it has promised."""

    ANSWERS = {
        1: {'variables': np.zeros(3, np.float32)},
        2: np.zeros(3, np.float32),
        3: {'screen': np.zeros((4, 6, 2), np.uint8), 'variables': np.full(3, np.nan)},
        4: {'screen': np.zeros((6, 4, 2), np.uint8), 'variables': np.zeros(3)},
    }

    def __init__(self):
        super().__init__()
        self.action_space = gymnasium.spaces.Discrete(5)

    def step(self, action):
        observation, *answer = super().step(action)
        answer[1:3] = False, False
        return self.ANSWERS.get(int(action), observation), *answer


class SlowReplay(Walk):
    """Takes long to restore, as a game that plays its episode again."""

    def restore(self, snapshot):
        time.sleep(2.0)
        super().restore(snapshot)


class Trouble(gymnasium.Env):
    """Counts its steps; an action makes trouble. It has an engine: a child process."""

    observation_space = gymnasium.spaces.Box(0, 255, (2,), np.uint8)
    action_space = gymnasium.spaces.Discrete(5)
    metadata = {'render_modes': ['rgb_array']}
    FINE, RAISE, CRASH, SLEEP, LEAVE = range(5)

    def __init__(self, trouble='', directory='', engine=False):
        self.close_file = Path(directory, f'closed-{os.getpid()}') if directory else None
        if trouble == 'raise':
            raise KeyError('no such level')
        if trouble == 'usage':
            raise UsageError('unknown level')
        if trouble == 'crash':
            os.kill(os.getpid(), signal.SIGSEGV)
        self.trouble, self._seed, self._time = trouble, 0, 0
        self._engine = subprocess.Popen(['sleep', '1000']) if engine else None

    def __str__(self):
        return 'Trouble'

    def reset(self, *, seed=None, options=None):
        if self.trouble == 'reset':
            raise ValueError('never starts')
        super().reset(seed=seed)
        self._seed, self._time = int(self.np_random.integers(256)), 0
        return self._observation(), {}

    def step(self, action):
        if action == self.RAISE:
            raise ValueError('two\nlines')
        if action == self.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if action == self.SLEEP:
            time.sleep(1000)
        if action == self.LEAVE:
            raise EOFError
        self._time += 1
        return self._observation(), 1.0, False, False, {}

    def render(self):
        if self.trouble == 'choosy':
            raise UsageError('not this')
        return np.full((2, 2, 3), self._time, np.uint8)

    def close(self):
        if self.close_file:
            self.close_file.touch()
        if self._engine:
            self._engine.kill()
            self._engine.wait()

    def _observation(self):
        return np.array([self._seed, self._time], np.uint8)


class Savable(Trouble):
    """Trouble that has snapshots; more actions return what cannot be learned from, or end it."""

    observation_space = gymnasium.spaces.Box(-1000.0, 1000.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(20)
    END = 10
    BAD = {
        11: {'observation': np.zeros(3)},
        12: {'observation': np.array([1.0, np.nan])},
        13: {'observation': np.array([1j, 1j])},
        14: {'reward': float('nan')},
        15: {'reward': -float('inf')},
        16: {'reward': 1e39},
    }

    def step(self, action):
        observation, reward, *_ = super().step(self.FINE if action >= self.END else action)
        bad = self.BAD.get(int(action), {})
        ended, info = action == self.END, {}
        if ended:
            info['episode'] = {'length': self._time}
        return bad.get('observation', observation), bad.get('reward', reward), ended, False, info

    def snapshot(self):
        if self.trouble == 'no snapshot':
            raise ValueError('cannot be saved')
        return {'seed': self._seed, 'time': self._time, 'rng': self.np_random.bit_generator.state}

    def restore(self, snapshot):
        if self.trouble == 'no restore':
            raise ValueError('cannot be restored')
        self._seed, self._time = snapshot['seed'], snapshot['time']
        self.np_random.bit_generator.state = snapshot['rng']

    def _observation(self):
        return np.array([self._seed, self._time], np.float32)


class Keyboard(gymnasium.Env):
    """An environment whose observations are neither one array nor a dict of arrays."""

    observation_space = gymnasium.spaces.Dict({'keys': gymnasium.spaces.Text(2)})
    action_space = gymnasium.spaces.Discrete(2)


def alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_dead(pids, seconds=10.0):
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(alive(pid) for pid in pids)


def doze(env):
    """Sleeps for very long, or for almost two seconds."""
    time.sleep(1000 if env.trouble == 'sleepy' else 1.8)


def family(env):
    """Process ids of the worker and of what it started, its engine."""
    pids = [os.getpid()]
    for pid in pids:
        for thread in Path(f'/proc/{pid}/task').iterdir():
            pids += [int(child) for child in (thread / 'children').read_text().split()]
    return pids


def named_memory(env):
    """Shared memory of the worker that has, or had, a name in the file system."""
    fields = [line.split() for line in Path('/proc/self/maps').read_text().splitlines()]
    return sorted({f[5] for f in fields if len(f) > 5 and f[5].startswith('/dev/shm/')})


def has_tensorflow(env):
    return 'tensorflow' in sys.modules


def megabytes(env):
    """The memory of the worker, in pages that it has touched."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGESIZE') / 2**20


def open_inheritable_files(env):
    """File descriptors above stderr that an engine would inherit."""
    numbers = [int(name) for name in os.listdir('/proc/self/fd')]
    return [n for n in numbers if n > 2 and _exists(n) and os.get_inheritable(n)]


def _exists(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
