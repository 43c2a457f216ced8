"""Training states and dumps of older versions become those of today."""

import copy

import gymnasium
import numpy as np
import pytest

from agents.actor_critic import dumps
from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.experience.episodes import EpisodeTracker
from agents.guards import monitor
from agents.guards.collapse import CollapseGuard, SkippedUpdates
from agents.learning.metrics import TrainMetrics
from agents.storage import checkpoints, migrations, old_states
from tests.helpers.paths import FIXTURES
from tests.helpers.runs import last_state
from tests.helpers.trees import first_difference

OLD_RUNS = sorted(path.parent for path in FIXTURES.glob('*/*/checkpoints'))
IDS = [str(path.relative_to(FIXTURES)) for path in OLD_RUNS]


def assert_same(a, b):
    assert first_difference(a, b) == ''


@pytest.mark.parametrize('run_dir', OLD_RUNS, ids=IDS)
def test_states_of_every_version_are_completed_and_stay_as_they_are(run_dir):
    old = last_state(run_dir)
    before = copy.deepcopy(old)
    new = migrations.state(old)
    assert_same(old, before)
    assert old.get('format', 1) <= new['format'] == migrations.STATE_FORMAT
    assert set(new) == {
        'format', 'agent', 'logger', 'watch', 'best_score', 'last', 'restarts',
    }  # fmt: skip
    for runner in new['agent'].get('runners', []):
        assert {'conduct', 'statistics', 'envs'} <= set(runner)
    assert migrations.state(new) is new


@pytest.mark.parametrize('version', [3, 0, '2', None, True, 2.0])
def test_a_state_or_dump_of_a_newer_version_or_none_is_refused(version):
    message = f'^is of format {version!r}; this version reads 1 to 2$'
    for upgrade in (migrations.state, migrations.dump, dumps.recompute):
        with pytest.raises(migrations.UnknownFormatError, match=message):
            upgrade({'format': version, 'agent': {}})


def test_who_was_not_watched_continues_as_one_who_begins_to_be():
    tree = migrations.state(last_state(FIXTURES / '6732916' / 'cartpole'))
    watch = tree['watch']
    assert watch['guard'] == CollapseGuard(0.7, 0.01).state()
    assert watch['skipped'] == SkippedUpdates().state()
    assert watch['calm'] and not watch['has_good_state'] and watch['num_rollbacks'] == 0
    assert (tree['restarts'], tree['agent']['rate_factor']) == (0, 1.0)


def test_a_rollback_returns_to_a_state_of_an_older_version(tmp_path):
    old = last_state(FIXTURES / '6732916' / 'cartpole')
    directory = str(FIXTURES / '6732916' / 'cartpole' / 'checkpoints')
    assert_same(monitor._earlier(directory)['agent'], migrations.state(old)['agent'])
    checkpoints.save_best(str(tmp_path), {**old, 'best_score': 7.0})
    checkpoints.save(str(tmp_path), 500, {**old, 'best_score': 5.0})
    found = monitor._earlier(str(tmp_path))
    assert (found['best_score'], found['format']) == (7.0, migrations.STATE_FORMAT)
    alarmed = migrations.state(old)
    alarmed['watch'] = {**alarmed['watch'], 'calm': False}
    checkpoints.save_best(str(tmp_path), {**alarmed, 'best_score': 9.0})
    assert monitor._earlier(str(tmp_path))['best_score'] == 5.0


def as_a_run(agent):
    return {'agent': agent, 'logger': {'updates': []}, 'best_score': 0.0, 'last': {}}


def test_parts_of_a2c_get_the_names_of_their_fields(make_agent):
    """`overlap` saves what the groups have ready; older versions gave it no names."""
    config = A2CConfig(num_envs=3, num_groups=2, network='mlp', overlap=True)
    agent = make_agent(config)
    agent.update()
    state = agent.state()
    state['next'][1]['moments'] = {
        'returns': {'size': 3, 'mean': np.zeros(1), 'variance': np.ones(1)}
    }
    old = []
    for part in state['next']:
        gradients = list(part['gradients'].values())
        gradients[1] = list(gradients[1].values())
        moments = {name: list(own.values()) for name, own in part['moments'].items()}
        values = part['num_steps'], part['episodes'], part['max_abs_return']
        old.append([gradients, *values, moments])
    assert len(old) == 2
    assert_same(migrations.state(as_a_run({**state, 'next': old}))['agent']['next'], state['next'])
    without_moments = [part[:-1] for part in old]  # 1126fe3
    found = migrations.state(as_a_run({**state, 'next': without_moments}))['agent']['next']
    assert_same(found, [{**part, 'moments': {}} for part in state['next']])
    again = make_agent(config)
    again.set_state({**state, 'next': found})
    assert again.update()._asdict() == agent.update()._asdict()


