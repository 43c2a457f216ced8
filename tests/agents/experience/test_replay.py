"""The replay memory against a plain list of transitions."""

import collections

import gymnasium
import hypothesis
import numpy as np
import pytest
import scipy.stats
from hypothesis import strategies

from agents.experience import replay, segments
from agents.storage import checkpoints
from envs.errors import UsageError
from tests.helpers.trees import assert_equal

SMALL = 300  # Bytes of a segment: a few slots.
ACTIONS = gymnasium.spaces.Discrete(5)


def picture(number, depth):
    """Number 0 to 2**24 as an array that no other number has."""
    if depth == 1:
        return np.array([number, -number], np.float32)
    return np.frombuffer(np.int32(number).tobytes() + b'\1\2', np.uint8).reshape(2, 3).copy()


def space(depth):
    if depth == 1:
        return gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    return gymnasium.spaces.Box(0, 255, (2, 3, depth), np.uint8)


class World:
    """Environments whose episodes end as they are told, and a list of all that happened in them."""

    def __init__(self, num_envs, depth):
        self.num_envs, self.depth = num_envs, depth
        self.num_pictures, self.num_steps = 0, 0
        self.stacks = [None] * num_envs
        self.transitions = []  # (number of the oldest picture, observation, action, ...)

    def observation(self, env):
        pictures = [picture(number, self.depth) for number in self.stacks[env]]
        return pictures[0] if self.depth == 1 else np.stack(pictures, axis=-1)

    def start(self, env, repeated):
        """Starts an episode with a first picture that is repeated, or in the middle of one."""
        numbers = np.zeros(self.depth, int) if repeated else np.arange(self.depth)
        self.stacks[env] = (self.num_pictures + numbers).tolist()
        self.num_pictures += 1 + int(numbers[-1])
        return self.observation(env)

    def step(self, events):
        """Arguments of `add`; `events` are the name of an end, and whether a start is repeated."""
        observations, rewards, finals = [], [], {}
        actions = [(self.num_steps + env) % 5 for env in range(self.num_envs)]
        self.num_steps += 1
        ends = [end for end, _ in events]
        for env, (end, repeated) in enumerate(events):
            before = self.observation(env)
            rewards.append(self.num_steps + env / 8)
            if end != 'lost':
                oldest = self.stacks[env][0]
                self.stacks[env] = [*self.stacks[env][1:], self.num_pictures]
                self.num_pictures += 1
                self.transitions.append((
                    oldest, before, actions[env], rewards[env],
                    float(end not in ('terminated', 'both')), self.observation(env),
                ))  # fmt: skip
            if end:
                finals[env] = self.observation(env)
                self.start(env, repeated)
            observations.append(self.observation(env))
        final_obs = np.array([None] * self.num_envs, object)
        for env, final in finals.items():
            final_obs[env] = final
        infos = {'final_obs': final_obs, 'final_info': {}} if finals else {}
        if 'lost' in ends:
            infos['final_info']['_worker_error'] = np.array([end == 'lost' for end in ends])
        return (
            np.array(actions), np.stack(observations), np.array(rewards, np.float32),
            np.array([end in ('terminated', 'both') for end in ends]),
            np.array([end in ('truncated', 'both', 'lost') for end in ends]),
            infos,
        )  # fmt: skip

    def held(self, capacity):
        """The transitions all of whose pictures are among the last `capacity`."""
        return {
            as_key(*rest)
            for oldest, *rest in self.transitions
            if oldest >= self.num_pictures - capacity
        }


def as_key(observation, action, reward, discount, next_observation):
    return (
        observation.tobytes(), int(action), float(reward), float(discount),
        next_observation.tobytes(),
    )  # fmt: skip


def keys(transitions):
    return [as_key(*row) for row in zip(*transitions, strict=True)]


def make(world, capacity, seed=0):
    return replay.ReplayMemory(capacity, space(world.depth), ACTIONS, world.num_envs, world.depth,
                               seed)  # fmt: skip


