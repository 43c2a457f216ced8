"""Signals that ask a training to stop."""

import signal
import types
from typing import Any


class StopSignals:
    """Notes Ctrl-C, SIGTERM and SIGHUP within its block; a second one has its usual effect.

    Attributes:
        received: Name of the first signal, or ''.
    """

    def __init__(self) -> None:
        self.received = ''
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        """Takes over the signals."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        self.received = signal.Signals(number).name
        signal.signal(number, self._handlers[number])

    def __exit__(self, *error: object) -> None:
        """Restores the previous handlers."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
