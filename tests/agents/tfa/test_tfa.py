"""Keras 2 and TF-Agents stay where they belong; what was learned with them needs neither."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.evaluation import play
from agents.storage import checkpoints, saved_policy
from agents.tfa.ddpg import DDPG
from agents.tfa.dqn import DQN
from agents.tfa.policy_actor import PolicyActor
from agents.tfa.reinforce import Reinforce
from agents.tfa.td3 import TD3
from envs.config import EnvConfig
from tests.helpers.paths import ROOT

PENDULUM = EnvConfig(
    game='Pendulum-v1', action_repeat=1, frame_stack=1, max_episode_steps=20, envs_per_process=8
)
CART_POLE = EnvConfig(game='CartPole-v1', action_repeat=1, frame_stack=1, envs_per_process=8)
SMALL = {'hidden_units': (8, 8), 'batch_size': 8, 'replay_capacity': 500, 'num_envs': 2}

# Imports all modules outside of agents/tfa/, and evaluates the model that the first argument names.
WITHOUT = """
import importlib, json, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
from agents.configs.run import EvaluationConfig
from agents.evaluation import report
config = EvaluationConfig(sys.argv[1], episodes=2, video=sys.argv[1] + '/film.mp4')
result = report.evaluate(config)
loaded = [name for name in ('tf_agents', 'tf_keras') if name in sys.modules]
print(json.dumps([loaded, result.as_json()]))
"""


@pytest.fixture(scope='module')
def agent():
    made = TD3(TD3Config(**SMALL, learning_starts=8), PENDULUM)
    for _ in range(8):
        made.update()
    yield made
    made.close()


def belongs_to_tf_agents(thing):
    return type(thing).__module__.split('.')[0] in ('tf_agents', 'tf_keras', 'gin')


def plain(tree):
    """True if a tree consists of arrays, numbers, texts and sealed parts of the memory."""
    if isinstance(tree, dict):
        return all(map(plain, tree.values()))
    if isinstance(tree, list):
        return all(map(plain, tree))
    kinds = np.ndarray, np.generic, int, float, str, type(None), checkpoints.Sealed
    return isinstance(tree, kinds)


@pytest.mark.parametrize(
    'make',
    [
        lambda: DDPG(DDPGConfig(**SMALL), PENDULUM),
        lambda: TD3(TD3Config(**SMALL, learning_starts=8), PENDULUM),
        lambda: DQN(
            DQNConfig(**SMALL, network='mlp', learning_starts=8, train_period=2), CART_POLE
        ),
        lambda: Reinforce(ReinforceConfig(network='mlp', episodes_per_update=1), CART_POLE),
    ],
    ids=['ddpg', 'td3', 'dqn', 'reinforce'],
)
def test_nothing_of_keras_2_comes_out_of_an_agent(make):
    agent = make()
    try:
        while agent.update() is None:
            pass
        check_nothing_of_keras_2(agent)
    finally:
        agent.close()


def check_nothing_of_keras_2(agent):
    public = {name: getattr(agent, name) for name in dir(agent) if not name.startswith('_')}
    assert [name for name, thing in public.items() if belongs_to_tf_agents(thing)] == []
    assert isinstance(agent.network, keras.Model)
    parts = [*agent.network.layers, *agent.network.variables, agent.step_model, agent.distribution]
    assert [part for part in parts if belongs_to_tf_agents(part)] == []
    assert plain(agent.state())
    metrics = agent.update()
    assert all(type(number) is float for number in metrics)


def test_a_policy_of_tf_agents_plays_as_the_model_does(agent):
    def own(envs):
        return agent.step_model.copy()

    results = [
        play.evaluate_actor(make_actor, PENDULUM, 3, 'greedy', seed=1)
        for make_actor in (own, lambda envs: PolicyActor(agent._agent.policy))
    ]
    scores = [[episode.score for episode in result.episodes] for result in results]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4)
    assert len(set(scores[0])) == 3


def test_a_model_is_evaluated_without_tf_agents(agent, tmp_path):
    directory = tmp_path / 'model' / 'final'
    saved_policy.save(str(directory), agent.network, PENDULUM, policy='deterministic', steps=8)
    paths = [path.relative_to(ROOT).with_suffix('') for path in (ROOT / 'agents').rglob('*.py')]
    modules = sorted('.'.join(path.parts) for path in paths if 'tfa' not in path.parts)
    assert len(modules) > 50
    command = [sys.executable, '-c', WITHOUT, str(tmp_path), *modules]
    variables = {k: v for k, v in os.environ.items() if k != 'TF_USE_LEGACY_KERAS'}
    out = subprocess.check_output(command, cwd=ROOT, text=True, env=variables)
    loaded, result = json.loads(out.splitlines()[-1])
    assert loaded == []
    assert result['mode'] == 'greedy' and len(result['episodes']) == 2
    assert (tmp_path / 'film.mp4').stat().st_size > 1000
