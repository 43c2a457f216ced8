"""Actor-critic agents: mathematics, networks, A2C, A3C. Importing this loads no TensorFlow."""
