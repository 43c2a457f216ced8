"""Our Adam as TF-Agents calls an optimizer."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from agents.learning import optimizers


class Keras3Adam:
    """Adam with ε = 1e-8 on the variables of Keras 3 models; skips gradients that are not finite.

    TF-Agents gives the gradients in any order (those of TD3's critics as a set has them), with raw
    variables. They are put into the order of the models, so that runs repeat themselves.

    Args:
        models: Whose weights are learned.
        learning_rate: η.
        max_grad_norm: The gradients together are scaled down to it; 0: never. (What TF-Agents calls
            `gradient_clipping` scales each of them alone.)
        after: Those that are made before: if they were skipped, these are skipped, too.

    Attributes:
        norm: Of all gradients of the last update together, before they were clipped.
    """

    def __init__(
        self,
        models: Sequence[keras.Model],
        learning_rate: float,
        max_grad_norm: float = 0.0,
        after: 'Keras3Adam | None' = None,
    ) -> None:
        self._max_grad_norm, self._after = max_grad_norm, after
        self._trained = [v for model in models for v in model.trainable_variables]
        self._places = {id(v.value): place for place, v in enumerate(self._trained)}
        self._learning_rate, self._factor = learning_rate, 1.0
        self._adam = optimizers.Adam(learning_rate, epsilon=1e-8)
        self._adam.build(self._trained)
        self.norm = tf.Variable(0.0, trainable=False)

    @property
    def learning_rate(self) -> float:
        """η as it is now."""
        return self._factor * self._learning_rate

    def scale_learning_rate(self, factor: float) -> None:
        """Makes it `factor` times the first one."""
        self._factor = factor
        self._adam.learning_rate.assign(self.learning_rate)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that an update changes besides the weights."""
        return [*(variable.value for variable in self._adam.variables), self.norm]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, tf.Variable]]) -> None:
        """An update, as TF-Agents asks for it."""
        gradients: list[Any] = [None] * len(self._trained)
        for gradient, variable in grads_and_vars:
            gradients[self._places[id(variable)]] = gradient
        finite, norm = optimizers.clip_by_global_norm(gradients, self._max_grad_norm)
        self.norm.assign(norm)
        is_made = tf.math.is_finite(norm)
        if self._after is not None:
            is_made &= tf.math.is_finite(self._after.norm)
        self._adam.apply_if(is_made, finite, self._trained)

    def forget_infinite_norm(self) -> None:
        """Before an update in which these may not be due: it would be taken for one of its."""
        self.norm.assign(tf.where(tf.math.is_finite(self.norm), self.norm, 0.0))
