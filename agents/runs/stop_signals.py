"""Signals that ask a training to stop."""

import signal
import types
from typing import Any


class StopSignals:
    """Within the block Ctrl-C, SIGTERM and SIGHUP are noted; a second one acts as ever.

    Attributes:
        received: Name of the first one, or ''.
    """

    def __init__(self) -> None:
        self.received = ''
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        """Begins to listen."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        self.received = signal.Signals(number).name
        signal.signal(number, self._handlers[number])

    def __exit__(self, *error: object) -> None:
        """Gives the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
