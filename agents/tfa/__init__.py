"""DDPG, TD3, DQN and REINFORCE on TF-Agents, which needs Keras 2: nothing of that leaves here.

Import it before TensorFlow: the variable decides what TF-Agents finds as `tf.keras`. Everywhere
else, and for all networks, `keras` is Keras 3. Begin with `base`.
"""

import os

os.environ['TF_USE_LEGACY_KERAS'] = '1'
