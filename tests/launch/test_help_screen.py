"""`--help`: what a person sets first is at the top, processes at the end, no flag missing."""

import re

import pytest
from absl import flags

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.configs.run import EvaluationConfig, RunConfig
from envs.config import EnvConfig
from launch.common import config_flags, help_screen
from tests.helpers import launching

AGENTS = [A2CConfig, A3CConfig, DDPGConfig, TD3Config, DQNConfig, ReinforceConfig]


def groups_of(*classes):
    return [config_flags.define(each, flags.FlagValues()) for each in classes]


def topics_of(screen):
    """The titles of a screen, and the names of the flags under each."""
    found = {}
    for topic in screen.split('\n\n')[2:]:
        title, *lines = topic.splitlines()
        matches = [re.match(r'  --(?:\[no\])?(\w+)', line) for line in lines]
        found[title] = [match[1] for match in matches if match]
    return found


@pytest.mark.parametrize('agent', AGENTS)
def test_trainings_begin_with_the_game_and_end_with_processes(agent):
    groups = groups_of(EnvConfig, RunConfig, agent)  # As `launch.common.training` defines them.
    topics = help_screen.topics(groups, ['preset'])
    names = [name for topic in topics for name in topic.names]
    assert sorted(names) == sorted(['preset', *(name for g in groups for name in g.names)])
    first = 'game', 'levels', 'preset', 'total_steps', 'seed', 'run_dir', 'resume'
    assert tuple(topics[0].names) == first
    assert topics[1].title.split(';')[0].startswith('Hyperparameters of ')
    assert topics[-1].title == 'Processes and memory.'
    assert topics[-1].names[-4:] == list(groups[0].topics[0][1])  # All of `WorkerConfig`.
    order = ['learning_rate', 'actor_learning_rate', 'frame_stack', 'action_repeat', 'log_period']
    order = [name for name in order if name in names]
    assert sorted(order, key=names.index) == order
    assert all(topic.names for topic in topics)


def test_every_flag_that_has_a_place_exists():
    known = {name for group in groups_of(*AGENTS, EnvConfig, RunConfig) for name in group.names}
    placed = [name for topic in (help_screen.FIRST, *help_screen.LAST) for name in topic.names]
    assert set(placed) - known == {'preset', 'episodes'}  # Those of scripts.
    assert len(placed) == len(set(placed))


def test_other_commands_keep_their_own_topics():
    topics = help_screen.topics(groups_of(EvaluationConfig), [])
    assert [topic.names[:2] for topic in topics] == [['run_dir', 'model']]
    assert help_screen.topics([], ['clean']) == [('Flags of this command.', ['clean'])]


def test_flags_of_a_script_stand_behind_the_first_topic_of_a_training():
    topics = help_screen.topics(groups_of(A2CConfig), ['random', 'preset'])
    assert [list(topic.names) for topic in topics[:2]] == [
        ['preset', 'total_steps', 'seed'],
        ['random'],
    ]


@pytest.mark.parametrize('name', ['train', 'train_a3c', 'train_td3', 'train_dqn'])
def test_the_screen_of_a_training(tmp_path, name):
    code, out, _ = launching.run(tmp_path, name, '--help')
    topics = topics_of(out)
    titles = list(topics)
    names = [flag for of_topic in topics.values() for flag in of_topic]
    assert code == 0 and len(names) == len(set(names)) > 45
    assert topics[titles[0]][0] == 'game'
    assert {'preset', 'total_steps', 'seed', 'run_dir', 'resume'} <= set(topics[titles[0]])
    assert ('episodes' in topics[titles[0]]) == (name == 'train')
    assert titles[-1] == 'Processes and memory.'
    assert 'Flags of this command.' not in titles


@pytest.mark.parametrize(
    'name, expected',
    [
        ('evaluate', {'run_dir', 'model', 'episodes', 'levels', 'greedy', 'seed', 'video', 'json'}),
        ('doctor', {'folder', 'clean'}),
        ('roms', {'games', 'import'}),
        ('tensorboard', {'runs', 'port', 'host'}),
    ],
)
def test_the_screen_of_another_command(tmp_path, name, expected):
    code, out, _ = launching.run(tmp_path, name, '--help')
    [names] = topics_of(out).values()
    assert code == 0 and set(names) == expected and len(names) == len(expected)
    assert '=[]' not in out and '=None' not in out
