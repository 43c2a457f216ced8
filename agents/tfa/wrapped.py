"""Keras 3 models as networks of TF-Agents, which are layers of Keras 2.

What these ask of their layers must be answered from the Keras 3 model, and with its raw variables:
Keras 2 does not look into the layers of another Keras.
"""

from typing import Any

import gymnasium
import keras
import numpy as np
import tensorflow as tf
from tf_agents.networks import network


class WrappedNetwork(network.Network):
    """A Keras 3 model that TF-Agents' agents and policies can use.

    Args:
        model: Of one input, or of several that TF-Agents gives as a tuple.
        input_tensor_spec: Of the inputs.
        name: Of the network.

    Attributes:
        model: The Keras 3 model.
    """

    def __init__(self, model: keras.Model, input_tensor_spec: Any, name: str = 'network') -> None:
        super().__init__(input_tensor_spec=input_tensor_spec, name=name)
        self.model = model
        self.built = True

    def call(
        self, inputs: Any, step_type: Any = None, network_state: Any = (), training: bool = False
    ) -> tuple[tf.Tensor, Any]:
        """The output of the model."""
        inputs = list(inputs) if isinstance(inputs, (tuple, list)) else inputs
        return self.model(inputs, training=training), network_state

    def copy(self, **kwargs: Any) -> 'WrappedNetwork':
        """Another one with new weights; TF-Agents makes target networks so, and then sets them."""
        options = {**self._saved_kwargs, **kwargs}
        return type(self)(**{**options, 'model': keras.models.clone_model(self.model)})

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables of the model."""
        return [variable.value for variable in self.model.variables]

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        """The variables that are learned."""
        return [variable.value for variable in self.model.trainable_variables]

    weights, trainable_weights = variables, trainable_variables


class SmoothedActor(WrappedNetwork):
    """The target actor of TD3, smoothed by noise.

        ã = clip(π'(s) + clip(σ ε, -c, c), low, high),   ε ~ N(0, 1)

    Fujimoto et al. (2018), eq. 14 and the code of its authors, https://arxiv.org/abs/1802.09477.
    TF-Agents' `Td3Agent` has noise of its own, which we switch off: it does not clip ã to the
    actions there are, so that the critic answers where it has never learned; σ and c are the same
    numbers for all parts of an action, whatever their ranges; and its generator can be neither
    saved nor restored. Here ε follows from a seed and the count of updates.

    Args:
        model: The actor.
        input_tensor_spec: Of the observations.
        space: Of the actions.
        noise: σ, `float32[k]`.
        clip: c, `float32[k]`.
        seed: Of the noise.
        count: The variable that counts the updates.
        name: Of the network.
    """

    def __init__(
        self,
        model: keras.Model,
        input_tensor_spec: Any,
        space: gymnasium.spaces.Box,
        noise: np.ndarray,
        clip: np.ndarray,
        seed: int,
        count: tf.Variable,
        name: str = 'target_actor',
    ) -> None:
        super().__init__(model, input_tensor_spec, name=name)
        self._bounds, self._noise, self._clip = (space.low, space.high), noise, clip
        self._seed, self._count = seed % 2**31, count

    @classmethod
    def smoothing(cls, actor: WrappedNetwork, *arguments: Any, **options: Any) -> 'SmoothedActor':
        """One like this actor, with weights of its own; for `arguments` see the class."""
        model = keras.models.clone_model(actor.model)
        return cls(model, actor.input_tensor_spec, *arguments, **options)

    def call(
        self, inputs: Any, step_type: Any = None, network_state: Any = (), training: bool = False
    ) -> tuple[tf.Tensor, Any]:
        """The smoothed action."""
        actions, state = super().call(inputs, step_type, network_state, training)
        seed = tf.stack([tf.constant(self._seed, tf.int64), tf.cast(self._count, tf.int64)])
        noise = self._noise * tf.random.stateless_normal(tf.shape(actions), seed)
        noise = tf.clip_by_value(noise, -self._clip, self._clip)
        return tf.clip_by_value(actions + noise, *self._bounds), state
