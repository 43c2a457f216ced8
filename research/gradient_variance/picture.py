"""Draws the noise, the bias and the direction of each estimator."""

from typing import Any


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
