"""Runs started as a user starts them: ended, interrupted, and compared with each other."""

import csv
import shlex
import signal

from agents.runs.logger import MACHINE_METRICS
from agents.storage import checkpoints
from tests.helpers import launching
from tests.helpers.trees import first_difference


def finish(script):
    """Waits for a script that ends without an error; returns its output."""
    code, out, err = script.wait()
    assert (code, err) == (0, ''), err
    return out


def num_rows(run_dir):
    """Number of rows that a run has written to metrics.csv so far."""
    path = run_dir / 'metrics.csv'
    return path.read_text().count('\n') - 1 if path.exists() else 0


def interrupt(script, run_dir, number, rows, name='train_a2c'):
    """Sends a signal after so many rows of metrics; returns the flags that continue the run."""
    script.wait_until(lambda: num_rows(run_dir) >= rows)
    shared_memory = script.shared_memory()
    code, out, err = script.stop(number)
    assert (code, err) == (128 + number, ''), err
    last = out.splitlines()[-1]
    assert last.startswith(f'{signal.Signals(number).name}: saved at ')
    assert launching.wait_for_the_end_of(script) == []
    assert not [path for path in shared_memory if path in script.shared_memory()]
    assert (run_dir / 'model' / 'final' / 'model.keras').exists()
    program, asked, *flags = shlex.split(last.partition('continue with: ')[2])
    assert (program, asked) == ('./run', name)
    return flags


def table(run_dir, name):
    """Rows of a table without the columns that depend on the machine's speed or load."""
    with open(run_dir / f'{name}.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key not in MACHINE_METRICS} for row in rows]


def last_state(run_dir):
    """Tree of the newest checkpoint, without the time that the run took."""
    tree = checkpoints.load(checkpoints.paths(str(run_dir / 'checkpoints'))[0])
    del tree['logger']['wall_seconds']
    return tree


def difference_of_runs(a, b):
    """Name or path of the first difference between two runs, or ''."""
    for name in ('metrics', 'episodes', 'evaluations'):
        if table(a, name) != table(b, name):
            return f'{name}.csv'
    return first_difference(last_state(a), last_state(b))


def assert_same_run(a, b):
    """Fails unless two runs have the same tables and the same last training state."""
    assert difference_of_runs(a, b) == ''
