"""Configurations of the small games that tests of agents play."""

from envs.config import EnvConfig

CART_POLE = EnvConfig('CartPole-v1', action_repeat=1, frame_stack=1)
PENDULUM = EnvConfig('Pendulum-v1', action_repeat=1, frame_stack=1)
