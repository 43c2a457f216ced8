"""Whole environments: their parts, snapshots in other processes, and gymnasium's own check."""

import dataclasses
import hashlib
import math
import pickle
import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs import make
from envs.backends.spec import GameSpec
from envs.backends.vizdoom_game import VizdoomGame
from envs.config import EnvConfig
from envs.errors import UsageError
from envs.game import Game
from envs.vector.restarts import RestartBudget
from tests.helpers.processes import new_process
from tests.helpers.tapes import TapeGame

AIRSTRIKER = EnvConfig(game='Airstriker-Genesis', sticky_actions=0.25, noop_max=30)
CART_POLE = EnvConfig(game='CartPole-v1', action_repeat=1, frame_stack=1, sticky_actions=0.1)
BREAKOUT = EnvConfig(
    game='ALE/Breakout-v5',
    life_loss_ends_episode=True,
    fire_on_reset=True,
    sticky_actions=0.25,
    noop_max=30,
    reward_transform='sign',
)
DOOM = EnvConfig(game='VizdoomBasic-v1', max_pool=False, sticky_actions=0.25, reward_scale=0.01)


@pytest.fixture(scope='module')
def call():
    """Calls a function in another process: an emulator core can be there but once."""
    with new_process() as call:
        yield call


@pytest.fixture(scope='module')
def call_elsewhere():
    """Calls a function in yet another process."""
    with new_process() as call:
        yield call


@pytest.fixture
def tape(monkeypatch):
    """Makes the tape the game of every configuration."""
    game = TapeGame(range(0, 250, 2), rewards=range(125), size=(20, 16))
    monkeypatch.setattr(GameSpec, 'make', lambda spec, level, actions: game)
    return game


def wrappers_of(env):
    names = []
    while env is not env.unwrapped:
        names.append(type(env).__name__)
        env = env.env
    return names[::-1]


def test_the_order_of_the_wrappers(tape, tmp_path):
    config = EnvConfig(sticky_actions=0.1, noop_max=3, fire_on_reset=True)
    env = make.make_env(
        dataclasses.replace(config, life_loss_ends_episode=True), film=str(tmp_path / 'a.mp4')
    )
    assert wrappers_of(env) == [
        'TimeLimit', 'Film', 'StickyActions', 'NoopStart', 'ActionRepeat',
        'RecordEpisodeStatistics', 'RewardTransform', 'LifeLossEndsEpisode', 'FireOnReset',
        'ResizeObservation', 'FrameStackObservation',
    ]  # fmt: skip
    plain = [
        'ActionRepeat',
        'RecordEpisodeStatistics',
        'RewardTransform',
        'ResizeObservation',
        'FrameStackObservation',
    ]
    assert wrappers_of(make.make_env(EnvConfig())) == ['TimeLimit', *plain]


def test_a_whole_step(tape):
    env = make.make_env(EnvConfig(screen_size=10, reward_scale=0.5))
    stack, _ = env.reset(seed=0)
    assert (stack.shape, stack.dtype) == ((10, 10, 4), np.uint8)
    stack, reward, *_ = env.step(1)
    assert stack[0, 0].tolist() == [0, 0, 0, 8]
    assert reward == (1 + 2 + 3 + 4) / 2
    assert tape.played == [1, 1, 1, 1]


@pytest.mark.parametrize(
    'max_steps, repeat, own_limit, num_steps, num_frames',
    [(5, 4, 0, 5, 20), (5, 4, 1000, 5, 20), (0, 4, 10, 3, 10), (0, 3, 0, 42, 124), (7, 1, 3, 7, 7)],
)
def test_limits(tape, max_steps, repeat, own_limit, num_steps, num_frames):
    tape.max_episode_frames = own_limit
    env = make.make_env(EnvConfig(max_episode_steps=max_steps, action_repeat=repeat))
    env.reset()
    end = {}
    while not end:
        *_, terminated, truncated, info = env.step(0)
        end = info.get('episode', {})
    assert (end['length'], end['frames']) == (num_steps, num_frames)
    assert (terminated, truncated) == (num_frames == 124, num_frames != 124)


