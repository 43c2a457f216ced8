"""Quick start: train an agent with A2C, evaluate it and film it."""

import os

from absl import flags

from launch import train_a2c
from launch.common import script

flags.FLAGS.set_default('game', 'HillHopper-Genesis')
_EPISODES = flags.DEFINE_integer('episodes', 20, 'Whole episodes in each evaluation at the end.')


def main() -> None:
    """Trains, then evaluates and films the agent with sampled and with greedy actions."""
    from envs.fields import require

    require(_EPISODES.value > 0, f'--episodes must be positive, not {_EPISODES.value}')
    run_dir = train_a2c.main()
    from agents.configs.run import EvaluationConfig
    from agents.evaluation import report, results

    films = {}
    for mode in ('sampled', 'greedy'):
        films[mode] = os.path.join(run_dir, 'videos', f'{mode}.mp4')
        config = EvaluationConfig(
            run_dir, 'auto', _EPISODES.value, greedy=mode == 'greedy', seed=1, video=films[mode]
        )
        print(results.summary(report.evaluate(config)), flush=True)
    print('\nWatch your agent play: ' + '\n                       '.join(films.values()))
    print(f'See how it learned:    ./run tensorboard --runs={run_dir}')
    print(f'Evaluate it again:     ./run evaluate --run_dir={run_dir} --episodes=100')


if __name__ == '__main__':
    script.start(main)
