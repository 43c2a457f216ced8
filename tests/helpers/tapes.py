"""A scripted game for tests: its pictures, rewards, lives and end come from a tape."""

import gymnasium
import numpy as np

from envs.game import Game


class TapeGame(Game):
    """Frame t of an episode shows `frames[t]` everywhere; frame 0 is what a reset shows.

    Attributes:
        played: Actions of the episode so far, one per emulator frame.
        num_resets: How often the game was started.

    Args:
        frames: Gray values; the episode ends with the last one.
        rewards: Reward of reaching frame t; 0 where there is none.
        lives: Lives at frame t; '' tells none.
        end: 'terminated', 'truncated', 'both', or 'never': then the tape begins again.
        size: Height and width of the picture.
        vector: Show the gray value as a vector, `float32[1]`, instead.
    """

    name = 'Tape'
    level = 'tape 1'
    frame_rate = 50.0
    action_names = ('NOOP', 'LEFT', 'FIRE')

    def __init__(
        self, frames=range(10), rewards=(), lives=(), end='terminated', size=(6, 8), vector=False
    ):
        self._frames, self._rewards, self._lives = list(frames), dict(enumerate(rewards)), lives
        self._end, self._size, self._vector, self._time = end, size, vector, 0
        self.played, self.num_resets, self.num_screens, self.closed = [], 0, 0, False
        self.noop_action = 0
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = (
            gymnasium.spaces.Box(0, 255, (1,), np.float32)
            if vector
            else gymnasium.spaces.Box(0, 255, size, np.uint8)
        )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._time, self.played = 0, []
        self.num_resets += 1
        return self.screen(), self._info()

    def advance(self, action):
        self.played.append(int(action))
        self._time += 1
        last = self._end != 'never' and self._time == len(self._frames) - 1
        terminated = last and self._end in ('terminated', 'both')
        truncated = last and self._end in ('truncated', 'both')
        reward = float(self._rewards.get(self._time, 0.0))
        return reward, terminated, truncated, self._info()

    def screen(self):
        self.num_screens += 1
        if self._vector:
            return np.array([self._now()], np.float32)
        return np.full(self._size, self._now(), np.uint8)

    def render(self):
        return np.full((*self._size, 3), self._now(), np.uint8)

    def snapshot(self):
        return {'time': self._time, 'played': list(self.played)}

    def restore(self, snapshot):
        self._time, self.played = snapshot['time'], list(snapshot['played'])

    def close(self):
        self.closed = True

    def _now(self):
        return self._frames[self._time % len(self._frames)]

    def _info(self):
        info = {'time': self._time}
        if self._lives:
            info['lives'] = self._lives[self._time % len(self._lives)]
        return info


def play(env, actions):
    """Steps through the actions, over episode ends; what every step and reset returned."""
    trace = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        trace.append((observation.tolist(), reward, terminated, truncated, info))
        if terminated or truncated:
            observation, info = env.reset()
            trace.append((observation.tolist(), info))
    return trace