def test_levels_are_dealt_out(monkeypatch):
    levels = []

    def make_game(spec, level, actions):
        levels.append(level)
        return TapeGame()

    monkeypatch.setattr(GameSpec, 'make', make_game)
    for index in range(5):
        make.make_env(EnvConfig(levels=('a', 'b', 'c')), index)
    make.make_env(EnvConfig(), 4)
    assert levels == ['a', 'b', 'c', 'a', 'b', '']


def test_vectors_have_no_pictures_to_pool_resize_or_stack(monkeypatch):
    game = TapeGame([0, 9, 8, 7, 1, 0], vector=True)
    monkeypatch.setattr(GameSpec, 'make', lambda spec, level, actions: game)
    env = make.make_env(EnvConfig(frame_stack=1))
    env.reset()
    assert env.step(0)[0].tolist() == [1.0]
    assert env.observation_space == game.observation_space


@pytest.mark.parametrize(
    'options, message',
    [
        ({'noop_max': 3}, '--noop_max: CartPole-v1 has no action'),
        ({'fire_on_reset': True}, '--fire_on_reset: no FIRE'),
        ({'frame_stack': 4}, '--frame_stack: CartPole-v1 has no pictures'),
    ],
)
def test_a_game_that_does_not_fit_is_refused_and_closed(monkeypatch, options, message):
    game = TapeGame(vector=True)
    game.noop_action, game.action_names = None, ()
    monkeypatch.setattr(GameSpec, 'make', lambda spec, level, actions: game)
    with pytest.raises(UsageError, match=message) as caught:
        make.make_env(dataclasses.replace(CART_POLE, **options))
    assert '\n' not in str(caught.value)
    assert game.closed


NONSENSE = [
    *(('action_repeat', value) for value in (0, -1, 2.5, math.nan, math.inf, '4', None, True)),
    *(('screen_size', value) for value in (0, -84, 84.0)),
    *(('frame_stack', value) for value in (0, -1)),
    *(('noop_max', value) for value in (-1, 0.5)),
    *(('max_episode_steps', value) for value in (-1, math.inf)),
    *(('envs_per_process', value) for value in (-1, 1.5)),
    *(('hang_seconds', value) for value in (-1, math.inf, '60')),
    *(('max_restarts', value) for value in (-1, 1.5)),
    *(('worker_memory_mb', value) for value in (-1, 1.5)),
    *(('sticky_actions', value) for value in (-0.1, 1.0, 1.5, math.nan, math.inf, '0.25')),
    *(('reward_scale', value) for value in (0.0, -1.0, math.nan, math.inf, -math.inf)),
    *(('reward_transform', value) for value in ('', 'Sign', 'two\nlines', None, 1)),
    *(('levels', value) for value in ('Level1', ('',), (1,), ['Level1'], None)),
    *(('crop', value) for value in ((1,), (1, 2, 3), (0, 0, 0, -1), (0, 0, 0, 1.5), 'four')),
    *(('max_pool', value) for value in ('no', 1)),
    ('game', None),
    ('actions', 3),
]


@pytest.mark.parametrize('name, value', NONSENSE)
def test_nonsense_is_refused_with_the_name_of_the_flag(name, value):
    with pytest.raises(UsageError, match=f'^--{name} ') as caught:
        EnvConfig(**{name: value})
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'options',
    [
        {'sticky_actions': 0},
        {'reward_scale': 1},
        {'reward_scale': 1e-9, 'sticky_actions': 0.999},
        {'levels': ('Level1', 'Level1')},
        {'reward_transform': 'clip', 'action_repeat': 1, 'screen_size': 1, 'frame_stack': 1},
    ],
)
def test_what_makes_sense_is_accepted(options):
    EnvConfig(**options)