def started(num_envs, depth, capacity, seed=0):
    world = World(num_envs, depth)
    memory = make(world, capacity, seed)
    memory.reset(np.stack([world.start(env, True) for env in range(num_envs)]))
    return world, memory


END = strategies.sampled_from(['', '', '', 'terminated', 'truncated', 'both', 'lost'])


@hypothesis.settings(deadline=None, max_examples=80, database=None)
@hypothesis.given(strategies.data())
def test_all_that_is_held_is_sampled_and_nothing_else(data):
    num_envs = data.draw(strategies.integers(1, 3))
    depth = data.draw(strategies.sampled_from([1, 2, 4]))
    capacity = data.draw(strategies.integers(num_envs * (depth + 1) ** 2, 90))
    events = strategies.lists(
        strategies.tuples(END, strategies.booleans()), min_size=num_envs, max_size=num_envs
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, '_SEGMENT_BYTES', SMALL)
        world, memory = started(num_envs, depth, capacity)
        for step in data.draw(strategies.lists(events, max_size=60)):
            memory.add(*world.step(step))
        held = world.held(capacity)
        assert memory.size == min(world.num_pictures, capacity)
        if held:
            assert set(keys(memory.sample(1500, count=0))) == held
        else:
            with pytest.raises(ValueError, match='no transition'):
                memory.sample(1, count=0)


def random_events(rng, num_envs):
    ends = rng.choice(['', 'terminated', 'truncated', 'lost'], num_envs, p=[0.85, 0.07, 0.05, 0.03])
    return [(str(end), bool(rng.random() < 0.8)) for end in ends]


@pytest.mark.parametrize('depth', [1, 4])
def test_it_continues_from_a_checkpoint_bit_for_bit(tmp_path, monkeypatch, depth):
    monkeypatch.setattr(segments, '_SEGMENT_BYTES', SMALL)
    rng = np.random.default_rng(depth)
    world, memory = started(3, depth, 150)
    for _ in range(4):
        for _ in range(int(rng.integers(20, 50))):
            memory.add(*world.step(random_events(rng, 3)))
        # The tree is written after the memory has gone on, as the background thread does.
        state, expected = memory.state(), memory.sample(40, count=7)
        steps = [world.step(random_events(rng, 3)) for _ in range(60)]
        for step in steps:
            memory.add(*step)
        path = checkpoints.save(str(tmp_path), world.num_steps, {'replay': state})
        again = make(world, 150)
        again.set_state(checkpoints.load(path)['replay'])
        assert keys(again.sample(40, count=7)) == keys(expected)
        for step in steps:
            again.add(*step)
        assert_equal(again.state()['stacks'], memory.state()['stacks'])
        for count in range(3):
            assert keys(again.sample(40, count)) == keys(memory.sample(40, count))


def test_a_checkpoint_writes_only_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, '_SEGMENT_BYTES', SMALL)
    world, memory = started(1, 4, 200)
    rng = np.random.default_rng(0)
    written = []
    for step in range(8):
        for _ in range(40):
            memory.add(*world.step(random_events(rng, 1)))
        before = set(tmp_path.glob('part-*.zip'))
        checkpoints.save(str(tmp_path), step, memory.state())
        written.append(len(set(tmp_path.glob('part-*.zip')) - before))
    slots = SMALL // (6 + memory._step_type.itemsize)
    assert max(written) <= 2 + 45 * 1.5 / slots  # And not the 200 that are held.
    held = {part for path in checkpoints.paths(str(tmp_path)) for part in names(path)}
    assert {path.name for path in tmp_path.glob('part-*.zip')} == held