def test_updates_of_a3c_get_the_names_of_their_fields(make_agent):
    config = A3CConfig(num_workers=1, network='mlp', total_steps=100)
    state = make_agent(config).state()
    metrics = TrainMetrics(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    old = [[5, list(metrics), [{'step': 3}]], [10, list(metrics), []]]
    state = migrations.state(as_a_run({**state, 'updates': old}))['agent']
    again = make_agent(config)
    again.set_state(state)
    assert again.update() == metrics
    assert (again.num_steps, again.episodes) == (5, [{'step': 3}])
    [unread] = again.state()['updates']
    assert unread == {'num_steps': 10, 'metrics': metrics._asdict(), 'episodes': []}


@pytest.mark.parametrize('shape', [(), (3,)])
def test_whose_actions_were_not_followed_continues_as_one_who_begins(shape):
    """The state does not tell the shape of an action."""
    space = gymnasium.spaces.MultiDiscrete([4] * 3) if shape else gymnasium.spaces.Discrete(4)
    fresh, resumed = (EpisodeTracker(2, space, 0.9) for _ in range(2))
    state = fresh.state()
    del state['conduct']
    state = old_states._runner({**state, 'envs': []})
    resumed.set_state(state)
    rng = np.random.default_rng(0)
    for _ in range(6):
        actions, rewards = rng.integers(4, size=(2, *shape)), rng.normal(size=2)
        ended = rng.random(2) < 0.3
        for tracker in (fresh, resumed):
            tracker.update(np.zeros(2), actions, rewards, ended, {})
        assert_same(resumed.state(), fresh.state())


ZEROS, VALUES = [1.0, 0.0, 0.5, 0.0, 0.0, 2.0], [1.0, 3.0, 0.5, 0.0, 0.0, 2.0]


@pytest.mark.parametrize(
    'agent, updates, kept',
    [
        ({'runners': []}, [VALUES[:5], ZEROS], [ZEROS]),  # 6732916 had no `value_magnitude`.
        ({'variables': []}, [ZEROS, VALUES, [1.0, 2.0, 3.0]], [VALUES, [1.0, 2.0, 3.0]]),
        ({'memory': {}}, [VALUES[:5], [0.0] * 4], [VALUES[:5], [0.0] * 4]),
    ],
    ids=['a2c', 'reinforce', 'off-policy'],
)
def test_numbers_that_have_lost_their_meaning_are_dropped(agent, updates, kept):
    tree = {**as_a_run(agent), 'logger': {'updates': updates, 'recent': []}}
    assert migrations.state(tree)['logger'] == {'updates': kept, 'recent': []}


def test_games_at_the_bottom_of_their_wrappers_get_what_they_lack():
    retro = {'state': np.zeros(3, np.uint8), 'variables': {'x': 1}, 'screen': np.zeros((2, 2))}
    doom = {'episode_seed': 1, 'options': None, 'actions': [], 'rng': {}, 'screen': np.zeros(2)}
    other = {'episode_seed': 1, 'options': None, 'actions': [], 'rng': {}}
    for game, added in ((retro, {'held': 0}), (doom, {'watched': []}), (other, {})):
        snapshot = {'env': {'return': 0.5, 'env': {'env': game}}, 'observation': np.zeros(1)}
        wanted = {**snapshot, 'env': {'return': 0.5, 'env': {'env': {**added, **game}}}}
        for agent in ({'envs': [snapshot]}, {'runners': [{'lengths': [0], 'envs': [snapshot]}]}):
            found = migrations.state(as_a_run(agent))['agent']
            envs = found['runners'][0]['envs'] if 'runners' in agent else found['envs']
            assert_same(envs, [wanted])
    held = old_states._game({**retro, 'held': np.ones(2)})
    assert held['held'].tolist() == [1.0, 1.0]  # What is there stays.


def test_bounds_that_a_dump_does_not_tell_are_infinite():
    found = migrations.dump({'actions': ['Box', [2]], 'metrics': {}})
    space = dumps._action_space(*found['actions'])
    assert space.shape == (2,) and np.isinf(space.low).all() and np.isinf(space.high).all()
    for actions in (['Discrete', [4]], ['Box', [1], np.zeros(1), np.ones(1)]):
        assert migrations.dump({'actions': actions})['actions'] is actions
    assert migrations.dump({'networks': {}}) == {'networks': {}, 'format': migrations.DUMP_FORMAT}


def test_the_share_of_an_old_batch_is_its_batch_fraction():
    old = {'actions': ['Discrete', [2]], 'batches': [{'share': 0.25, 'entropy_cost': 0.1}]}
    assert migrations.dump(old)['batches'] == [{'batch_fraction': 0.25, 'entropy_cost': 0.1}]
    assert old['batches'] == [{'share': 0.25, 'entropy_cost': 0.1}]
