"""Game variables beside the picture: of every backend, at the picture's moment, in any wrapper."""

import dataclasses
import math

import numpy as np
import pytest
import vizdoom
from hypothesis import given
from hypothesis import strategies as st

from envs import make, variables
from envs.backends import registry, vizdoom_data
from envs.backends.spec import GameSpec
from envs.backends.vizdoom_game import VizdoomGame
from envs.config import EnvConfig
from envs.errors import UsageError
from tests.helpers.processes import new_process
from tests.helpers.tapes import TapeGame

TAKE_COVER = EnvConfig('VizdoomTakeCover-v1', max_pool=False, game_variables=('all',))
HOPPER = EnvConfig('HillHopper-Genesis', screen_size=40, game_variables=('x', 'lives', 'screen_y'))
NUMBERS = st.floats(-1e18, 1e18, allow_nan=False)


def raw(compressed):
    """The numbers of the game; the inverse of `variables.compress`."""
    exact = np.asarray(compressed, np.float64)
    return np.sign(exact) * np.expm1(np.abs(exact) * math.log(101.0))


@given(st.lists(NUMBERS, max_size=5))
def test_compressed_numbers_keep_sign_order_and_value(numbers):
    seen = variables.compress(numbers)
    assert seen.dtype == np.float32 and variables.space(len(numbers)).contains(seen)
    np.testing.assert_allclose(raw(seen), numbers, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(variables.compress([-x for x in numbers]), -seen)
    assert (np.diff(variables.compress(sorted(numbers))) >= 0.0).all()


def test_compressed_numbers_that_people_know():
    seen = variables.compress([0, 3, 50, 100, 10_000, 2**63])
    np.testing.assert_allclose(seen[:5], [0, 0.300, 0.852, 1, 1.996], atol=1e-3)
    assert seen[5] < 10


def health_of(game):
    """Health as the engine itself tells it."""
    return game._engine._doom.get_game_variable(vizdoom.GameVariable.HEALTH)


@pytest.fixture
def take_cover():
    """An environment where the player stands under fire until death."""
    env = make.make_env(TAKE_COVER)
    yield env
    env.close()


def test_health_falls_as_the_engine_says_and_the_last_one_stays(take_cover):
    env, game = take_cover, take_cover.unwrapped
    observation, _ = env.reset(seed=1)
    assert observation['screen'].shape == (84, 84, 4)
    healths, ended = [], False
    for _ in range(300):
        before, (observation, _, ended, _, _) = observation, env.step(0)
        assert env.observation_space.contains(observation)
        if ended:
            break
        healths.append(health_of(game))
        np.testing.assert_allclose(raw(observation['variables']), healths[-1], rtol=1e-5)
    assert ended and len(set(healths)) > 1 and healths == sorted(healths, reverse=True)
    assert health_of(game) <= 0.0  # The engine goes on; picture and health are those before.
    np.testing.assert_array_equal(observation['variables'], variables.compress(game.watched()))
    assert game.watched()[0] > 0.0 and before['variables'] >= observation['variables']
    snapshot = env.snapshot()
    env.reset(seed=5)
    assert game.watched() == [100.0]
    env.restore(snapshot)
    np.testing.assert_array_equal(game.variables(), observation['variables'])


def test_another_engine_continues_exactly(take_cover):
    """Over the ends of episodes, with variables that the scenario does not name."""
    config = dataclasses.replace(
        TAKE_COVER, game_variables=('health', 'damage_taken', 'position_y', 'hits_taken')
    )
    one, other = (make.make_env(config) for _ in range(2))
    one.reset(seed=1)
    other.reset(seed=9)
    for _ in range(40):
        if one.step(1)[2]:
            one.reset()
    other.restore(one.snapshot())
    for t in range(120):
        (seen, *answer), (wanted, *expected) = one.step(t % 3), other.step(t % 3)
        np.testing.assert_equal((seen, answer), (wanted, expected))
        if answer[1]:
            np.testing.assert_equal(one.reset(), other.reset())
    one.close()
    other.close()


def test_no_variable_that_can_be_named_remembers_the_episode_before():
    """Else a fresh process would not continue exactly."""
    _, names = vizdoom_data.variables('VizdoomDeadlyCorridor-v1')
    used, fresh = (VizdoomGame('VizdoomDeadlyCorridor-v1') for _ in range(2))
    for game in (used, fresh):
        game.watch(names)
    used.reset(seed=0)
    for _ in range(2):
        while not used.advance_many(3, 10)[0][1]:
            pass
        used.reset()
    used.advance_many(3, 50)
    fresh.restore(used.snapshot())
    for _ in range(20):
        assert fresh.watched() == used.watched() and len(set(used.watched())) > 5
        used.advance_many(3, 1)
        fresh.advance_many(3, 1)  # From here on its own engine tells the variables.
    used.close()
    fresh.close()


@pytest.mark.parametrize(
    'game, asked, shown',
    [
        ('VizdoomBasic-v1', ('all',), ('ammo2',)),
        ('VizdoomDefendLine-v1', ('armor', 'all', 'health'), ('armor', 'ammo2', 'health')),
        ('VizdoomMyWayHome-v1', ('health',), ('health',)),
        ('Airstriker-Genesis', ('all',), ('gameover', 'lives', 'score')),
        ('ALE/Breakout-v5', ('all',), ('lives',)),
        ('CartPole-v1', (), ()),
    ],
)
def test_names(game, asked, shown):
    spec = registry.find(game)
    config = spec.spelled_out(EnvConfig(game, game_variables=asked))
    assert config.game_variables == spec.shown_variables(config) == shown


@pytest.mark.parametrize(
    'game, asked, complaint',
    [
        ('VizdoomMyWayHome-v1', 'all', 'VizdoomMyWayHome-v1 names none; there are: .*health'),
        ('VizdoomBasic-v1', 'helth', "has no variable 'helth'; nearest: health"),
        ('VizdoomBasic-v1', 'deathcount', "has no variable 'deathcount'"),
        ('HillHopper-Genesis', 'coins', "has no variable 'coins'"),
        ('ALE/Pong-v5', 'score', "has no variable 'score'; there are: lives"),
        ('CartPole-v1', 'all', 'CartPole-v1 has no game variables'),
        ('CartPole-v1', '', 'must not have an empty name'),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(game, asked, complaint):
    with pytest.raises(UsageError, match=complaint) as refusal:
        registry.check(EnvConfig(game, game_variables=(asked,)))
    assert '\n' not in str(refusal.value) and '--game_variables' in str(refusal.value)


def play_hopper():
    """Plays in a process of its own; returns what is seen and what the emulator's memory holds."""
    env = make.make_env(HOPPER)
    env.reset(seed=0)
    seen, told = [], []
    for t in range(40):
        observation = env.step(t % env.action_space.n)[0]
        seen.append(observation['variables'])
        found = env.unwrapped._data.lookup_all()
        told.append([found[name] for name in HOPPER.game_variables])
    snapshot = env.snapshot()
    after = [env.step(3)[0]['variables'] for _ in range(5)]
    env.reset()
    env.restore(snapshot)
    again = [env.step(3)[0]['variables'] for _ in range(5)]
    env.close()
    return np.array(seen), np.array(told), np.array(after), np.array(again)


def test_a_console_game_shows_its_memory():
    with new_process() as call:
        seen, told, after, again = call(play_hopper)
    np.testing.assert_allclose(raw(seen), told, rtol=1e-4)
    assert len(set(told[:, 0].tolist())) > 5  # The player has moved.
    np.testing.assert_array_equal(after, again)


def test_an_atari_game_shows_its_lives():
    env = make.make_env(EnvConfig('ALE/Breakout-v5', screen_size=20, game_variables=('lives',)))
    observation, _ = env.reset(seed=0)
    lives = [5]
    np.testing.assert_allclose(raw(observation['variables']), 5.0, rtol=1e-5)
    while lives[-1] == 5:
        observation, *_, info = env.step(1)  # FIRE, and let the ball pass.
        lives.append(info['lives'])
        np.testing.assert_allclose(raw(observation['variables']), lives[-1], rtol=1e-5)
    env.close()


class Counting(TapeGame):
    """Frame t has the variable t."""

    def watched(self):
        return [float(self._time)] * len(self.variable_names)


@pytest.mark.parametrize('max_pool', [False, True])
def test_the_variables_are_those_of_the_picture(monkeypatch, max_pool):
    """They are of the last frame of a step, even if the episode or a life ends within it."""
    game = Counting(range(11), lives=[3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2], size=(20, 20))
    monkeypatch.setattr(GameSpec, 'make', lambda spec, level, actions: game)
    monkeypatch.setattr(GameSpec, 'shown_variables', lambda spec, config: config.game_variables)
    env = make.make_env(
        EnvConfig(
            screen_size=20,
            max_pool=max_pool,
            game_variables=('time',),
            life_loss_ends_episode=True,
        )  # fmt: skip
    )
    assert env.get_wrapper_attr('variable_names') == ('time',)

    def moments(observation):
        screen = observation['screen'][..., -1]
        return int(screen[0, 0]), round(float(raw(observation['variables'])[0]))

    assert moments(env.reset(seed=0)[0]) == (0, 0)
    observation, _, lost, _, _ = env.step(0)
    assert (moments(observation), lost) == ((4, 4), True)
    assert moments(env.reset()[0]) == (4, 4)  # The game goes on.
    assert [moments(env.step(0)[0]) for _ in range(2)] == [(8, 8), (10, 10)]
