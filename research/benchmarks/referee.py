"""A contestant of a benchmark as its referee sees it: a process that takes turns."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

_ONE_CORE = ('inference', 'training')


class Contestant:
    """A process of `contestants` that takes turns."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        environment = dict(os.environ)
        command = [sys.executable, '-m', 'research.benchmarks.contestants', kind]
        cores = sorted(os.sched_getaffinity(0))
        if kind in _ONE_CORE:
            environment.update(TF_NUM_INTRAOP_THREADS='1', TF_NUM_INTEROP_THREADS='1')
            cores = cores[-1:]
        self.kind, self.turns = kind, list[dict[str, float]]()
        self._stderr = tempfile.TemporaryFile('w+')  # Warnings of other packages.
        self._process = subprocess.Popen(
            [*command, json.dumps(options)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self._hear()

    def _hear(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            raise RuntimeError(f'{self.kind} failed:\n{self._stderr.read()[-2000:]}')
        return json.loads(line)

    def take_turn(self, seconds: float) -> None:
        """Works so long and notes what was done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f'{seconds}\n')
        self._process.stdin.flush()
        self.turns.append(self._hear())

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def median(self, name: str) -> float:
        """Of a field over the turns."""
        return statistics.median(turn[name] for turn in self.turns)

    def rates(self) -> list[float]:
        """Agent steps per second of each turn."""
        return [turn['steps'] / turn['wall_seconds'] for turn in self.turns]

    def cost(self, name: str) -> float:
        """Median of a time per agent step."""
        return statistics.median(turn[name] / turn['steps'] for turn in self.turns)


def take_turns(
    entries: list[tuple[str, dict[str, Any]]], rounds: int, seconds: float
) -> list[Contestant]:
    """All rounds of contestants of these kinds and options, one turn after the other."""
    contestants: list[Contestant] = []
    try:
        for kind, options in entries:
            contestants.append(Contestant(kind, options))
        for _ in range(rounds):
            for contestant in contestants:
                contestant.take_turn(seconds)
    finally:
        for contestant in contestants:
            contestant.close()
    return contestants