def play(env, num_steps, seed):
    """Random actions over episode ends: a trace that is equal only if everything is."""
    rng, trace = np.random.default_rng(seed), []
    for _ in range(num_steps):
        observation, *rest = env.step(int(rng.integers(env.action_space.n)))
        trace.append((hashlib.md5(observation).hexdigest(), *rest))
        if rest[1] or rest[2]:
            observation, info = env.reset()
            trace.append((hashlib.md5(observation).hexdigest(), info))
    return trace


def play_and_go_on(config, num_before, num_steps):
    env = make.make_env(config)
    env.reset(seed=1)
    play(env, num_before, seed=2)
    snapshot = pickle.dumps(env.snapshot())
    trace = play(env, num_steps, seed=3)
    env.close()
    return snapshot, trace


def restore_and_go_on(config, snapshot, num_steps):
    env = make.make_env(config)
    env.restore(pickle.loads(snapshot))
    trace = play(env, num_steps, seed=3)
    env.close()
    return trace


@pytest.mark.parametrize(
    'config, num_before',
    [(AIRSTRIKER, 100), (BREAKOUT, 70), (DOOM, 40), (CART_POLE, 10)],
    ids=lambda value: getattr(value, 'game', value),
)
def test_a_snapshot_goes_on_exactly_in_a_new_process(call, call_elsewhere, config, num_before):
    snapshot, trace = call(play_and_go_on, config, num_before, 500)
    assert call_elsewhere(restore_and_go_on, config, snapshot, 500) == trace
    infos = [step[-1] for step in trace if len(step) == 5]
    assert any('episode' in info for info in infos)
    assert any(reward for _, reward, *_ in (step for step in trace if len(step) == 5))


