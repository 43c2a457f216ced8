"""How noisy are the gradients that a policy is improved by? Measured on one fixed policy.

    .venv/bin/python -m research.gradient_variance --out=research/results/gradient-variance

A2C trains a policy for a short while; then it stays as it is and plays. The gradient of the policy
loss, mean of -log π(a_t|s_t) A_t, is taken from many batches of the same number of agent steps:

    REINFORCE         A_t = R_t, all rewards to the end of the episode, discounted
    with a baseline   A_t = R_t - V(s_t)
    GAE               A_t = Σ_k (γλ)^k δ_{t+k},  δ_t = r_t + γ V(s_{t+1}) - V(s_t)
    n steps           as in A2C: at most n rewards, then V
    one step          A_t = δ_t

with two critics V: the one that A2C had learned by then, and the same fitted to the returns of just
this policy. All see the same batches. The first two are unbiased; the mean of the second one over
all batches is the gradient that the others are compared with.
"""

import json

from agents import quiet_tensorflow
from launch.common import config_flags, script
from research.gradient_variance.options import Options

_options = config_flags.define(Options)


def main() -> None:
    """Measures, writes and draws."""
    options = _options()
    quiet_tensorflow.load()
    from research.gradient_variance import estimates, picture

    result = estimates.measure(options)
    with open(f'{options.out}.json', 'w') as file:
        json.dump(result, file, indent=1)
    picture.draw(result, f'{options.out}.png')


if __name__ == '__main__':
    script.start(main)
