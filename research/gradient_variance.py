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

import dataclasses
import json
from typing import Any

from agents import quiet_tensorflow
from envs.fields import hparam, require, require_types
from launch.common import config_flags, script


@dataclasses.dataclass(frozen=True)
class Options:
    """What is measured."""

    game: str = hparam('CartPole-v1', 'A game whose observations are vectors.')
    policy_steps: int = hparam(20_000, 'Agent steps that A2C trains the policy.')
    num_envs: int = hparam(64, 'Environments that the policy then plays.')
    steps: int = hparam(16_000, 'Agent steps of each; as many again to fit the critic.')
    tail: int = hparam(1_000, 'The last of these steps, which only complete returns.')
    batch_steps: int = hparam(500, 'Agent steps of a batch.')
    fit_epochs: int = hparam(10, 'How often the fit of the critic sees each step.')
    seed: int = hparam(0, 'Seed of everything.')
    out: str = hparam('gradient-variance', 'Files to write, without .json and .png.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require(self.steps % 50 == 0, '--steps must be a multiple of 50')
        enough = self.steps - self.tail >= self.batch_steps > 0
        require(enough, '--steps must be at least --tail and --batch_steps together')


def draw(result: dict[str, Any], path: str) -> None:
    """A picture of noise, bias and direction of each estimator."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(12, 4), layout='constrained')
    for number, (critic, measured) in enumerate(result['critics'].items()):
        label = f'{critic} (explained variance {measured["explained_variance"]:.2f})'
        _draw_critic(panels, measured['estimators'], (number - 0.5) * 0.4, label)
    titles = (
        'variance / |gradient|²',
        'bias / |gradient|; black: by chance',
        'cosine of a batch to the gradient, quartiles',
    )
    for axes, title in zip(panels, titles, strict=True):
        names = [name.replace(' ', '\n', 1) for name in measured['estimators']]
        axes.set_xticks(range(len(names)), names, fontsize=8)
        axes.set_title(title, fontsize=10)
    panels[0].set_yscale('log')
    figure.legend(*panels[0].get_legend_handles_labels(), loc='outside lower center', ncols=2)
    figure.suptitle(
        f'Policy gradients of batches of {result["batch_steps"]} steps in {result["game"]}, '
        f'one policy (mean episode {result["mean_episode_length"]:.0f} steps)'
    )
    figure.savefig(path, dpi=110)


def _draw_critic(panels: Any, estimators: dict[str, Any], offset: float, label: str) -> None:
    """The bars of one critic."""
    places, rows = [i + offset for i in range(len(estimators))], list(estimators.values())

    def bars(axes: Any, middles: list[float], intervals: list[list[float]]) -> None:
        pairs = list(zip(middles, intervals, strict=True))
        errors = [[m - low for m, (low, _) in pairs], [high - m for m, (_, high) in pairs]]
        axes.bar(places, middles, 0.4, yerr=errors, capsize=2, label=label)

    left, middle, right = panels
    bars(left, [row['variance'] for row in rows], [row['variance_interval'] for row in rows])
    middle.bar(places, [row['bias'] for row in rows], 0.4)
    middle.plot(places, [row['bias_error'] for row in rows], 'k_', markersize=14)
    quartiles = [row['cosine_quartiles'] for row in rows]
    bars(right, [median for _, median, _ in quartiles], [[low, high] for low, _, high in quartiles])


def main(options: Options) -> None:
    """Measures, writes and draws."""
    quiet_tensorflow.load()
    from research import gradient_estimates

    result = gradient_estimates.measure(options)
    with open(f'{options.out}.json', 'w') as file:
        json.dump(result, file, indent=1)
    draw(result, f'{options.out}.png')


if __name__ == '__main__':
    flags_of_options = config_flags.define(Options)  # Not for those who import this.
    script.start(lambda: main(flags_of_options()))
