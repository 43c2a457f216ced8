"""Agents, and all that surrounds their training. A package imports only what stands above it:

configs/         every option of an agent and a run, and the presets; never TensorFlow
distributions/   what the outputs of a network mean: choices, buttons, real numbers
learning/        returns, losses, optimizers, schedules, normalisation: the maths of the papers
networks/        Keras models: torsos, heads, inputs, and how gradients flow back
storage/         checkpoints, run directories, saved policies, and files of older versions
experience/      who acts and what is remembered: runner, episodes, replay memory, noise
agent            what a run needs of any algorithm: begin here
evaluation/      playing whole episodes, and what came out of them
guards/          collapse alarms, and what is done about them
runs/            the training loop, its tables, its event files and its display
actor_critic/    A2C and A3C
tfa/             DDPG, TD3, DQN and REINFORCE on TF-Agents
"""
