"""Games in processes against Gymnasium's synchronous environment, and workers in trouble."""

import functools
import gc
import os
import signal

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from envs.errors import UsageError
from envs.vector.restarts import RestartBudget
from envs.vector.subproc_vec_env import SubprocVecEnv
from tests.helpers import worker_envs
from tests.helpers.worker_envs import Trouble, Walk, wait_until_dead

FINE, RAISE, CRASH, SLEEP, LEAVE = range(5)


def make(*env_fns, **kwargs):
    return SubprocVecEnv(env_fns, **kwargs)


@pytest.fixture
def hang_seconds():
    """Long enough for a worker that has to wait for a processor."""
    return 60.0


@pytest.fixture
def trouble(tmp_path, hang_seconds):
    """Three environments that are fine until an action says otherwise."""
    env_fn = functools.partial(Trouble, directory=str(tmp_path))
    env = make(env_fn, env_fn, env_fn, hang_seconds=hang_seconds)
    env.reset(seed=1)
    yield env
    env.close()


def assert_same_infos(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            assert_same_infos(ours[key], value)
        else:
            assert ours[key].dtype == value.dtype
            np.testing.assert_equal(list(ours[key]), list(value))


def assert_same_observations(ours, theirs):
    assert isinstance(ours, dict) == isinstance(theirs, dict)
    for one, other in zip(parts(ours), parts(theirs), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def parts(observations):
    return list(observations.values()) if isinstance(observations, dict) else [observations]


CASES = {
    'CartPole': functools.partial(gymnasium.make, 'CartPole-v1'),
    'quiet': functools.partial(Walk, step_infos=False),
    **{name: functools.partial(Walk, name) for name in worker_envs.ACTION_SPACES},
    'dict': worker_envs.Sighted,
}


@pytest.mark.parametrize('envs_per_process', [1, 2, 9])
@pytest.mark.parametrize('env_fn', CASES.values(), ids=CASES)
def test_equals_the_synchronous_environment(env_fn, envs_per_process):
    theirs = SyncVectorEnv([env_fn] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    ours = make(*[env_fn] * 3, envs_per_process=envs_per_process)
    try:
        for name in ('observation_space', 'action_space', 'single_action_space', 'metadata'):
            assert getattr(ours, name) == getattr(theirs, name)
        observations, infos = ours.reset(seed=5, options={'level': 2})
        expected, expected_infos = theirs.reset(seed=5, options={'level': 2})
        assert_same_observations(observations, expected)
        assert_same_infos(infos, expected_infos)
        theirs.action_space.seed(0)
        ends = 0
        for _ in range(300):
            actions = theirs.action_space.sample()
            observations, *answer, infos = ours.step(actions)
            wanted, *expected, expected_infos = theirs.step(actions)
            assert_same_observations(observations, wanted)
            for value, wanted in zip(answer, expected, strict=True):
                np.testing.assert_array_equal(value, wanted.astype(value.dtype))
            assert [v.dtype for v in answer] == [np.float32, bool, bool]
            assert_same_infos(infos, expected_infos)
            ends += 'final_obs' in infos
        assert ends > 10
    finally:
        ours.close()
        theirs.close()


def test_spawn_works_too():
    env = make(Walk, Walk, context='spawn')
    observations, _ = env.reset(seed=0)
    assert not np.array_equal(observations[0], observations[1])
    assert env.call('np_random_seed') == (0, 1)
    env.close()


def test_infos_within_episodes_can_be_left_out():
    env = make(Walk, step_infos=False)
    env.reset(seed=0)
    for _ in range(100):
        *_, terminated, truncated, infos = env.step([1])
        assert bool(infos) == (terminated | truncated)[0]
        if infos:
            assert infos['final_info']['time'][0] > 0
    env.close()


def test_observations_are_one_array_that_the_next_step_overwrites(trouble):
    first, _ = trouble.reset(seed=0)
    second, rewards, *_ = trouble.step([FINE] * 3)
    assert first is second is trouble.observations
    trouble.step([FINE] * 3)
    np.testing.assert_array_equal(first[:, 1], 2)
    rewards[:] = 7  # Small arrays are copies.
    assert trouble.step([FINE] * 3)[1].tolist() == [1, 1, 1]


def test_an_environment_may_keep_its_actions():
    env = make(functools.partial(Walk, 'multi_binary'))
    env.reset(seed=0)
    for bit in (0, 1):
        env.step([[bit] * 5])
    (kept,) = env.get_attr('kept')
    assert [list(action) for action in kept] == [[0] * 5, [1] * 5]
    env.close()


def test_seeds():
    env = make(Walk, Walk)
    env.reset(seed=7)
    assert env.get_attr('np_random_seed') == (7, 8)
    env.reset(seed=[3, 9])
    assert env.get_attr('np_random_seed') == (3, 9)
    with pytest.raises(ValueError, match='1 values for 2'):
        env.reset(seed=[3])
    env.close()


@pytest.mark.parametrize(
    'action, what, hang_seconds',
    [
        (RAISE, 'raised ValueError: two lines', 60.0),
        (LEAVE, 'raised EOFError', 60.0),
        (CRASH, 'died (SIGSEGV)', 60.0),
        (SLEEP, 'hung for 3 s', 3.0),
    ],
)
def test_trouble_is_a_truncation(trouble, caplog, action, what):
    trouble.step([FINE] * 3)
    before, pids = trouble.observations.copy(), trouble.worker_pids
    observations, rewards, terminated, truncated, infos = trouble.step([FINE, action, FINE])
    assert rewards.tolist() == [1, 0, 1]
    assert not terminated.any() and truncated.tolist() == [False, True, False]
    assert observations[:, 1].tolist() == [2, 0, 2]  # The fresh one starts at once.
    np.testing.assert_array_equal(infos['final_obs'][1], before[1])
    assert infos['_final_obs'].tolist() == infos['_final_info'].tolist() == truncated.tolist()
    text = infos['final_info']['worker_error'][1]
    assert text.startswith(f'environment 1 (Trouble) {what}')
    assert f'last action {action}' in text.splitlines()[0]
    assert ('worker_envs.py", line' in text) == what.startswith('raised')
    line, *trace = text.split('\n', 1)
    told = '\n'.join([f'Replaced a worker: {line}; it begins a new episode', *trace])
    assert [r.getMessage() for r in caplog.records] == [told]
    assert trouble.num_restarts == 1
    assert wait_until_dead([pids[1]])
    assert trouble.worker_pids[::2] == pids[::2] and trouble.worker_pids[1] != pids[1]
    *_, infos = trouble.step([FINE] * 3)
    assert trouble.observations[:, 1].tolist() == [3, 1, 3] and not infos


@pytest.fixture
def shared(tmp_path, hang_seconds):
    """Five environments in workers of two, two and one."""
    env_fn = functools.partial(Trouble, directory=str(tmp_path))
    env = make(*[env_fn] * 5, hang_seconds=hang_seconds, envs_per_process=2)
    env.reset(seed=1)
    yield env
    env.close()


@pytest.mark.parametrize(
    'action, what, hang_seconds',
    [
        (RAISE, 'environment 3 (Trouble) raised ValueError: two lines; last action 1', 60.0),
        (CRASH, 'environments 2 to 3 (Trouble) died (SIGSEGV); last actions [0, 2]', 60.0),
        (SLEEP, 'environments 2 to 3 (Trouble) hung for 3 s; last actions [0, 3]', 3.0),
    ],
)
def test_trouble_ends_the_episodes_of_the_whole_worker(shared, action, what):
    shared.step([FINE] * 5)
    pids = shared.worker_pids
    observations, rewards, terminated, truncated, infos = shared.step([0, 0, 0, action, 0])
    assert rewards.tolist() == [1, 1, 0, 0, 1]
    assert truncated.tolist() == [False, False, True, True, False] and not terminated.any()
    assert observations[:, 1].tolist() == [2, 2, 0, 0, 2]
    assert observations[2, 0] != observations[3, 0]  # Fresh ones have seeds of their own.
    errors = infos['final_info']['worker_error']
    assert errors[2] == errors[3] and errors[3].startswith(what)
    assert shared.num_restarts == 1 and len(pids) == 3
    assert [a == b for a, b in zip(shared.worker_pids, pids, strict=True)] == [True, False, True]
    assert shared.step([FINE] * 5)[0][:, 1].tolist() == [3, 3, 1, 1, 3]


class Ends(Trouble):
    """An action ends the episode."""

    def step(self, action):
        observation, _, *rest, info = super().step(FINE if action == END else action)
        return observation, 5.0, action == END, False, info


END = LEAVE  # Which this environment has no other use for.


@pytest.mark.parametrize('trouble', [RAISE, CRASH])
def test_an_end_before_the_trouble_of_another_remains_one(trouble):
    env = make(*[Ends] * 3, envs_per_process=3)
    env.reset(seed=0)
    env.step([FINE] * 3)
    _, rewards, terminated, truncated, infos = env.step([END, trouble, END])
    assert rewards.tolist() == [5, 0, 0]
    assert terminated.tolist() == [True, False, False]
    assert truncated.tolist() == [False, True, True]
    assert [final[1] for final in infos['final_obs']] == [2, 1, 1]
    *_, terminated, truncated, infos = env.step([FINE] * 3)
    assert not (terminated.any() or truncated.any() or infos)
    env.close()


def test_a_refusal_leaves_no_answer_unread():
    env = make(Trouble, functools.partial(Trouble, 'choosy'), Trouble)
    env.reset(seed=0)
    with pytest.raises(UsageError, match='not this'):
        env.render()
    assert env.step([FINE] * 3)[1].tolist() == [1, 1, 1]
    env.close()


def test_a_shared_worker_killed_before_a_reset_is_replaced(shared):
    os.kill(shared.worker_pids[0], signal.SIGKILL)
    observations, _ = shared.reset(seed=1)
    assert observations[:, 1].tolist() == [0] * 5 and shared.num_restarts == 1


def test_a_shared_worker_closes_all_its_environments(tmp_path):
    engines = [functools.partial(Trouble, engine=True)] * 3
    env = make(*engines, envs_per_process=3)
    (family, *_) = env.apply(worker_envs.family)
    assert len(env.worker_pids) == 1 and len(family) == 4
    env.close()
    assert wait_until_dead(family)


def test_one_that_cannot_be_made_closes_those_before_it(tmp_path):
    fine = functools.partial(Trouble, directory=str(tmp_path))
    with pytest.raises(RuntimeError, match='environment 1 raised KeyError'):
        make(fine, functools.partial(Trouble, 'raise'), envs_per_process=2)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_worker_killed_between_steps_is_replaced(trouble):
    os.kill(trouble.worker_pids[2], signal.SIGKILL)
    *_, truncated, infos = trouble.step([FINE] * 3)
    assert truncated.tolist() == [False, False, True]
    assert 'died (SIGKILL)' in infos['final_info']['worker_error'][2]
    os.kill(trouble.worker_pids[0], signal.SIGKILL)
    observations, _ = trouble.reset(seed=1)
    assert observations[:, 1].tolist() == [0, 0, 0] and trouble.num_restarts == 2


def test_seeds_of_restarts_repeat(trouble):
    def seeds():
        trouble.reset(seed=3)
        return [trouble.step([RAISE, FINE, FINE])[0][0, 0] for _ in range(3)]

    first = seeds()
    assert len(set(first)) > 1 and seeds() == first


def test_workers_wait_for_their_limit_side_by_side():
    env = make(Trouble, functools.partial(Trouble, 'sleepy'), hang_seconds=1.0)
    env.reset(seed=0)
    with pytest.raises(RuntimeError, match='environment 0'):
        env.apply(worker_envs.doze)  # The first one answers after 1.8 s, which is too late.
    env.step([FINE] * 2)
    assert env.num_restarts == 2
    env.close()


def test_too_many_restarts_raise():
    env = make(Trouble, restarts=RestartBudget(1))
    env.reset(seed=0)
    env.step([RAISE])
    with pytest.raises(UsageError, match='more than 1 times .*: environment 0 .*two lines'):
        env.step([RAISE])
    env.close()


def test_an_environment_that_never_starts_is_given_up():
    env = make(functools.partial(Trouble, 'reset'))
    with pytest.raises(RuntimeError, match='fresh environments fail, too.*never starts'):
        env.reset(seed=0)
    assert env.num_restarts == 3
    env.close()


@pytest.mark.parametrize(
    'kind, error, match',
    [
        ('raise', RuntimeError, r'(?s)environment 1 raised KeyError.*worker_envs.py", line'),
        ('usage', UsageError, '^unknown level$'),
        ('crash', RuntimeError, r'environment 1 died \(SIGSEGV\)'),
    ],
)
def test_an_environment_that_cannot_be_made(tmp_path, kind, error, match):
    fine = functools.partial(Trouble, directory=str(tmp_path))
    with pytest.raises(error, match=match):
        make(fine, functools.partial(Trouble, kind), fine)
    assert len(list(tmp_path.iterdir())) == 2  # The others were closed.


@pytest.mark.parametrize('env_fns', [(Walk, Trouble), (worker_envs.Keyboard,)])
def test_spaces_that_do_not_fit_are_refused(env_fns):
    with pytest.raises(UsageError, match='space'):
        make(*env_fns)


def test_misuse_is_refused(trouble):
    with pytest.raises(ValueError, match='fork'):
        make(Walk, context='fork')
    with pytest.raises(ValueError, match='shape|actions of'):
        trouble.step([FINE])
    with pytest.raises(TypeError, match='same_kind'):
        trouble.step([0.5, 0.5, 0.5])
    with pytest.raises(gymnasium.error.NoAsyncCallError):
        trouble.step_wait()
    trouble.step_async([FINE] * 3)
    for call in (trouble.reset, trouble.snapshot, lambda: trouble.step([FINE] * 3)):
        with pytest.raises(gymnasium.error.AlreadyPendingCallError):
            call()
    trouble.step_wait()
    trouble.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        trouble.step([FINE] * 3)


@pytest.mark.parametrize('envs_per_process', [1, 2])
def test_restore_continues_exactly(envs_per_process):
    env = make(Walk, Walk, envs_per_process=envs_per_process)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(1, 5, (60, 2))
    for action in actions[:20]:
        env.step(action)
    snapshots, observations = env.snapshot(), env.observations.copy()
    ends = [[value.copy() for value in env.step(action)[:4]] for action in actions[20:]]
    for target in (env, make(Walk, Walk)):
        target.reset(seed=99)
        np.testing.assert_array_equal(target.restore(snapshots), observations)
        for action, end in zip(actions[20:], ends, strict=True):
            for value, expected in zip(target.step(action)[:4], end, strict=True):
                np.testing.assert_array_equal(value, expected)
        target.close()


def test_calls(trouble):
    trouble.step([FINE] * 3)
    assert [frame.max() for frame in trouble.render()] == [1, 1, 1]
    assert trouble.call('reset', seed=4)[0][1] == {}
    with pytest.raises(RuntimeError, match='(?s)environment 0 .*AttributeError.*Traceback'):
        trouble.snapshot()  # It has none.
    assert trouble.call('step', FINE)[0][1] == 1.0 and trouble.num_restarts == 0


@pytest.mark.parametrize('hang_seconds', [3.0])
def test_a_call_that_hangs_raises_and_leaves_no_late_answer(trouble):
    with pytest.raises(RuntimeError, match=r'environment 0 \(Trouble\) hung'):
        trouble.call('step', SLEEP)
    *_, truncated, _ = trouble.step([FINE] * 3)
    assert truncated.all() and trouble.num_restarts == 3


def test_signals_to_a_worker(trouble, tmp_path):
    pid = trouble.worker_pids[0]
    os.kill(pid, signal.SIGINT)
    trouble.step([FINE] * 3)
    assert trouble.num_restarts == 0
    os.kill(pid, signal.SIGTERM)
    assert wait_until_dead([pid])
    assert (tmp_path / f'closed-{pid}').exists()


@pytest.mark.parametrize('hang_seconds', [3.0])
def test_a_hung_worker_that_can_be_interrupted_closes_its_environment(trouble, tmp_path):
    pid = trouble.worker_pids[0]
    trouble.step([SLEEP, FINE, FINE])
    assert (tmp_path / f'closed-{pid}').exists()


def test_an_engine_inherits_nothing_and_dies_with_its_worker():
    env = make(functools.partial(Trouble, engine=True))
    env.reset(seed=0)
    assert env.apply(worker_envs.open_inheritable_files) == ([],)
    (family,) = env.apply(worker_envs.family)
    assert len(family) == 2
    env.step([CRASH])
    assert wait_until_dead(family)
    env.close()


@pytest.mark.parametrize('how', ['close', 'forget'])
def test_close_leaves_nothing(tmp_path, how):
    files_before = len(os.listdir('/proc/self/fd'))
    env = make(*[functools.partial(Trouble, directory=str(tmp_path), engine=True)] * 2)
    families = env.apply(worker_envs.family)
    assert env.apply(worker_envs.named_memory) == ([], [])
    if how == 'close':
        env.close()
        env.close()
    del env
    gc.collect()
    assert wait_until_dead([pid for family in families for pid in family])
    assert len(list(tmp_path.iterdir())) == 2
    assert len(os.listdir('/proc/self/fd')) <= files_before + 3  # Those of the forkserver itself.


def test_a_restore_may_take_longer_than_a_step():
    env = make(worker_envs.SlowReplay, hang_seconds=1.0)
    env.reset(seed=0)
    env.restore(env.snapshot())
    with pytest.raises(RuntimeError, match='hung for 1 s'):  # Other calls may not.
        env.call('restore', None)
    env.close()
