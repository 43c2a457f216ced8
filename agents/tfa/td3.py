"""TD3, twin delayed deterministic policy gradient: DDPG that does not trust its critic.

After every step, with B transitions out of the memory:

    ã = clip(π'(s') + clip(σ ε, -c, c), low, high)
    y = r + γ min(Q₁'(s', ã), Q₂'(s', ã))       or r where the game ended
    critics: one step down the gradient of mean (y - Q₁(s, a))² + (y - Q₂(s, a))²
    and with every d-th of these
    actor: one step up the gradient of mean Q₁(s, π(s))
    θ' <- τ θ + (1 - τ) θ'                      for the targets Q₁', Q₂' and π'

It acts by π(s) with Gaussian noise. Fujimoto et al. (2018), https://arxiv.org/abs/1802.09477.
"""

import numpy as np
import tensorflow as tf
from tf_agents.agents.td3 import td3_agent
from tf_agents.utils import common

from agents.configs.off_policy import TD3Config
from agents.experience.action_noise import Gaussian, Noise
from agents.networks import continuous
from agents.tfa.continuous import ContinuousAgent, Parts, Targets
from agents.tfa.wrapped import SmoothedActor


class _Agent(td3_agent.Td3Agent):
    def _get_target_updater(self, tau: float = 1.0, period: int = 1) -> common.Periodically:
        """Updates the targets together with the actor.

        TF-Agents counts from 1 for the targets, but from 0 for the actor: these would meet weights
        of the actor that the critics have already moved on from.
        """
        updater = super()._get_target_updater(tau, period)
        (self.target_count,) = updater.variables
        self.target_count.assign(period - 1)
        return updater


class TD3(ContinuousAgent):
    """Two critics, of which the smaller target counts, and an actor that learns more slowly."""

    config: TD3Config
    _num_critics = 2

    def _make_noise(self, half_range: np.ndarray, seed: int) -> Noise:
        return Gaussian(self.config.exploration_noise * half_range, seed)

    def _make_agent(self, parts: Parts, seed: int) -> tuple[_Agent, Targets]:
        config, half_range = self.config, continuous.ranges(self._space)[0]
        target_actor = SmoothedActor.smoothing(
            parts.actor,
            self._space,
            noise=config.target_noise * half_range,
            clip=config.target_noise_clip * half_range,
            seed=seed,
            count=parts.count,
        )
        targets = [critic.copy(name='target_critic') for critic in parts.critics]
        agent = _Agent(
            parts.time_step_spec,
            parts.action_spec,
            parts.actor,
            parts.critics[0],
            parts.actor_updates,
            parts.critic_updates,
            critic_network_2=parts.critics[1],
            target_actor_network=target_actor,
            target_critic_network=targets[0],
            target_critic_network_2=targets[1],
            target_update_tau=config.tau,
            target_update_period=config.policy_delay,
            actor_update_period=config.policy_delay,
            td_errors_loss_fn=common.element_wise_squared_loss,
            gamma=config.discount,
            target_policy_noise=0.0,  # The target actor has it.
            train_step_counter=parts.count,
        )
        critics = {f'target_critic{i}': one for i, one in enumerate(targets, start=1)}
        return agent, {'target_actor': target_actor, **critics}

    def _counts(self) -> list[tf.Variable]:
        return [self._agent.target_count]
