"""TensorFlow starts without a word, and without what Keras imports for functions not used here."""

import os
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

START = """
import sys
from agents import quiet_tensorflow
assert not {{'keras', 'tensorflow'}} & set(sys.modules)
quiet_tensorflow.load(tf_agents={tf_agents})
assert {{'keras', 'tensorflow'}} <= set(sys.modules)
import keras, tensorflow
assert keras.Model.__module__.startswith('keras.')
assert tensorflow.keras.Model.__module__.startswith('tf_keras.' if {tf_agents} else 'keras.')
assert not any(name.partition('.')[0] == 'matplotlib' for name in sys.modules)
import matplotlib.figure
"""


@pytest.mark.parametrize('tf_agents', [False, True])
def test_tensorflow_starts_quietly_and_without_matplotlib_which_can_follow(tf_agents):
    command = [sys.executable, '-c', START.format(tf_agents=tf_agents)]
    # Another test of this process may have imported `agents.tfa`, which sets the variable.
    variables = {k: v for k, v in os.environ.items() if k != 'TF_USE_LEGACY_KERAS'}
    told = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True)
    assert (told.returncode, told.stdout, told.stderr) == (0, b'', b'')
