"""DDPG, TD3, DQN and REINFORCE on TF-Agents, which needs Keras 2: nothing of that leaves here.

All networks are models of Keras 3. Import this package before TensorFlow, or call
`quiet_tensorflow.load(tf_agents=True)` first. Begin with `base`.
"""

from agents import quiet_tensorflow

quiet_tensorflow.let_tf_agents_find_keras_2()
