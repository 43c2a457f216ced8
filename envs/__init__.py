"""Games as gymnasium environments: backends, wrappers, SubprocVecEnv. Never imports TensorFlow."""
