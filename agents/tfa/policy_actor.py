"""Policies of TF-Agents as our actors, so that they can be evaluated, filmed and compared.

evaluation.evaluate_actor(lambda envs: PolicyActor(policy), env_config, 100, 'greedy', seed=1)
"""

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import time_step

from agents.experience.actor import Actor, Decision, Memory


class PolicyActor(Actor):
    """Acts as a `TFPolicy` says; of values it knows nothing, so they are zero.

    A policy that samples does so by a generator of TensorFlow's: set it by `tf.random.set_seed`.

    Args:
        policy: Its state, if it has one, is of rows of numbers and zero at first.
    """

    def __init__(self, policy: tf_policy.TFPolicy) -> None:
        self._policy = policy
        self._action = tf.function(policy.action)

    def first_memory(self, num_envs: int) -> Memory:
        """The state of the policy at the start of an episode."""
        state = self._policy.get_initial_state(num_envs)
        return [tensor.numpy() for tensor in tf.nest.flatten(state)]

    def step(self, observations: np.ndarray, memory: Memory, count: int) -> Decision:
        """Decides on observations `[B, ...]`."""
        ones = tf.ones(len(observations))
        kinds = tf.fill([len(observations)], time_step.StepType.MID)
        now = time_step.TimeStep(kinds, tf.zeros_like(ones), ones, tf.constant(observations))
        state = tf.nest.pack_sequence_as(
            self._policy.policy_state_spec, [tf.constant(array) for array in memory]
        )
        action, state, _ = self._action(now, state)
        memory = [tensor.numpy() for tensor in tf.nest.flatten(state)]
        return Decision(action.numpy(), self.value(observations, memory), memory=memory)

    def value(self, observations: np.ndarray, memory: Memory) -> np.ndarray:
        """Zeros, `float32[B]`."""
        return np.zeros(len(observations), np.float32)

    def remember(self, decision: Decision, rewards: np.ndarray) -> Memory:
        """The state of the policy after a step."""
        return decision.memory
