"""Workers that fail go on from their last snapshot; who was stopped or has grown loses nothing."""

import dataclasses
import functools
import itertools
import multiprocessing.forkserver
import os
import re
import signal

import numpy as np
import pytest

from envs.config import EnvConfig
from envs.make import make_env, make_vec_env
from envs.vector import processes, recovery
from envs.vector.subproc_vec_env import SubprocVecEnv
from tests.helpers import worker_envs
from tests.helpers.worker_envs import Savable, Walk, wait_until_dead

FINE, RAISE, CRASH, SLEEP, END = (
    Savable.FINE, Savable.RAISE, Savable.CRASH, Savable.SLEEP, Savable.END,
)  # fmt: skip


@pytest.fixture
def make():
    """Makes vector environments that have been reset, and closes them."""
    made = []

    def start(*env_fns, seed=1, snapshot_seconds=1e9, **kwargs):
        made.append(SubprocVecEnv(env_fns, snapshot_seconds=snapshot_seconds, **kwargs))
        made[-1].reset(seed=seed)
        return made[-1]

    yield start
    for env in made:
        env.close()


def save(env, numbers=None):
    """Lets workers leave snapshots now, as they do every few seconds."""
    for number in range(len(env.worker_pids)) if numbers is None else numbers:
        env._pool.save(number)


def times(env):
    return env.observations[:, 1].tolist()


def play(env, count, action=FINE):
    for _ in range(count):
        env.step([action] * env.num_envs)


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    'action, what, hang_seconds',
    [
        (RAISE, 'raised ValueError: two lines', 60.0),
        (CRASH, r'died \(SIGSEGV\)', 60.0),
        (SLEEP, 'hung for 3 s', 3.0),  # Long enough for one that waits for a processor.
    ],
)
def test_it_goes_on_from_the_last_snapshot(make, caplog, action, what, hang_seconds):
    env = make(Savable, Savable, hang_seconds=hang_seconds)
    play(env, 3)
    save(env)
    play(env, 2)
    seeds = env.observations[:, 0].tolist()
    observations, rewards, terminated, truncated, infos = env.step([FINE, action])
    assert times(env) == [6, 3] and observations[:, 0].tolist() == seeds
    assert rewards.tolist() == [1, 0]
    assert truncated.tolist() == [False, True] and not terminated.any()
    assert infos['final_obs'][1].tolist() == [seeds[1], 5]
    assert list(infos['final_info']) == ['worker_error', '_worker_error']
    assert (env.num_restarts, env.recovery.num_lost) == (1, 0)
    [text] = messages(caplog)
    wanted = rf'Replaced a worker: environment 1 \(Trouble\) {what}; last action {action}; '
    assert re.match(wanted + r'it goes on from its snapshot [\d.]+ s before(\nTrace|$)', text)
    play(env, 1)
    assert times(env) == [7, 4]


def test_a_snapshot_is_used_once(make):
    """One that kills must not do so for ever."""
    env = make(Savable)
    play(env, 3)
    save(env)
    for wanted in (3, 0, 0):
        env.step([CRASH])
        assert times(env) == [wanted]
    assert (env.num_restarts, env.recovery.num_lost) == (3, 2)
    play(env, 2)
    save(env)
    env.step([CRASH])
    assert times(env) == [2]


def test_who_fails_before_a_snapshot_is_asked_for_goes_on(make, caplog):
    env = make(Savable, Savable)
    play(env, 3)
    save(env)
    play(env, 2)
    os.kill(env.worker_pids[0], signal.SIGKILL)
    snapshots = env.snapshot()
    assert times(env) == [3, 5]
    assert env.num_restarts == 1 and 'died (SIGKILL)' in caplog.text
    *_, truncated, _ = env.step([FINE, FINE])
    assert times(env) == [4, 6] and not truncated.any()
    env.restore(snapshots)
    assert times(env) == [3, 5]


def test_the_statistics_of_the_episode_go_on(make):
    env = make(Savable)
    play(env, 3)
    save(env)
    play(env, 4)
    env.step([CRASH])
    play(env, 1)
    *_, terminated, _, infos = env.step([END])
    assert terminated[0] and infos['final_info']['episode']['length'].tolist() == [5]


def assert_begins_anew(env):
    env.step([CRASH] * env.num_envs)
    assert times(env) == [0] * env.num_envs


