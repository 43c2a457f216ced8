"""Comparing agents side by side does nothing twice, and does not mix settings."""

import json
import subprocess
import sys

from tests.helpers.paths import ROOT

SCRIPT = """if True:
    import dataclasses
    import json
    import os
    import numpy as np
    from absl import flags
    from agents.configs.actor_critic import A2CConfig
    from agents.experience.actor import Actor, Decision
    from envs.config import EnvConfig
    from launch.common import script
    from research.peers import side_by_side

    class Left(Actor):
        def step(self, observations, memory, count):
            return Decision(np.zeros(len(observations), np.int32), np.zeros(len(observations)))

        def value(self, observations, memory):
            return np.zeros(len(observations))

    def trainer(name):
        def train(config, env_config, seed, run_dir):
            print('trained', name, seed, run_dir, flush=True)
            return lambda envs, mode: Left()
        return train

    def forget(option):
        # As if an older version had written it, which did not have the option.
        path = os.path.join(side_by_side.RESULTS.value, 'CartPole-v1-ours-0.json')
        with open(path) as file:
            result = json.load(file)
        result['settings']['agent'].pop(option, None)
        with open(path, 'w') as file:
            json.dump(result, file)

    def main():
        known = {name: trainer(name) for name in ('ours', 'theirs')}
        env_config = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)
        config = A2CConfig(network='mlp', seed=9)
        for names in (['ours'], ['ours', 'theirs']):
            side_by_side.compare(known, names, config, env_config, ('greedy',))
            print('compared', flush=True)
            forget('noise_period')
        other = dataclasses.replace(config, learning_rate=0.5)
        side_by_side.compare(known, names, other, env_config, ('greedy',))

    if __name__ == '__main__':
        script.start(main)
"""


def test_nothing_is_done_twice_and_other_settings_are_refused(tmp_path):
    path, results = tmp_path / 'compare.py', tmp_path / 'results'
    path.write_text(SCRIPT)
    flags = [f'--results={results}', f'--runs={tmp_path / "runs"}', '--seeds=0,3', '--episodes=2']
    done = subprocess.run(
        [sys.executable, path, *flags],
        cwd=tmp_path,
        env={'PYTHONPATH': str(ROOT), 'TF_CPP_MIN_LOG_LEVEL': '3'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stdout.splitlines() if ':' not in line]
    runs = tmp_path / 'runs'
    assert lines == [
        f'trained ours 0 {runs}/CartPole-v1-ours-0', f'trained ours 3 {runs}/CartPole-v1-ours-3',
        'compared',
        f'trained theirs 0 {runs}/CartPole-v1-theirs-0',
        f'trained theirs 3 {runs}/CartPole-v1-theirs-3',
        'compared',
    ]  # fmt: skip
    assert 'CartPole-v1-ours-0.json is of other settings' in done.stderr.splitlines()[-1]
    assert len(list(results.iterdir())) == 4
    result = json.loads((results / 'CartPole-v1-theirs-3.json').read_text())
    assert (result['seed'], len(result['greedy']['episodes'])) == (3, 2)
