"""Keras 3 models from observations to policies and values.

Begin with `policy_value`, the networks of A2C, A3C and REINFORCE; `q_network` is DQN's, and
`continuous` has those of DDPG and TD3. They are built of `inputs`, `torsos` and `heads`; `backprop`
and `lstm` compute their gradients.
"""
