"""Quick start: train the default game with A2C, evaluate it, film it."""

import os

from absl import flags

from launch import script, train_a2c

_EPISODES = flags.DEFINE_integer('episodes', 20, 'Whole episodes of each evaluation.')


def main() -> None:
    """Training, a sampled and a greedy evaluation, a film of the better one."""
    from envs.config import require

    require(_EPISODES.value > 0, f'--episodes must be positive, not {_EPISODES.value}')
    run_dir = train_a2c.train()
    if not run_dir:
        return
    from agents import report

    directory = report.model_directory(run_dir)
    films, results = {}, []
    os.makedirs(os.path.join(run_dir, 'videos'), exist_ok=True)
    for greedy in (False, True):
        video = os.path.join(run_dir, 'videos', f'{"greedy" if greedy else "sampled"}.mp4')
        request = report.Request(directory, _EPISODES.value, greedy, seed=1, video=video)
        result = report.evaluate(request)
        print(report.summary(result))
        results.append(result)
        films[result.mode] = video
    best = max(results, key=lambda result: result.mean_score)
    print(f'\nWatch your agent play: {films[best.mode]}')
    print(f'See how it learned:    ./run tensorboard --runs={run_dir}')
    print(f'Evaluate it again:     ./run evaluate --run_dir={run_dir} --episodes=100')


if __name__ == '__main__':
    script.start(main)
