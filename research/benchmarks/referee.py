"""A contestant of a benchmark as its referee sees it: a process that takes turns."""

import contextlib
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
from typing import Any

_ONE_CORE = ('inference', 'training')
_END_SECONDS = 20.0  # Until a contestant that does not leave is killed.


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
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self._hear()

    def _hear(self) -> dict[str, float]:
        assert self._process.stdout is not None
        # What a contestant leaves behind may hold the pipe open: its end alone tells nothing.
        told: list[Any] = []
        while not told and self._process.poll() is None:
            told, _, _ = select.select([self._process.stdout], [], [], 1.0)
        line = self._process.stdout.readline() if told else ''
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
        """Ends the process and what it has started."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def median(self, name: str) -> float:
        """The median of a field over the turns."""
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
