"""DDPG, deep deterministic policy gradient.

After every step, with B transitions out of the memory:

    y = r + γ Q'(s', π'(s'))                    or r where the game ended
    critic: one step down the gradient of mean (y - Q(s, a))²
    actor: one step up the gradient of mean Q(s, π(s))
    θ' <- τ θ + (1 - τ) θ'                      for the targets Q' and π'

It acts by π(s) with Ornstein-Uhlenbeck noise. Lillicrap et al. (2016),
https://arxiv.org/abs/1509.02971.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.trajectories import time_step
from tf_agents.utils import common

from agents.configs.off_policy import DDPGConfig
from agents.experience.action_noise import Noise, OrnsteinUhlenbeck
from agents.tfa.continuous import ContinuousAgent, Parts, Targets


class _Agent(ddpg_agent.DdpgAgent):
    def actor_loss(
        self, time_steps: time_step.TimeStep, weights: Any = None, training: bool = False
    ) -> tf.Tensor:
        """-mean Q(s, π(s)).

        TF-Agents' own loss has 2/k of this gradient, k the numbers of an action, and its value is
        the mean square of dQ/da, which tells nobody how good the actor is.
        """
        actions, _ = self._actor_network(time_steps.observation, training=training)
        values, _ = self._critic_network((time_steps.observation, actions), training=False)
        return -tf.reduce_mean(values)


class DDPG(ContinuousAgent):
    """As it is taught: the critic takes the action at its second layer; small last layers."""

    config: DDPGConfig
    _action_layer, _output_range = 2, 3e-3

    def _make_noise(self, half_range: np.ndarray, seed: int) -> Noise:
        return OrnsteinUhlenbeck(self.config.ou_sigma * half_range, self.config.ou_theta, seed)

    def _make_agent(self, parts: Parts, seed: int) -> tuple[_Agent, Targets]:
        target_actor = parts.actor.copy(name='target_actor')
        target_critic = parts.critics[0].copy(name='target_critic')
        agent = _Agent(
            parts.time_step_spec,
            parts.action_spec,
            parts.actor,
            parts.critics[0],
            parts.actor_updates,
            parts.critic_updates,
            target_actor_network=target_actor,
            target_critic_network=target_critic,
            target_update_tau=self.config.tau,
            td_errors_loss_fn=common.element_wise_squared_loss,
            gamma=self.config.discount,
            train_step_counter=parts.count,
        )
        return agent, {'target_actor': target_actor, 'target_critic1': target_critic}
