"""Names of the kinds of policies, as the recipe of a saved model has them under `policy`.

An action space has one usual distribution, `agents.distributions.factory.for_space`, and needs no
name: its kind is the empty string. Every other kind is named here. Never imports TensorFlow.
"""

DEFAULT = ''  # The usual distribution of the action space: A2C, A3C, REINFORCE
DETERMINISTIC = 'deterministic'  # The first output of the model is the action itself: DDPG, TD3
GREEDY = 'greedy'  # The first output is Q(s, a) of every action; the best one is taken: DQN
STATE_DEPENDENT_EXPLORATION = 'state_dependent_exploration'  # gSDE: A2C and A3C on request

ALL = (DEFAULT, DETERMINISTIC, GREEDY, STATE_DEPENDENT_EXPLORATION)
WITHOUT_CHANCE = (DETERMINISTIC, GREEDY)  # Sampling and taking the best action are the same.
