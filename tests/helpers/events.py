"""Event files read back as TensorBoard reads them."""

import tensorflow as tf
from tensorboard.backend.event_processing import plugin_event_accumulator


def event_values(directory):
    """Last step and value of each tag in the only event file of a folder."""
    [path] = directory.glob('events.out.tfevents.*')
    return {
        value.tag: (event.step, tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }


def event_steps(directory, name='x'):
    """Steps of a scalar, as the reader of TensorBoard's server gives them."""
    reader = plugin_event_accumulator.EventAccumulator(str(directory))
    reader.Reload()
    return [tensor.step for tensor in reader.Tensors(name)]