def test_the_end_of_an_episode_makes_its_snapshot_void(make):
    env = make(Savable)
    play(env, 3)
    save(env)
    env.step([END])
    assert_begins_anew(env)


@pytest.mark.parametrize('how', ['reset', 'call', 'restore'])
def test_whatever_else_changes_the_episode_makes_its_snapshot_void(make, how):
    env = make(Savable)
    play(env, 3)
    snapshots = env.snapshot()
    save(env)
    {
        'reset': env.reset,
        'call': functools.partial(env.call, 'step', FINE),
        'restore': functools.partial(env.restore, snapshots),
    }[how]()
    assert_begins_anew(env)


def test_looking_at_the_state_keeps_the_snapshot(make):
    env = make(Savable)
    play(env, 3)
    save(env)
    env.snapshot()
    env.step([CRASH])
    assert times(env) == [3]


def test_a_reset_that_fails_begins_anew(make):
    env = make(Savable)
    play(env, 3)
    save(env)
    os.kill(env.worker_pids[0], signal.SIGKILL)
    env.reset(seed=2)
    assert times(env) == [0]


def test_a_snapshot_that_cannot_be_restored_is_given_up(make, caplog):
    env = make(functools.partial(Savable, 'no restore'))
    play(env, 3)
    save(env)
    env.step([CRASH])
    assert times(env) == [0] and env.num_restarts == 2
    first, second = messages(caplog)
    assert 'died (SIGSEGV)' in first and 'cannot be restored' in second
    assert 'it begins a new episode' in second


def test_a_damaged_snapshot_is_not_used(make):
    env = make(Savable)
    play(env, 3)
    save(env)
    os.truncate(env._pool._snapshots, 100)
    assert_begins_anew(env)


def test_in_a_shared_worker_each_environment_has_its_own(make, caplog):
    env = make(*[Savable] * 5, envs_per_process=2)
    play(env, 3)
    save(env)
    env.step([FINE, FINE, END, FINE, FINE])
    play(env, 1)
    env.step([FINE, FINE, FINE, CRASH, FINE])
    assert times(env) == [6, 6, 0, 3, 6]
    assert (env.num_restarts, env.recovery.num_lost) == (1, 1)
    [text] = messages(caplog)
    assert re.search(
        r'; 2 begins a new episode, 3 goes on from its snapshot [\d.]+ s before$', text
    )


@pytest.mark.parametrize(
    'action, what',
    [
        (11, r'returned an observation of \(3,\), not \(2,\)'),
        (12, 'returned an observation that is not finite'),
        (13, 'returned an observation of complex128, not float32'),
        (14, 'returned a reward of nan'),
        (15, 'returned a reward of -inf'),
        (16, r'returned a reward of 1e\+39'),
    ],
)
def test_what_cannot_be_learned_from_is_a_failure(make, caplog, action, what):
    env = make(*[Savable] * 2)
    play(env, 2)
    save(env)
    _, rewards, _, truncated, infos = env.step([FINE, action])
    assert rewards.tolist() == [1, 0] and truncated.tolist() == [False, True]
    assert np.isfinite(env.observations).all() and times(env) == [3, 2]
    text = rf'environment 1 \(Trouble\) {what}; last action {action}'
    assert re.fullmatch(text, infos['final_info']['worker_error'][1])
    assert re.match(f'Replaced a worker: {text}; it goes on', messages(caplog)[0])


class Large(Savable):
    """Shows numbers that have no square in their type."""

    def _observation(self):
        return super()._observation() + 1e30


def test_very_large_numbers_are_finite(make):
    env = make(Large)
    play(env, 3)
    assert env.num_restarts == 0


