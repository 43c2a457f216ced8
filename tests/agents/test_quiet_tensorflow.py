"""TensorFlow starts without a word, and without what Keras imports for functions not used here."""

import subprocess
import sys

from tests.helpers.paths import ROOT

START = """
import sys
from agents import quiet_tensorflow
assert {'keras', 'tensorflow'} <= set(sys.modules)
assert not any(name.partition('.')[0] == 'matplotlib' for name in sys.modules)
import matplotlib.figure
"""


def test_tensorflow_starts_quietly_and_without_matplotlib_which_can_follow():
    told = subprocess.run([sys.executable, '-c', START], cwd=ROOT, capture_output=True)
    assert (told.returncode, told.stdout, told.stderr) == (0, b'', b'')
