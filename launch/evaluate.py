"""Evaluate a trained agent: a table of episodes, a film, a JSON file."""

import os

from agents import quiet_tensorflow
from agents.configs.run import EvaluationConfig
from agents.storage import model_checks, run_directory
from envs.fields import require
from launch.common import config_flags, script

_config = config_flags.define(EvaluationConfig)


def main() -> None:
    """Evaluates, after a check of everything that will be read or written."""
    config = _config()
    directory = run_directory.model_directory(config.run_dir, config.model)
    run_directory.check_output('video', config.video)
    run_directory.check_output('json', config.json)
    same = config.json and os.path.realpath(config.video) == os.path.realpath(config.json)
    require(not same, f'--video and --json: both are to be {config.json}')
    env_config, _ = model_checks.read_recipe(directory)
    model_checks.to_play(env_config, config.levels)
    model_checks.check_network(directory)
    quiet_tensorflow.load()
    from agents.evaluation import report

    report.print_episodes(report.evaluate(config))
    if config.video:
        print(f'film: {config.video}')


if __name__ == '__main__':
    script.start(main)