@pytest.mark.parametrize('depth', [1, 4])
@pytest.mark.parametrize('lost', [0, 3, -1])
def test_what_is_older_than_a_damaged_part_is_forgotten(tmp_path, monkeypatch, depth, lost):
    monkeypatch.setattr(segments, '_SEGMENT_BYTES', SMALL)
    rng = np.random.default_rng(depth)
    world, memory = started(2, depth, 150)
    for _ in range(140):
        memory.add(*world.step(random_events(rng, 2)))
    path = checkpoints.save(str(tmp_path), 1, memory.state())
    parts = names(path)
    (tmp_path / parts[lost]).unlink()
    again = make(world, 150)
    again.set_state(checkpoints.load(path, parts='readable'))
    length = again._slots.length
    rows = again._slots.end % length
    assert again.size == min(rows + length * len(parts[lost:][1:]), 150)
    if again.is_broken:
        again.reset(np.stack([world.start(env, False) for env in range(2)]))
    assert not again.is_broken
    for _ in range(140):
        again.add(*world.step([('', False)] * 2))
        found = keys(again.sample(300, count=0))
        assert set(found) <= world.held(min(again.size, 150))
    assert set(keys(again.sample(1500, count=1))) == world.held(150)


def names(path):
    return [part.name for part in checkpoints.load(path)['segments']]


@pytest.mark.parametrize('depth', [1, 4])
def test_samples_are_uniform(depth):
    world, memory = started(2, depth, 60)
    rng = np.random.default_rng(1)
    for _ in range(100):
        memory.add(*world.step(random_events(rng, 2)))
    counts = collections.Counter()
    for count in range(20):
        counts.update(keys(memory.sample(1000, count)))
    assert set(counts) == world.held(60)
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 0.001


def test_seed_and_count_select_the_samples():
    (world, memory), (_, other) = started(1, 1, 100, seed=3), started(1, 1, 100, seed=4)
    for _ in range(50):
        step = world.step([('', True)])
        memory.add(*step)
        other.add(*step)
    first = keys(memory.sample(32, count=5))
    assert first == keys(memory.sample(32, count=5))
    assert first != keys(memory.sample(32, count=6))
    assert first != keys(other.sample(32, count=5))


def test_real_numbers_are_actions_too():
    box = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
    memory = replay.ReplayMemory(10, space(1), box, num_envs=1)
    memory.reset(np.zeros((1, 2), np.float32))
    actions = np.array([[0.25, -1.0, 0.125]], np.float32)
    no, rewards = np.zeros(1, bool), np.ones(1, np.float32)
    memory.add(actions, np.ones((1, 2), np.float32), rewards, no, no, {})
    batch = memory.sample(3, count=0)
    assert batch.actions.dtype == np.float32
    np.testing.assert_array_equal(batch.actions, np.repeat(actions, 3, axis=0))


def test_what_it_gives_is_no_view_of_the_memory():
    world, memory = started(1, 1, 100)
    memory.add(*world.step([('', True)]))
    for array in memory.sample(4, count=0):
        array[:] = 99
    assert set(keys(memory.sample(4, count=0))) == world.held(100)


def test_observations_that_are_no_stack_are_refused():
    world, memory = started(1, 4, 100)
    actions, observations, *rest = world.step([('', True)])
    with pytest.raises(ValueError, match='those of the one before'):
        memory.add(actions, observations[..., ::-1].copy(), *rest)


def test_a_capacity_that_holds_nothing_is_refused():
    with pytest.raises(UsageError, match='must be at least 25 here, not 24'):
        replay.ReplayMemory(24, space(4), ACTIONS, 1, depth=4)


def test_each_picture_is_stored_once():
    pictures = gymnasium.spaces.Box(0, 255, (84, 84, 4), np.uint8)
    memory = replay.ReplayMemory(500, pictures, ACTIONS, num_envs=1, depth=4)
    rng = np.random.default_rng(0)
    observations = np.repeat(rng.integers(0, 256, (1, 84, 84, 1), np.uint8), 4, axis=-1)
    memory.reset(observations)
    no = np.zeros(1, bool)
    for _ in range(450):
        newest = rng.integers(0, 256, (1, 84, 84, 1), np.uint8)
        observations = np.concatenate([observations[..., 1:], newest], axis=-1)
        memory.add(np.zeros(1, int), observations, np.zeros(1), no, no, {})
    state = memory.state()
    assert not state['segments']  # All of it is in the open one, which holds 84 * 84 bytes a step.
    assert state['pictures'].nbytes == 451 * 84 * 84
    assert state['steps'].nbytes < 451 * 84 * 84 / 50