def test_workers_save_by_themselves_and_change_nothing_by_it(make):
    saving = make(Walk, Walk, snapshot_seconds=0.0, step_infos=False)
    other = make(Walk, Walk, snapshot_seconds=1e9, step_infos=False)
    actions = np.random.default_rng(0).integers(1, 5, (200, 2))
    for action in actions:
        for ours, theirs in zip(saving.step(action)[:4], other.step(action)[:4], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_workers_save_as_often_as_they_are_told(make):
    for seconds, wanted in ((0.0, 1), (1e9, 0)):
        env = make(Savable, snapshot_seconds=seconds)
        play(env, 2)  # The first answer comes before the first snapshot.
        env.step([CRASH])
        assert times(env)[0] >= wanted and env.recovery.num_lost == 1 - wanted


def test_one_that_cannot_be_saved_plays_on(make):
    env = make(functools.partial(Savable, 'no snapshot'), snapshot_seconds=0.0)
    play(env, 3)
    assert env.num_restarts == 0
    env.step([CRASH])
    assert times(env) == [0]


def test_a_stopped_process_goes_on(make, caplog):
    env = make(*[Savable] * 2)
    for count in (1, 2):
        os.kill(env.worker_pids[1], signal.SIGSTOP)
        env.step([FINE] * 2)
        assert times(env) == [count, count]
    assert env.num_restarts == 0
    assert messages(caplog) == ['environment 1 had been stopped by a signal; it goes on']


def test_a_stopped_process_goes_on_though_another_hangs(make):
    env = make(*[Savable] * 2, hang_seconds=3.0)
    env.step_async([FINE, SLEEP])
    os.kill(env.worker_pids[0], signal.SIGSTOP)
    env.step_wait()
    assert times(env) == [1, 0] and env.num_restarts == 1


BASE = EnvConfig(max_episode_steps=60, sticky_actions=0.25, worker_memory_mb=0)
GAMES = {
    game: dataclasses.replace(BASE, game=game, **options)
    for game, options in {
        'Airstriker-Genesis': {'noop_max': 30},
        'HillHopper-Genesis': {
            'reward': 'contest',
            'levels': ('MeadowZone.Act1', 'CanyonZone.Act1'),
        },
        'VizdoomDefendCenter-v1': {},
        'ALE/Pong-v5': {'noop_max': 30},
    }.items()
}


class Tape:
    """Two environments with their actions: each has a position in its own sequence of these."""

    def __init__(self, config, length=150):
        self.envs = SubprocVecEnv(
            [functools.partial(make_env, config, i) for i in range(2)],
            snapshot_seconds=1e9,
            step_infos=False,
            envs_per_process=1 if 'Genesis' in config.game else 2,
        )
        num_actions = int(self.envs.single_action_space.n)
        self.actions = np.random.default_rng(0).integers(num_actions, size=(length, 2))
        self.position = np.zeros(2, int)
        self.envs.reset(seed=3)

    def step(self):
        """Observations, rewards, ends, and statistics of each environment."""
        actions = self.actions[self.position, [0, 1]]
        self.position += 1
        observations, rewards, terminated, truncated, infos = self.envs.step(actions)
        finals = infos.get('final_info', {}).get('episode', {})
        told = finals.get('_length', np.zeros(2, bool))
        return [
            (
                observations[i].tobytes(),
                float(rewards[i]),
                bool(terminated[i]),
                bool(truncated[i]),
                {key: str(values[i]) for key, values in finals.items()} if told[i] else {},
            )
            for i in range(2)
        ]


def kill_worker(envs):
    os.kill(envs.worker_pids[-1], signal.SIGKILL)


def kill_engine(envs):
    worker, engine, *_ = processes.family(envs.worker_pids[-1])
    os.kill(engine, signal.SIGKILL)


@pytest.mark.parametrize(
    'config, fail',
    [(c, kill_engine if 'Vizdoom' in c.game else kill_worker) for c in GAMES.values()],
    ids=GAMES,
)
def test_games_go_on_exactly(config, fail):
    """Games go on from the snapshot as they would have without the failure, with all statistics."""
    wanted, tape = Tape(config), Tape(config)
    try:
        whole = [wanted.step() for _ in range(140)]
        assert sum(bool(statistics) for step in whole for *_, statistics in step) >= 2
        for _ in range(20):
            tape.step()
        save(tape.envs)
        before = tape.envs.observations.copy()
        for _ in range(15):
            tape.step()
        fail(tape.envs)
        step = tape.step()
        cut = [truncated for _, _, _, truncated, _ in step]
        assert cut[1] and step[1][0] == before[1].tobytes() and not step[1][4]
        assert tape.envs.num_restarts == 1 and tape.envs.recovery.num_lost == 0
        tape.position[cut] = 20
        for _ in range(70):
            at = tape.position.copy()
            assert tape.step() == [whole[at[i]][i] for i in range(2)]
    finally:
        wanted.envs.close()
        tape.envs.close()


@pytest.mark.parametrize('game', ['HillHopper-Genesis', 'VizdoomDefendCenter-v1'])
def test_replacing_a_worker_that_grew_changes_nothing(game, monkeypatch, caplog):
    wanted, tape = Tape(GAMES[game]), Tape(GAMES[game])
    healer, pids = tape.envs.recovery, tape.envs.worker_pids
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 1e9)
    sizes = itertools.cycle([5000.0, 60.0])  # Before and after.
    monkeypatch.setattr(tape.envs._pool, 'resident_mb', lambda number: next(sizes))
    try:
        for i in range(100):
            if i in (20, 45):  # As if the time for the next look had come.
                healer._max_memory_mb, healer._next_look = 2000, 0.0
            assert tape.step() == wanted.step()
        assert (tape.envs.num_restarts, tape.envs.recovery.num_lost) == (2 * len(pids), 0)
        assert wait_until_dead(pids)
        text = (
            rf'Replaced a worker: environment.* \({game}\) had 5000 MB, more than 2000; it goes .*'
        )
        assert re.fullmatch(text, messages(caplog)[0])
    finally:
        wanted.envs.close()
        tape.envs.close()


