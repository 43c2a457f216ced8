"""Rollouts of scripted environments, against a loop that keeps the books by hand."""

import functools

import gymnasium
import numpy as np
import pytest

from agents.distributions import factory
from agents.experience.actor import Actor, Decision
from agents.experience.runner import Runner
from agents.experience.step_model import StepModel
from agents.networks import policy_value

DISCOUNT = 0.9


class Tape(gymnasium.Env):
    """Plays a tape: a character per step, `.` goes on, `T` terminates, `C` cuts, `B` does both.

    An observation is (which environment, which episode, which step), so all are different.
    The reward is 100 times the number of the environment, plus the action, plus the step / 8.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(4)

    def __init__(self, tape, number):
        self._tape, self._number = tape, number
        self._position, self._episode, self._step = 0, -1, 0

    def _observation(self):
        return np.array([self._number, self._episode, self._step], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._episode, self._step = self._episode + 1, 0
        return self._observation(), {}

    def step(self, action):
        mark = self._tape[self._position % len(self._tape)]
        self._position, self._step = self._position + 1, self._step + 1
        reward = 100.0 * self._number + float(action) + self._step / 8
        info = {'episode': {'length': self._step, 'level': f'e{self._number}'}}
        ended = mark != '.'
        return self._observation(), reward, mark in 'TB', mark in 'CB', info if ended else {}


class ScriptedActor(Actor):
    """Values are a function of the observation and of the rewards of the episode so far.

    Actions are a function of the observation and the count.
    """

    def __init__(self):
        self.counts = []

    def first_memory(self, num_envs):
        return [np.zeros((num_envs, 1), np.float32)]

    def step(self, observations, memory, count):
        self.counts.append(count)
        actions = (observations.sum(axis=1).astype(np.int32) + count) % 4
        return Decision(actions.astype(np.int32), self.value(observations, memory), (), memory)

    def value(self, observations, memory):
        seen = observations @ np.array([7.0, 0.5, 0.25])
        return (seen + memory[0][:, 0] / 16).astype(np.float32)

    def remember(self, decision, rewards):
        return [decision.memory[0] + rewards[:, None]]


def vector(tapes):
    makers = [functools.partial(Tape, tape, i) for i, tape in enumerate(tapes)]
    return gymnasium.vector.SyncVectorEnv(
        makers, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )


def rollouts(tapes, length, count=1):
    actor = ScriptedActor()
    runner = Runner(vector(tapes), actor, length, DISCOUNT)
    runner.reset(seed=0)
    results = []
    for _ in range(count):
        results.append((runner.run()[0], runner.episodes))
    return results, runner, actor


def by_hand(tapes, length):
    """The same rollout, one environment after the other and one step after the other."""
    shape, actor = (length, len(tapes)), ScriptedActor()
    names = ('actions', 'rewards', 'discounts', 'values', 'starts')
    book = {name: np.zeros(shape) for name in names}
    book['observations'], book['bootstrap_value'] = np.zeros((*shape, 3)), np.zeros(len(tapes))
    for i, tape in enumerate(tapes):
        env = Tape(tape, i)
        observation, _ = env.reset()
        score, is_start = np.zeros((1, 1), np.float32), True
        for t in range(length):
            actions, values, *_ = actor.step(observation[None], [score], t * len(tapes))
            book['observations'][t, i], book['starts'][t, i] = observation, is_start
            book['actions'][t, i], book['values'][t, i] = actions[0], values[0]
            observation, reward, terminated, truncated, _ = env.step(actions[0])
            score, is_start = score + reward, terminated or truncated
            if truncated and not terminated:
                reward += DISCOUNT * actor.value(observation[None], [score])[0]
            book['rewards'][t, i] = reward
            book['discounts'][t, i] = 0.0 if terminated or truncated else DISCOUNT
            if is_start:
                observation, _ = env.reset()
                score = np.zeros((1, 1), np.float32)
        book['bootstrap_value'][i] = actor.value(observation[None], [score])[0]
    return book


TAPES = [
    ['....', '....'],
    ['.T..', '...C'],
    ['..C.', '..C.'],
    ['T', 'C'],
    ['B...', '...T'],
    ['...T', '...C', '...B'],
    ['C..T.B'],
]


@pytest.mark.parametrize('length', [1, 4, 7])
@pytest.mark.parametrize('tapes', TAPES, ids=' '.join)
def test_a_rollout_equals_the_books_kept_by_hand(tapes, length):
    [(rollout, _)], runner, _ = rollouts(tapes, length)
    for name, expected in by_hand(tapes, length).items():
        np.testing.assert_allclose(getattr(rollout, name), expected, rtol=1e-6, err_msg=name)
    assert runner.num_steps == length * len(tapes)


class TwoParts(gymnasium.Wrapper):
    """The observation of a tape in two parts."""

    def __init__(self, env):
        super().__init__(env)
        parts = {'screen': (2,), 'variables': (1,)}
        self.observation_space = gymnasium.spaces.Dict(
            {name: gymnasium.spaces.Box(-np.inf, np.inf, shape) for name, shape in parts.items()}
        )

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        return self._part(observation), info

    def step(self, action):
        observation, *answer = self.env.step(action)
        return self._part(observation), *answer

    def _part(self, observation):
        return {'screen': observation[:2], 'variables': observation[2:]}


class JoiningActor(ScriptedActor):
    def value(self, observations, memory):
        return super().value(self._join(observations), memory)

    def step(self, observations, memory, count):
        return super().step(self._join(observations), memory, count)

    def _join(self, seen):
        return np.concatenate(list(seen.values()), 1) if isinstance(seen, dict) else seen


@pytest.mark.parametrize('tapes', TAPES, ids=' '.join)
def test_observations_in_two_parts_are_the_same_rollout(tapes):
    """So are the last observations of episodes, which are valued where a limit cut them off."""
    runners = []
    for actor, wrapper in ((ScriptedActor(), lambda env: env), (JoiningActor(), TwoParts)):
        makers = [
            lambda tape=tape, i=i, wrapper=wrapper: wrapper(Tape(tape, i))
            for i, tape in enumerate(tapes)
        ]
        envs = gymnasium.vector.SyncVectorEnv(
            makers, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
        )
        runners.append(Runner(envs, actor, 7, DISCOUNT))
        runners[-1].reset(seed=0)
    for _ in range(2):
        (plain, memories), (parted, others) = (runner.run() for runner in runners)
        joined = np.concatenate([parted.observations[n] for n in ('screen', 'variables')], -1)
        np.testing.assert_equal(parted._replace(observations=joined)._asdict(), plain._asdict())
        np.testing.assert_equal(others._asdict(), memories._asdict())


def test_types_and_layout():
    [(rollout, _)], runner, _ = rollouts(['....', '....', '....'], 5)
    shapes = {name: array.shape for name, array in rollout._asdict().items()}
    assert shapes.pop('observations') == (5, 3, 3)
    assert shapes.pop('bootstrap_value') == (3,)
    assert set(shapes.values()) == {(5, 3)}
    assert rollout.actions.dtype == np.int32
    for name in ('rewards', 'discounts', 'values', 'bootstrap_value'):
        assert getattr(rollout, name).dtype == np.float32
    _, forward_pass = runner.run()
    assert forward_pass.activations == [()] * 5
    assert [memory.shape for [memory] in forward_pass.memories] == [(3, 1)] * 5


def test_rollouts_go_on_where_the_last_ended():
    tapes = ['..T.C', '....']
    pieces, _, _ = rollouts(tapes, 3, count=2)
    [(whole, _)], _, _ = rollouts(tapes, 6)
    joined = np.concatenate([pieces[0][0].observations, pieces[1][0].observations])
    np.testing.assert_array_equal(joined, whole.observations)
    np.testing.assert_array_equal(pieces[1][0].bootstrap_value, whole.bootstrap_value)


def test_every_step_draws_other_random_numbers():
    _, _, actor = rollouts(['....', '....'], 3, count=2)
    assert actor.counts == [0, 2, 4, 6, 8, 10]


def test_episodes_are_noted_once_with_the_steps_done_by_then():
    results, _, _ = rollouts(['.T...', '..C..', '.....'], 5, count=2)
    first, second = (
        [(e['step'], e['env'], e['length'], e['level']) for e in r[1]] for r in results
    )
    assert first == [(6, 0, 2, 'e0'), (9, 1, 3, 'e1')]
    assert second == [(21, 0, 5, 'e0'), (24, 1, 5, 'e1')]


def test_an_episode_tells_the_mean_of_its_values():
    results, _, actor = rollouts(['..T', '.....'], 2, count=3)
    whole = np.concatenate([rollout.values for rollout, _ in results])
    told = [episode['value'] for _, episodes in results for episode in episodes]
    np.testing.assert_allclose(told, [whole[:3, 0].mean(), whole[3:, 0].mean()], rtol=1e-6)


def test_memory_and_values_go_on_from_a_state():
    """Covers what `state` adds to the environments' own snapshots, which are not tested here."""
    tapes = ['..T.', '....']

    def runner():
        new = Runner(vector(tapes), ScriptedActor(), 3, DISCOUNT)
        new.reset(seed=0)
        return new

    one, other = runner(), runner()
    one.run()
    one._envs.snapshot = lambda: 'envs'
    state = one.state()
    (expected, _), ends = one.run(), one.episodes
    other.run()
    other._memory, other._tracker._value_sums = [np.ones((2, 1))], np.ones(2)
    other._envs.restore = lambda snapshot: other._observations
    other.set_state(state)
    got, _ = other.run()
    for name in ('values', 'starts', 'rewards', 'bootstrap_value'):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
    assert [e['value'] for e in other.episodes] == [e['value'] for e in ends]


