"""Ctrl-C and a polite kill: a run that learns writes a checkpoint first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the run was asked to stop, and what happens when it is.

    While the run is `waiting` to be asked, the first signal is noted and the run stops when its
    rollout is over; the second one ends it at once, and so does any at other times: then there is
    nothing to be saved. The exit code is 128 and the signal's number: 130 and 143.

    Args:
        tell: told that a signal came.
    """

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.tell = tell
        self.signal: int | None = None
        self._waits = False

    def __call__(self) -> int | None:
        """The signal that came, or None."""
        return self.signal

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Note the first signal within, for the run to look at."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals within; afterwards who took them before does so again."""
        main = threading.current_thread() is threading.main_thread()  # no other may take signals
        before = {number: signal.signal(number, self._take) for number in SIGNALS if main}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: Any) -> None:
        if not self._waits or self.signal is not None:
            raise SystemExit(128 + number)
        self.signal = number
        with suppress(RuntimeError):  # it came as the same stream was written to
            self.tell(
                "asked to stop: a checkpoint is written when this rollout is over (once more: at "
                "once)"
            )
