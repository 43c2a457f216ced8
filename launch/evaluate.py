"""Evaluate a trained agent: a table of episodes, a film, a JSON file."""

from absl import flags

from launch import script

_RUN_DIR = flags.DEFINE_string('run_dir', None, 'Directory of the run.', required=True)
_MODEL = flags.DEFINE_enum(
    'model', 'auto', ['auto', 'best', 'final'], 'auto: best if there is one.'
)
_EPISODES = flags.DEFINE_integer('episodes', 20, 'Whole episodes to play.')
_GREEDY = flags.DEFINE_boolean('greedy', False, 'The most probable action instead of sampling.')
_SEED = flags.DEFINE_integer('seed', 0, 'Seed of the environments and the actions.')
_VIDEO = flags.DEFINE_string('video', '', 'File (.mp4) to film the game to; empty: no film.')
_JSON = flags.DEFINE_string('json', '', 'File to write the result to; empty: none.')


def main() -> None:
    """Flags to a request, and one call."""
    from agents import quiet_tensorflow  # noqa: F401, I001  Workers start without TensorFlow.
    from agents import report

    directory = report.model_directory(_RUN_DIR.value, _MODEL.value)
    request = report.Request(
        directory, _EPISODES.value, _GREEDY.value, _SEED.value, _VIDEO.value, _JSON.value
    )
    report.print_episodes(report.evaluate(request))
    if _VIDEO.value:
        print(f'film: {_VIDEO.value}')


if __name__ == '__main__':
    script.start(main)