def check(config):
    """gymnasium's check, whose warnings are errors but for those that it owes to others."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        # It advises to check the game alone, and cannot make another one with another render mode.
        for message in ('The environment .* is different from the unwrapped', 'Not able to test'):
            warnings.filterwarnings('ignore', f'.*{message}')
        if config.game == 'CartPole-v1':  # Its velocities have no bounds.
            warnings.filterwarnings('ignore', '.*Box observation space .*infinity')
        env = make.make_env(config)
        check_env(env)
        env.close()


@pytest.mark.parametrize(
    'config',
    [
        AIRSTRIKER,
        DOOM,
        dataclasses.replace(BREAKOUT, game='ALE/Pong-v5', fire_on_reset=False),
        CART_POLE,
    ],
    ids=lambda config: config.game,
)
def test_gymnasium_finds_no_fault(call, config):
    call(check, config)


def play_anew(config, num_steps):
    env = make.make_env(config)
    first, info = env.reset(seed=7)
    trace = [(hashlib.md5(first).hexdigest(), info), *play(env, num_steps, seed=0)]
    env.close()
    return trace


@pytest.mark.parametrize('config', [AIRSTRIKER, BREAKOUT, DOOM], ids=lambda config: config.game)
def test_a_seed_repeats_everything(call, config):
    assert call(play_anew, config, 60) == call(play_anew, config, 60)


def play_frame_by_frame(config, num_steps):
    """One trace as the game plays many frames at a time, one frame by frame."""
    trace = list(map(list, play_anew(config, num_steps)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VizdoomGame, 'advance_many', Game.advance_many)
        return trace, list(map(list, play_anew(config, num_steps)))


@pytest.mark.parametrize('max_pool', [False, True])
def test_many_frames_at_a_time_are_as_many_single_frames(call, max_pool):
    config = EnvConfig(game='VizdoomBasic-v1', max_pool=max_pool, max_episode_steps=13)
    many, single = call(play_frame_by_frame, config, 60)
    assert sum(map(forget_how_it_ended, many)) == sum(map(forget_how_it_ended, single)) > 0
    assert many == single


def forget_how_it_ended(step):
    """True if the game ended in this step; removes what the engine cannot tell then.

    It shows no picture of an end, and it plays on to the last of the frames that it was told.
    """
    is_end = len(step) == 5 and step[2]
    if is_end:
        step[0] = step[4]['frames'] = step[4]['episode']['frames'] = None
    return is_end


def test_emulators_are_freed_after_a_refusal(call):
    call(refuse_then_make)


def refuse_then_make():
    with pytest.raises(UsageError):
        make.make_env(dataclasses.replace(AIRSTRIKER, fire_on_reset=True))
    make.make_env(AIRSTRIKER).close()


@pytest.mark.parametrize(
    'game, num_envs, num_groups, wanted',
    [
        ('Airstriker-Genesis', 8, 2, 1),  # Its emulator allows one per process.
        ('ALE/Pong-v5', 8, 2, 4),  # Two processes for each of two groups on four cores.
        ('ALE/Pong-v5', 9, 2, 5),
        ('ALE/Pong-v5', 2, 2, 1),
        ('ALE/Pong-v5', 2, 16, 2),
        ('CartPole-v1', 8, 1, 2),
        ('VizdoomBasic-v1', 8, 2, 2),  # Its engine is a process, too.
    ],
)
def test_games_share_processes_as_fits_the_cores(monkeypatch, game, num_envs, num_groups, wanted):
    monkeypatch.setattr(make.cores, 'of_process', lambda: [0, 1, 2, 3])
    monkeypatch.setattr(make, 'SubprocVecEnv', lambda env_fns, **options: (env_fns, options))
    config = EnvConfig(game=game)
    env_fns, options = make.make_vec_env(config, range(3, 3 + num_envs), num_groups=num_groups)
    assert len(env_fns) == num_envs and options['envs_per_process'] == wanted
    assert [env_fn.args for env_fn in env_fns][:2] == [(config, 3, '', 1), (config, 4, '', 1)]
    chosen = dataclasses.replace(config, envs_per_process=3)
    _, options = make.make_vec_env(chosen, range(num_envs), num_groups=num_groups)
    assert options['envs_per_process'] == (1 if game == AIRSTRIKER.game else 3)


def test_the_configuration_says_when_workers_are_replaced(monkeypatch):
    monkeypatch.setattr(make, 'SubprocVecEnv', lambda env_fns, **options: options)
    config = EnvConfig('CartPole-v1', hang_seconds=7.0, worker_memory_mb=300, max_restarts=0)
    options = make.make_vec_env(config, range(1))
    assert (options['hang_seconds'], options['max_memory_mb']) == (7.0, 300)
    with pytest.raises(UsageError, match='more than 0 times'):
        options['restarts'].note_failure('it died')
    assert make.make_vec_env(config, range(1), film='a.mp4')['max_memory_mb'] == 0
    shared = RestartBudget(5)
    assert make.make_vec_env(config, range(1), restarts=shared)['restarts'] is shared


@pytest.mark.parametrize('config', [CART_POLE, BREAKOUT, DOOM], ids=lambda c: c.game)
def test_games_in_one_process_do_not_disturb_each_other(config):
    apart, together = (
        make.make_vec_env(dataclasses.replace(config, envs_per_process=n), range(3)) for n in (1, 3)
    )
    try:
        assert len(apart.worker_pids) == 3 and len(together.worker_pids) == 1
        np.testing.assert_array_equal(apart.reset(seed=3)[0], together.reset(seed=3)[0])
        actions = np.random.default_rng(0).integers(0, apart.single_action_space.n, (120, 3))
        for action in actions[:40]:
            apart.step(action)
            together.step(action)
        # Continued from where the other ones were.
        together.restore(apart.snapshot())
        ends = 0
        for action in actions[40:]:
            *answer, infos = apart.step(action)
            *others, other_infos = together.step(action)
            for one, other in zip(answer, others, strict=True):
                np.testing.assert_array_equal(one, other)
            assert infos.keys() == other_infos.keys()
            ends += (answer[2] | answer[3]).sum()
        assert ends > 0
    finally:
        apart.close()
        together.close()