def test_an_end_without_statistics_is_no_episode():
    """A lost life, or a worker that was replaced."""

    class Silent(Tape):
        def step(self, action):
            return (*super().step(action)[:4], {})

    envs = gymnasium.vector.SyncVectorEnv(
        [lambda: Silent('.C', 0)], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )
    runner = Runner(envs, ScriptedActor(), 4, DISCOUNT)
    runner.reset(seed=0)
    assert (runner.run()[0].discounts == 0).sum() == 2
    assert runner.episodes == []


def test_actions_follow_from_the_seed():
    def actions(seed):
        envs = vector(['.....T', '...C'])
        network = policy_value.build('mlp', envs.single_observation_space, 4, seed=1)
        actor = StepModel(network, factory.for_space(envs.single_action_space), seed)
        runner = Runner(envs, actor, 10, DISCOUNT)
        runner.reset(seed=0)
        return np.concatenate([runner.run()[0].actions for _ in range(2)])

    np.testing.assert_array_equal(actions(5), actions(5))
    assert (actions(5) != actions(6)).any()
    assert len(np.unique(actions(5))) == 4


def test_runners_that_share_the_work_act_as_one():
    """Seeds, random numbers, counts of steps and the environments' numbers go on across groups."""
    tapes = ['..T.', '.C..', '....', '...T', 'T...']
    [(whole, whole_episodes)], _, _ = rollouts(tapes, 6)
    parts, counts, episodes = [], [], []
    for first, last in ((0, 2), (2, 5)):
        makers = [functools.partial(Tape, tapes[i], i) for i in range(first, last)]
        envs = gymnasium.vector.SyncVectorEnv(
            makers, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
        )
        actor = ScriptedActor()
        runner = Runner(envs, actor, 6, DISCOUNT, first, len(tapes))
        runner.reset(seed=0)
        parts.append(runner.run()[0])
        episodes += runner.episodes
        counts += actor.counts
        assert runner.num_steps == 30
    assert len(set(counts)) == len(counts) == 12
    np.testing.assert_array_equal(whole.observations, np.concatenate([p[0] for p in parts], axis=1))
    where = [[(e['step'], e['env']) for e in some] for some in (whole_episodes, episodes)]
    assert sorted(where[0]) == sorted(where[1])