class Hoarder(Savable):
    """Takes ever more memory."""

    hoard = ()

    def step(self, action):
        if action == END:
            self.hoard = (*self.hoard, np.ones(20_000_000))
        return super().step(FINE)


def test_a_worker_that_grew_is_small_again(make, monkeypatch, caplog):
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 0.0)
    env = make(Hoarder, Hoarder, max_memory_mb=250)
    env.step([FINE, END])
    before = env.worker_pids
    assert env.num_restarts == 0
    env.step([END, END])
    env.step([FINE, FINE])
    assert times(env) == [3, 3] and env.num_restarts == 1
    assert [a == b for a, b in zip(before, env.worker_pids, strict=True)] == [True, False]
    [text] = messages(caplog)
    had, left = map(int, re.search(r'had (\d+) MB.*with (\d+) MB', text).groups())
    assert 250 < had and left < 250


def test_a_worker_that_needs_its_memory_is_not_replaced_again(make, monkeypatch):
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 0.0)
    env = make(Savable, max_memory_mb=1)
    play(env, 4)
    assert times(env) == [4] and env.num_restarts == 1


def test_one_that_cannot_be_saved_keeps_its_memory(make, monkeypatch, caplog):
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 0.0)
    env = make(functools.partial(Savable, 'no snapshot'), max_memory_mb=1)
    play(env, 4)
    assert times(env) == [4] and env.num_restarts == 0
    [text] = messages(caplog)
    assert 'above --worker_memory_mb, but it raised ValueError: cannot be saved' in text


def test_one_that_cannot_be_restored_after_it_grew_begins_anew(make, monkeypatch):
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 0.0)
    env = make(functools.partial(Savable, 'no restore'), max_memory_mb=1)
    monkeypatch.setattr(recovery, '_LOOK_SECONDS', 100.0)
    *_, truncated, infos = env.step([FINE])
    assert truncated[0] and 'died' in infos['final_info']['worker_error'][0]
    assert times(env) == [0]


def test_a_stopped_engine_goes_on(caplog):
    tape = Tape(GAMES['VizdoomDefendCenter-v1'])
    try:
        for _ in range(2):
            _, engine, *_ = processes.family(tape.envs.worker_pids[0])
            os.kill(engine, signal.SIGSTOP)
            tape.step()
        assert tape.envs.num_restarts == 0 and 'had been stopped' in messages(caplog)[0]
    finally:
        tape.envs.close()


def test_nothing_is_left_of_workers_that_were_replaced(make):
    env = make(functools.partial(Savable, engine=True))
    families = []
    for _ in range(3):
        save(env)
        families += processes.family(env.worker_pids[0])
        env.step([CRASH])
    assert len(families) == 6 and wait_until_dead(families)
    assert env.apply(worker_envs.named_memory) == ([],)
    assert worker_envs.named_memory(None) == []  # Of this process.


def test_a_forkserver_has_no_thread_but_its_own():
    """A fork copies one thread: what others had locked would stay so for ever."""
    for config in GAMES.values():
        make_vec_env(config, range(1)).close()
    pid = multiprocessing.forkserver._forkserver._forkserver_pid
    assert len(os.listdir(f'/proc/{pid}/task')) == 1
