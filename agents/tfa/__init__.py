"""Agents on TF-Agents, which needs Keras 2; nothing of that leaves this package.

Import it before TensorFlow: the variable decides what TF-Agents finds as `tf.keras`. Everywhere
else, and for all networks, `keras` is Keras 3.
"""

import os

os.environ['TF_USE_LEGACY_KERAS'] = '1'
